package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content/oci"
)

// Media types of what is attached to an image, which are their artifact types too.
const (
	mediaTypeCycloneDX = "application/vnd.cyclonedx+json"
	mediaTypeInToto    = "application/vnd.in-toto+json"
)

// user is the user and the group of the programs: numbers, as the kubelet cannot check runAsNonRoot against a name.
const user = "65532:65532"

// layout is an OCI image layout that is being written.
type layout struct {
	dir   string
	store *oci.Store
	time  time.Time
}

func newLayout(ctx context.Context, dir string, at time.Time) (*layout, error) {
	store, err := oci.NewWithContext(ctx, dir)
	if err != nil {
		return nil, fmt.Errorf("creating the image layout %s: %w", dir, err)
	}
	store.AutoSaveIndex = false
	return &layout{dir, store, at}, nil
}

// blob adds content.
func (l *layout) blob(ctx context.Context, mediaType string, content []byte) (ocispec.Descriptor, error) {
	d := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(content), Size: int64(len(content))}
	if exists, err := l.store.Exists(ctx, d); exists || err != nil {
		return d, err
	}
	return d, l.store.Push(ctx, d, bytes.NewReader(content))
}

func (l *layout) document(ctx context.Context, mediaType string, document any) (ocispec.Descriptor, error) {
	text, err := json.Marshal(document)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	return l.blob(ctx, mediaType, text)
}

// image adds an image with some files and nothing else, and returns its manifest.
func (l *layout) image(ctx context.Context, p platform, c ocispec.ImageConfig, files ...member) (ocispec.Descriptor, error) {
	unpacked, err := tarOf(l.time, files...)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	packed, err := gzipOf(unpacked)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	layer, err := l.blob(ctx, ocispec.MediaTypeImageLayerGzip, packed)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	config, err := l.document(ctx, ocispec.MediaTypeImageConfig, ocispec.Image{
		Created:  &l.time,
		Platform: ocispec.Platform{OS: p.os, Architecture: p.arch},
		Config:   c,
		RootFS:   ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{digest.FromBytes(unpacked)}},
		History:  []ocispec.History{{Created: &l.time, CreatedBy: "config/release"}},
	})
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	manifest, err := l.document(ctx, ocispec.MediaTypeImageManifest, ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		Config: config, Layers: []ocispec.Descriptor{layer}, Annotations: c.Labels,
	})
	manifest.Platform = &ocispec.Platform{OS: p.os, Architecture: p.arch}
	return manifest, err
}

// index adds the index of an image's platforms and tags it.
func (l *layout) index(ctx context.Context, tag string, manifests []ocispec.Descriptor, annotations map[string]string) (ocispec.Descriptor, error) {
	d, err := l.document(ctx, ocispec.MediaTypeImageIndex, ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex,
		Manifests: manifests, Annotations: annotations,
	})
	if err != nil {
		return d, err
	}
	return d, l.store.Tag(ctx, d, tag)
}

// attach adds a document about a manifest, which registries list as its referrer.
func (l *layout) attach(ctx context.Context, subject ocispec.Descriptor, mediaType, title string, content []byte) error {
	layer, err := l.blob(ctx, mediaType, content)
	if err != nil {
		return err
	}
	layer.Annotations = map[string]string{ocispec.AnnotationTitle: title}
	subject.Platform = nil
	_, err = oras.PackManifest(ctx, l.store, oras.PackManifestVersion1_1, mediaType, oras.PackManifestOptions{
		Subject: &subject, Layers: []ocispec.Descriptor{layer},
		ManifestAnnotations: map[string]string{ocispec.AnnotationCreated: l.time.Format(time.RFC3339)},
	})
	return err
}

// save writes the layout's index.json. The store lists manifests in the order of a map, and keeps an empty folder.
func (l *layout) save() error {
	if err := os.Remove(filepath.Join(l.dir, "ingest")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := l.store.SaveIndex(); err != nil {
		return fmt.Errorf("saving %s: %w", l.dir, err)
	}
	file := filepath.Join(l.dir, ocispec.ImageIndexFile)
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var index ocispec.Index
	if err := json.Unmarshal(text, &index); err != nil {
		return fmt.Errorf("reading %s: %w", file, err)
	}
	slices.SortFunc(index.Manifests, func(a, b ocispec.Descriptor) int { return cmp.Compare(a.Digest, b.Digest) })
	text, err = json.Marshal(index)
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o644) //nolint:gosec // a release is for everyone
}

// labels describe an image; they are its annotations too.
func labels(o *options, src source, title, description string) map[string]string {
	all := map[string]string{
		ocispec.AnnotationTitle:       title,
		ocispec.AnnotationDescription: description,
		ocispec.AnnotationLicenses:    "Apache-2.0",
		ocispec.AnnotationVersion:     o.version,
		ocispec.AnnotationRevision:    src.commit,
		ocispec.AnnotationCreated:     src.time.Format(time.RFC3339),
		ocispec.AnnotationSource:      o.sourceURL,
	}
	maps.DeleteFunc(all, func(_, value string) bool { return value == "" })
	return all
}
