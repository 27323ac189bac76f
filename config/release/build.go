package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// options of a build.
type options struct {
	version, root, dir string
	images, archives   string
	// registry is the registry and folder that the images are published to. Without it, install.yaml has a
	// placeholder, and the chart asks for it.
	registry string
	// downloads is the URL of the folder that the archives are published to.
	downloads string
	// sourceURL and builderURI describe the release: the repository, and what built it.
	sourceURL, builderURI string
	// tools that are not Go's or the system's.
	helm, kubectl, cyclonedx string
}

func buildFlags(f *flag.FlagSet) *options {
	o := &options{}
	f.StringVar(&o.version, "version", "", "version, such as v0.2.0")
	f.StringVar(&o.root, "source", ".", "checkout to build")
	f.StringVar(&o.dir, "o", "", "folder to write, which must not exist")
	f.StringVar(&o.images, "images", "linux/amd64,linux/arm64", "platforms of the images")
	f.StringVar(&o.archives, "archives", "linux/amd64,linux/arm64,darwin/amd64,darwin/arm64,windows/amd64,windows/arm64",
		"platforms of the command line's archives")
	f.StringVar(&o.registry, "registry", "", "registry and folder of the images, such as registry.example.com/integration-hub")
	f.StringVar(&o.downloads, "downloads", "", "URL of the folder with the archives")
	f.StringVar(&o.sourceURL, "source-url", "", "URL of the repository")
	f.StringVar(&o.builderURI, "builder", "", "URI of what runs the build")
	f.StringVar(&o.helm, "helm", "helm", "Helm")
	f.StringVar(&o.kubectl, "kubectl", "kubectl", "kubectl")
	f.StringVar(&o.cyclonedx, "cyclonedx-gomod", "cyclonedx-gomod", "cyclonedx-gomod")
	return o
}

// programs of a release, with what they are.
var programs = []struct{ name, title, description string }{
	{"manager", "Integration Hub manager", "Operator that runs Looker's Action Hub in a Kubernetes cluster."},
	{"hub", "Integration Hub", "HTTPS hub for Looker's Action API."},
}

// build writes a release: images, manifests, the chart, archives, and what describes them. Its folder appears once it is
// complete.
func build(ctx context.Context, o *options) error {
	src, err := check(ctx, o)
	if err != nil {
		return err
	}
	images, imagesErr := parsePlatforms(o.images)
	archives, archivesErr := parsePlatforms(o.archives)
	if err := errors.Join(imagesErr, archivesErr); err != nil {
		return err
	}
	o.images, o.archives = formatPlatforms(images), formatPlatforms(archives)
	work, err := os.MkdirTemp("", "release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if src, err = src.export(ctx, filepath.Join(work, "source")); err != nil {
		return fmt.Errorf("exporting the commit: %w", err)
	}
	incomplete := o.dir + ".incomplete"
	if err := os.RemoveAll(incomplete); err != nil { // one that a killed build left
		return err
	}
	if err := os.MkdirAll(incomplete, 0o755); err != nil { //nolint:gosec // a release is for everyone
		return err
	}
	defer os.RemoveAll(incomplete)
	b := &builder{options: o, source: src, work: work, dir: incomplete, programs: map[string][]byte{}, digests: map[string]string{}}
	for _, step := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"images", func(ctx context.Context) error { return b.programImages(ctx, images) }},
		{"archives", func(ctx context.Context) error { return b.archives(ctx, archives) }},
		{"manifests", b.manifests},
		{"bundle", b.bundle},
		{"chart", b.chart},
		{"provenance", b.provenance},
		{"checksums", func(context.Context) error { return writeChecksums(b.dir) }},
		{"signature", func(ctx context.Context) error { return signFiles(ctx, b.dir) }},
	} {
		if err := step.run(ctx); err != nil {
			return fmt.Errorf("building the %s: %w", step.name, err)
		}
	}
	return os.Rename(incomplete, o.dir)
}

// builder holds what the steps of a build share.
type builder struct {
	*options
	source source
	work   string
	// dir is written. It is not yet that of the options.
	dir string
	// programs are the compiled programs by file, as hub_linux_amd64.
	programs map[string][]byte
	// digests are those of the images' indexes by program, such as sha256:….
	digests map[string]string
}

