package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/registry/remote"
)

// tool returns a program that the Makefile built for the test.
func tool(t *testing.T, variable, name string) string {
	t.Helper()
	value := os.Getenv(variable)
	if value == "" {
		t.Skipf("%s is not set: run make test-release", variable)
	}
	if name != "" {
		value = filepath.Join(value, name)
	}
	if _, err := os.Stat(value); err != nil {
		t.Fatalf("%v: run make test-release", err)
	}
	return value
}

func command(t *testing.T, dir, program string, args ...string) string {
	t.Helper()
	out, err := output(t.Context(), dir, nil, program, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// checkout commits the project's manifests and chart with programs that compile in a second.
func checkout(t *testing.T) string {
	t.Helper()
	dir, project := t.TempDir(), filepath.Join("..", "..")
	for _, folder := range []string{"config/crd", "config/rbac", "config/manager", "config/olm", "config/samples", "hub/custom/examples", "charts/integration-hub"} {
		if err := os.CopyFS(filepath.Join(dir, folder), os.DirFS(filepath.Join(project, folder))); err != nil {
			t.Fatal(err)
		}
	}
	program := "package main\n\nimport \"integrationhub.dev/hub/version\"\n\nfunc main() { println(version.Text()) }\n"
	for file, text := range map[string]string{
		"go.mod":                          "module integrationhub.dev\n\ngo 1.26.0\n",
		"LICENSE":                         "licence\n",
		"hub/version/version.go":          "package version\n\nvar release, commit string\n\nfunc Text() string { return release + \" \" + commit }\n",
		"hub/cmd/hub/main.go":             program,
		"controllers/cmd/manager/main.go": program,
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, file)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command(t, dir, "git", "init", "--quiet")
	command(t, dir, "git", "add", "--all")
	command(t, dir, "git", "-c", "user.name=test", "-c", "user.email=test@example.com", "commit", "--quiet", "--message", "test")
	return dir
}

func newOptions(t *testing.T, source, registry string) *options {
	t.Helper()
	return &options{
		version: "v1.2.3", root: source, dir: filepath.Join(t.TempDir(), "release"), registry: registry,
		images: "linux/amd64,linux/arm64", archives: "linux/amd64,windows/amd64", sourceURL: "https://git.example.com/hub",
		helm: tool(t, "KUBEBUILDER_ASSETS", "helm"), kubectl: tool(t, "KUBEBUILDER_ASSETS", "kubectl"), cyclonedx: tool(t, "CYCLONEDX", ""),
	}
}

// startRegistry runs CNCF Distribution on this machine and returns its address.
func startRegistry(t *testing.T) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), tool(t, "KUBEBUILDER_ASSETS", "registry"), "127.0.0.1:0", t.TempDir())
	stdin, err := cmd.StdinPipe() // its end ends the registry
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the registry did not start: %v", err)
	}
	return strings.TrimSpace(address)
}

