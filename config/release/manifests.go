package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// placeholderRegistry is in install.yaml of a release whose registry is not known. It is no valid name of an
// image, so that a cluster refuses it at once instead of asking a registry for it.
const placeholderRegistry = "IMAGE_REGISTRY"

// manifests writes install.yaml and crds.yaml.
func (b *builder) manifests(ctx context.Context) error {
	image := func(name string) string {
		return cmp.Or(b.registry, placeholderRegistry) + "/" + name
	}
	overlay := filepath.Join(b.work, "install")
	if err := os.Mkdir(overlay, 0o700); err != nil {
		return err
	}
	root, err := filepath.EvalSymlinks(overlay)
	if err != nil {
		return err
	}
	source, err := filepath.Abs(b.source.root)
	if err != nil {
		return err
	}
	base, err := filepath.Rel(root, filepath.Join(source, "config"))
	if err != nil {
		return err
	}
	// The hub's image is the first environment variable of the manager.
	text := fmt.Sprintf(`resources: [%[1]s/crd, %[1]s/rbac, %[1]s/manager]
images:
- {name: manager, newName: %[2]s, digest: %[3]q}
patches:
- target: {kind: Deployment, name: integration-hub-manager}
  patch: |
    - {op: test, path: /spec/template/spec/containers/0/env/0/name, value: HUB_IMAGE}
    - {op: replace, path: /spec/template/spec/containers/0/env/0/value, value: "%[4]s@%[5]s"}
`, base, image("manager"), b.digests["manager"], image("hub"), b.digests["hub"])
	if err := os.WriteFile(filepath.Join(overlay, "kustomization.yaml"), []byte(text), 0o600); err != nil {
		return err
	}
	note := "# Integration Hub " + b.version + ": kubectl apply --server-side -f install.yaml\n"
	if b.registry == "" {
		note = "# Integration Hub " + b.version + ". Replace " + placeholderRegistry + " by the registry and the folder of the images first:\n" +
			"#   sed 's|" + placeholderRegistry + "|registry.example.com/integration-hub|' install.yaml | kubectl apply --server-side -f -\n"
	}
	if err := b.kustomize(ctx, overlay, "install.yaml", note); err != nil {
		return err
	}
	return b.kustomize(ctx, filepath.Join(b.source.root, "config", "crd"), "crds.yaml",
		"# The CRDs of Integration Hub "+b.version+": kubectl apply --server-side -f crds.yaml\n")
}

func (b *builder) kustomize(ctx context.Context, dir, file, note string) error {
	text, err := output(ctx, "", nil, b.kubectl, "kustomize", dir)
	if err != nil {
		return err
	}
	return b.write(file, []byte(note+text+"\n"))
}