// programImages builds the image of each program.
func (b *builder) programImages(ctx context.Context, platforms []platform) error {
	for _, p := range programs {
		d, err := b.image(ctx, p.name, p.title, p.description, platforms)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		b.digests[p.name] = d
	}
	return nil
}

// program compiles a program once, and describes it.
func (b *builder) program(ctx context.Context, name string, p platform) ([]byte, error) {
	key := name + "_" + p.file()
	if content, ok := b.programs[key]; ok {
		return content, nil
	}
	file, err := b.compile(ctx, name, p)
	if err != nil {
		return nil, err
	}
	if err := b.describe(ctx, file, b.bom(name, p)); err != nil {
		return nil, err
	}
	b.programs[key], err = os.ReadFile(file)
	return b.programs[key], err
}

// bom is the file of a program's bill of materials.
func (b *builder) bom(program string, p platform) string {
	return filepath.Join(b.dir, fmt.Sprintf("%s_%s_%s.cdx.json", program, b.version, p.file()))
}

// describe writes a program's bill of materials. Its serial number and time would differ with each build.
func (b *builder) describe(ctx context.Context, program, file string) error {
	_, err := output(ctx, b.work, nil, b.cyclonedx, "bin", "-json", "-noserial", "-notimestamp", "-std",
		"-version", b.version, "-output", file, program)
	return err
}

// image builds the image of a program into the layout oci/NAME, and returns its index' digest.
func (b *builder) image(ctx context.Context, name, title, description string, platforms []platform) (string, error) {
	l, err := newLayout(ctx, filepath.Join(b.dir, "oci", name), b.source.time)
	if err != nil {
		return "", err
	}
	about := labels(b.options, b.source, title, description)
	var manifests []ocispec.Descriptor
	for _, p := range platforms {
		content, err := b.program(ctx, name, p)
		if err != nil {
			return "", err
		}
		c := ocispec.ImageConfig{User: user, Entrypoint: []string{"/" + name}, WorkingDir: "/", Labels: about}
		manifest, err := l.image(ctx, p, c, member{name, 0o755, content})
		if err != nil {
			return "", err
		}
		bom, err := os.ReadFile(b.bom(name, p))
		if err != nil {
			return "", err
		}
		if err := l.attach(ctx, manifest, mediaTypeCycloneDX, filepath.Base(b.bom(name, p)), bom); err != nil {
			return "", err
		}
		manifests = append(manifests, manifest)
	}
	d, err := l.index(ctx, b.version, manifests, about)
	if err != nil {
		return "", err
	}
	statement, err := b.statement([]subject{{Name: name, Digest: sha256Of(d.Digest.Encoded())}})
	if err != nil {
		return "", err
	}
	if err := l.attach(ctx, d, mediaTypeInToto, "provenance.json", statement); err != nil {
		return "", err
	}
	return d.Digest.String(), l.save()
}

// archives packs the command line for people's machines, and Krew's manifest of it.
func (b *builder) archives(ctx context.Context, platforms []platform) error {
	licence, err := os.ReadFile(filepath.Join(b.source.root, "LICENSE"))
	if err != nil {
		return err
	}
	var packed []krewPlatform
	for _, p := range platforms {
		program, err := b.program(ctx, "hub", p)
		if err != nil {
			return err
		}
		name, extension, pack := "hub", ".tar.gz", tarGzipOf
		if p.os == "windows" {
			name, extension, pack = "hub.exe", ".zip", zipOf
		}
		content, err := pack(b.source.time, member{name, 0o755, program}, member{"LICENSE", 0o644, licence})
		if err != nil {
			return err
		}
		file := fmt.Sprintf("hub_%s_%s%s", b.version, p.file(), extension)
		if err := b.write(file, content); err != nil {
			return err
		}
		uri := cmp.Or(b.downloads, placeholderDownloads) + "/" + file
		packed = append(packed, newKrewPlatform(p, uri, name, content))
	}
	manifest, err := krewManifest(b.version, packed)
	if err != nil {
		return err
	}
	return b.write("integrationhub.yaml", manifest)
}

// write adds a file to the release.
func (b *builder) write(name string, content []byte) error {
	return os.WriteFile(filepath.Join(b.dir, name), content, 0o644) //nolint:gosec // a release is for everyone
}