// A commit gives the same bytes in another folder, and a registry and Helm take what was built.
func TestRelease(t *testing.T) {
	registry := startRegistry(t) + "/integration-hub"
	source := checkout(t)
	first := newOptions(t, source, registry)
	if err := build(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	clone := filepath.Join(t.TempDir(), "deeper and", "clone")
	setUpOtherMachine(t)
	command(t, "", "git", "clone", "--quiet", source, clone)
	for file, text := range map[string]string{
		".git/info/exclude":                    "ignored.*\n",
		"charts/integration-hub/ignored.txt":   "ignored",
		"controllers/cmd/manager/ignored.go":   "package main\n\nfunc init() { println(`ignored`) }\n",
		"controllers/cmd/manager/ignored.orig": "ignored",
	} {
		if err := os.WriteFile(filepath.Join(clone, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	second := newOptions(t, clone, registry)
	second.images = "linux/amd64, linux/arm64"
	if err := build(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	if err := compare(first.dir, second.dir); err != nil {
		t.Errorf("a second build differs: %v", err)
	}
	command(t, first.dir, "sha256sum", "--check", "--strict", checksumsFile)

	commit := command(t, source, "git", "rev-parse", "HEAD")
	t.Run("archives", func(t *testing.T) { checkArchives(t, first.dir, commit) })
	t.Run("bundle", func(t *testing.T) { checkBundle(t, first.dir) })
	t.Run("provenance", func(t *testing.T) { checkProvenance(t, first.dir, commit) })
	if err := publish(t.Context(), &publishOptions{registry: registry}, first.dir); err != nil {
		t.Fatal(err)
	}
	t.Run("images", func(t *testing.T) { checkImages(t, first.dir, commit) })
	t.Run("chart", func(t *testing.T) { checkChart(t, first, registry) })
	if err := publish(t.Context(), &publishOptions{registry: "registry.example.com/other"}, first.dir); err == nil ||
		!strings.Contains(err.Error(), "is not for registry.example.com/other") {
		t.Errorf("pushing to another registry than the one in install.yaml: %v", err)
	}
}

// setUpOtherMachine changes everything around a build that another machine or user can have otherwise.
func setUpOtherMachine(t *testing.T) {
	t.Helper()
	settings := filepath.Join(t.TempDir(), "env")
	if err := os.WriteFile(settings, []byte("GOAMD64=v3\nGOFLAGS=-gcflags=-l\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"GOENV": settings, "GOARM64": "v9.0", "GOWORK": "", "GOFIPS140": "latest", "TZ": "Asia/Kathmandu", "LC_ALL": "tr_TR.UTF-8",
		"GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_0": "core.autocrlf", "GIT_CONFIG_VALUE_0": "true",
		"GIT_CONFIG_KEY_1": "log.showSignature", "GIT_CONFIG_VALUE_1": "true",
	} {
		t.Setenv(name, value)
	}
	mask := syscall.Umask(0o077)
	t.Cleanup(func() { syscall.Umask(mask) })
}

func checkArchives(t *testing.T, dir, commit string) {
	t.Helper()
	packed, err := os.ReadFile(filepath.Join(dir, "hub_v1.2.3_linux_amd64.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	members, err := readTarGzip(packed)
	if err != nil {
		t.Fatal(err)
	}
	if len(members) != 2 || members[0].name != "hub" || members[1].name != "LICENSE" {
		t.Fatalf("the archive has %d files, want hub and LICENSE", len(members))
	}
	for _, want := range []string{"v1.2.3", commit} {
		if !bytes.Contains(members[0].content, []byte(want)) {
			t.Errorf("the program does not know %s", want)
		}
	}
	krew, err := os.ReadFile(filepath.Join(dir, "integrationhub.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"sha256: " + hexSHA256(packed), "uri: https://DOWNLOADS/hub_v1.2.3_windows_amd64.zip", "bin: hub.exe"} {
		if !strings.Contains(string(krew), want) {
			t.Errorf("Krew's manifest has no %q:\n%s", want, krew)
		}
	}
}

func checkProvenance(t *testing.T, dir, commit string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "provenance.json"))
	if err != nil {
		t.Fatal(err)
	}
	var s statement
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, subject := range s.Subject {
		names = append(names, subject.Name)
		if len(subject.Digest["sha256"]) != 64 {
			t.Errorf("%s has the digest %v", subject.Name, subject.Digest)
		}
	}
	for _, want := range []string{"install.yaml", "crds.yaml", "integration-hub-1.2.3.tgz", "hub_v1.2.3_linux_amd64.tar.gz", "manager_v1.2.3_linux_arm64.cdx.json", "oci/hub", "oci/manager"} {
		if !slices.Contains(names, want) {
			t.Errorf("the provenance is not about %s", want)
		}
	}
	source := s.Predicate.BuildDefinition.ResolvedDependencies[0]
	if source.URI != "git+https://git.example.com/hub" || source.Digest["gitCommit"] != commit {
		t.Errorf("the provenance names the source %+v, want commit %s", source, commit)
	}
}

var references = regexp.MustCompile(`(?:image|value): (\S+/(?:manager|hub))@(sha256:[0-9a-f]{64})\n`)

// checkImages resolves what install.yaml names.
func checkImages(t *testing.T, dir, commit string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "install.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	found := references.FindAllStringSubmatch(string(text), -1)
	if len(found) != 2 {
		t.Fatalf("install.yaml names %d images, want 2", len(found))
	}
	for _, m := range found {
		repository, err := newRepository(&publishOptions{}, m[1])
		if err != nil {
			t.Fatal(err)
		}
		d, content, err := oras.FetchBytes(t.Context(), repository, m[2], oras.DefaultFetchBytesOptions)
		if err != nil {
			t.Fatalf("%s@%s: %v", m[1], m[2], err)
		}
		var index ocispec.Index
		if err := json.Unmarshal(content, &index); err != nil {
			t.Fatal(err)
		}
		if got := index.Annotations[ocispec.AnnotationRevision]; got != commit {
			t.Errorf("%s: the index is of commit %q, want %s", m[1], got, commit)
		}
		if got := referrers(t, repository, d); !slices.Equal(got, []string{mediaTypeInToto}) {
			t.Errorf("%s: attached to the index: %v, want the provenance", m[1], got)
		}
		var platforms []string
		for _, image := range index.Manifests {
			platforms = append(platforms, image.Platform.OS+"/"+image.Platform.Architecture)
			if got := referrers(t, repository, image); !slices.Equal(got, []string{mediaTypeCycloneDX}) {
				t.Errorf("%s: attached to the image for %s: %v, want the bill of materials", m[1], image.Platform.Architecture, got)
			}
			checkImage(t, repository, image)
		}
		if !slices.Equal(platforms, []string{"linux/amd64", "linux/arm64"}) {
			t.Errorf("%s is for %v", m[1], platforms)
		}
	}
}

func referrers(t *testing.T, repository *remote.Repository, d ocispec.Descriptor) []string {
	t.Helper()
	var types []string
	err := repository.Referrers(t.Context(), d, "", func(found []ocispec.Descriptor) error {
		for _, r := range found {
			types = append(types, r.ArtifactType)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return types
}

// checkImage reads an image as a container runtime does.
func checkImage(t *testing.T, repository *remote.Repository, image ocispec.Descriptor) {
	t.Helper()
	_, content, err := oras.FetchBytes(t.Context(), repository, image.Digest.String(), oras.DefaultFetchBytesOptions)
	if err != nil {
		t.Fatal(err)
	}
	var manifest ocispec.Manifest
	if err := json.Unmarshal(content, &manifest); err != nil {
		t.Fatal(err)
	}
	var config ocispec.Image
	if err := json.Unmarshal(fetchBlob(t, repository, manifest.Config), &config); err != nil {
		t.Fatal(err)
	}
	members, err := readTarGzip(fetchBlob(t, repository, manifest.Layers[0]))
	if err != nil {
		t.Fatal(err)
	}
	if len(members) != 1 || "/"+members[0].name != config.Config.Entrypoint[0] || members[0].mode != 0o755 {
		t.Errorf("the image has %d files, want its entrypoint %v alone", len(members), config.Config.Entrypoint)
	}
	if config.Config.User != "65532:65532" || config.Architecture != image.Platform.Architecture {
		t.Errorf("the image is for %s and runs as %s", config.Architecture, config.Config.User)
	}
	unpacked, err := tarOf(*config.Created, members...)
	if err != nil {
		t.Fatal(err)
	}
	if got := digest.FromBytes(unpacked); got != config.RootFS.DiffIDs[0] {
		t.Errorf("the layer's contents have the digest %s, and the configuration %s", got, config.RootFS.DiffIDs[0])
	}
}

func fetchBlob(t *testing.T, repository *remote.Repository, d ocispec.Descriptor) []byte {
	t.Helper()
	r, err := repository.Fetch(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	if err != nil || digest.FromBytes(content) != d.Digest {
		t.Fatalf("reading %s: %v", d.Digest, err)
	}
	return content
}

// checkChart pulls the chart as users do.
func checkChart(t *testing.T, o *options, registry string) {
	t.Helper()
	dir := t.TempDir()
	command(t, dir, o.helm, "pull", "oci://"+registry+"/charts/integration-hub", "--version", "1.2.3", "--plain-http")
	pulled, err := os.ReadFile(filepath.Join(dir, "integration-hub-1.2.3.tgz"))
	if err != nil {
		t.Fatal(err)
	}
	built, err := os.ReadFile(filepath.Join(o.dir, "integration-hub-1.2.3.tgz"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(pulled, built) {
		t.Error("helm pulls another chart than the one that was built")
	}
	rendered := command(t, dir, o.helm, "template", "hub", "integration-hub-1.2.3.tgz")
	install, err := os.ReadFile(filepath.Join(o.dir, "install.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range references.FindAllStringSubmatch(string(install), -1) {
		if image := m[1] + "@" + m[2]; !strings.Contains(rendered, image) {
			t.Errorf("the chart does not install %s, as install.yaml does", image)
		}
	}
	mirrored := command(t, dir, o.helm, "template", "hub", "integration-hub-1.2.3.tgz", "--set", "global.imageRegistry=mirror.example.com/folder")
	for _, want := range []string{"mirror.example.com/folder/manager@sha256:", "mirror.example.com/folder/hub@sha256:"} {
		if !strings.Contains(mirrored, want) {
			t.Errorf("with global.imageRegistry, the chart does not install %s…", want)
		}
	}
	metadata := command(t, dir, o.helm, "show", "chart", "integration-hub-1.2.3.tgz")
	for _, want := range []string{"version: 1.2.3", "appVersion: v1.2.3", "artifacthub.io/images: |", "- linux/arm64", `artifacthub.io/prerelease: "false"`} {
		if !strings.Contains(metadata, want) {
			t.Errorf("Chart.yaml has no %q:\n%s", want, metadata)
		}
	}
}

// Without a registry, no file names an image in some default registry.
func TestReleaseWithoutRegistry(t *testing.T) {
	o := newOptions(t, checkout(t), "")
	o.images, o.archives = "linux/amd64", "linux/amd64"
	if err := build(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	install, err := os.ReadFile(filepath.Join(o.dir, "install.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(install), "image: IMAGE_REGISTRY/manager@sha256:") || !strings.HasPrefix(string(install), "# Integration Hub v1.2.3. Replace IMAGE_REGISTRY") {
		t.Errorf("install.yaml has no placeholder with an explanation: %.200s", install)
	}
	_, err = output(t.Context(), "", nil, o.helm, "template", "hub", filepath.Join(o.dir, "integration-hub-1.2.3.tgz"))
	if err == nil || !strings.Contains(err.Error(), "Set global.imageRegistry") {
		t.Errorf("the chart installs without a registry: %v", err)
	}
}

func TestRefusedBuilds(t *testing.T) {
	// The configuration of someone who hides new files.
	t.Setenv("GIT_CONFIG_COUNT", "1")
	t.Setenv("GIT_CONFIG_KEY_0", "status.showUntrackedFiles")
	t.Setenv("GIT_CONFIG_VALUE_0", "no")
	source, unpacked := t.TempDir(), t.TempDir()
	command(t, source, "git", "init", "--quiet")
	if err := os.WriteFile(filepath.Join(source, "change"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	inside := filepath.Join(source, "unpacked")
	if err := os.Mkdir(inside, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change func(o *options)
		want   string
	}{
		"no version":       {func(o *options) { o.version = "" }, "it must be a version such as v0.2.0"},
		"no v":             {func(o *options) { o.version = "0.2.0" }, "it must be a version such as v0.2.0"},
		"build metadata":   {func(o *options) { o.version = "v0.2.0+1" }, "it must be a version such as v0.2.0"},
		"leading zero":     {func(o *options) { o.version = "v0.2.0-01" }, "it must be a version such as v0.2.0"},
		"short version":    {func(o *options) { o.version = "v1" }, "it must be a version such as v0.2.0"},
		"existing folder":  {func(o *options) { o.dir = source }, "Remove this folder to build it again"},
		"upper case":       {func(o *options) { o.registry = "registry.example.com/Hub" }, "lowercase folders"},
		"slash at the end": {func(o *options) { o.registry = "registry.example.com/hub/" }, "without / at the end"},
		"scheme":           {func(o *options) { o.registry = "https://registry.example.com/hub" }, "without https://"},
		"no host":          {func(o *options) { o.registry = "integration-hub" }, "it must be a host"},
		"platform":         {func(o *options) { o.images = "linux" }, `"linux" is not a platform such as linux/amd64`},
		"variant":          {func(o *options) { o.images = "linux/arm/v7" }, `"linux/arm/v7" is not a platform such as linux/amd64`},
		"images' folder":   {func(o *options) { o.images = "registry.example.com/folder" }, "is not a platform"}, // IMAGES of make demo
		"platform twice":   {func(o *options) { o.archives = "linux/amd64,linux/amd64" }, "the platform linux/amd64 is listed twice"},
		"uncommitted file": {func(*options) {}, "the checkout has changes that are not committed. Commit or remove them first:\n?? change"},
		"no repository":    {func(o *options) { o.root = unpacked }, "a release is built from a clone of the repository"},
		"another one's":    {func(o *options) { o.root = inside }, "has no repository of its own"},
	} {
		o := &options{version: "v0.2.0", root: source, dir: filepath.Join(t.TempDir(), "release"), images: "linux/amd64", archives: "linux/amd64"}
		test.change(o)
		if err := build(t.Context(), o); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

// cosign is called when there is an identity, and otherwise the reason is why not.
func TestSigning(t *testing.T) {
	bin := t.TempDir()
	calls := filepath.Join(bin, "calls")
	t.Setenv("PATH", bin+":/usr/bin:/bin")
	t.Setenv("COSIGN_KEY", "")
	t.Setenv("SIGSTORE_ID_TOKEN", "")
	t.Setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "")
	sign := func() string {
		t.Helper()
		if err := signFiles(context.Background(), "dir"); err != nil {
			t.Fatal(err)
		}
		if err := signImage(context.Background(), "registry.example.com/hub@sha256:0"); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(calls)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return string(text)
	}
	if _, reason := signer(); reason != "cosign is not installed" || sign() != "" {
		t.Errorf("without cosign: %q", reason)
	}
	if err := os.WriteFile(filepath.Join(bin, "cosign"), []byte("#!/bin/sh\necho \"$@\" >>"+calls+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, reason := signer(); !strings.Contains(reason, "set COSIGN_KEY or SIGSTORE_ID_TOKEN") || sign() != "" {
		t.Errorf("without an identity: %q", reason)
	}
	t.Setenv("COSIGN_KEY", "cosign.key")
	want := "sign-blob --yes --bundle dir/SHA256SUMS.sigstore.json --key cosign.key dir/SHA256SUMS\n" +
		"sign --yes --recursive --key cosign.key registry.example.com/hub@sha256:0\n"
	if got := sign(); got != want {
		t.Errorf("cosign was called with\n%swant\n%s", got, want)
	}
}
