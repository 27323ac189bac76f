package controllertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// CertManagerCRDs is the folder of cert-manager's module that holds its CRDs.
func CertManagerCRDs(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/cert-manager/cert-manager").Output()
	return filepath.Join(strings.TrimSpace(string(out)), "deploy", "crds"), err
}

// release is a module of which only the CRDs are used. It is not in go.mod, which keeps its
// dependencies out.
type release struct {
	// at is the module and its version, sum its hash as in go.sum.
	at, sum string
	crds    []string
}

var releases = []release{
	{
		at:  "sigs.k8s.io/gateway-api@v1.6.3",
		sum: "h1:lKpJa5bGlraC/QeACvCpsHLdmO6y0iKfzVl6gzaFEYc=",
		crds: []string{
			"config/crd/standard/gateway.networking.k8s.io_httproutes.yaml",
			"config/crd/standard/gateway.networking.k8s.io_backendtlspolicies.yaml",
		},
	},
	{
		at:  "github.com/prometheus-operator/prometheus-operator@v0.85.0",
		sum: "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=",
		crds: []string{
			"example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
			"example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
		},
	},
}

// OptionalCRDs returns the files of the Gateway API's and the Prometheus operator's CRDs, from the
// module cache.
func OptionalCRDs(ctx context.Context) ([]string, error) {
	var files []string
	for _, r := range releases {
		dir, err := r.download(ctx)
		if err != nil {
			return nil, fmt.Errorf("downloading %s: %w", r.at, err)
		}
		for _, f := range r.crds {
			files = append(files, filepath.Join(dir, filepath.FromSlash(f)))
		}
	}
	return files, nil
}

// download downloads the module into the module cache and returns its directory.
func (r release) download(ctx context.Context) (string, error) {
	out, runErr := exec.CommandContext(ctx, "go", "mod", "download", "-json", r.at).Output() //nolint:gosec // r is one of releases
	var module struct{ Dir, Sum, Error string }
	switch err := json.Unmarshal(out, &module); {
	case err != nil:
		return "", errors.Join(runErr, err)
	case module.Error != "":
		return "", errors.New(module.Error)
	case module.Sum != r.sum:
		return "", fmt.Errorf("checksum %s, want %s", module.Sum, r.sum)
	}
	return module.Dir, nil
}
