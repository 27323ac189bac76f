package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/content/oci"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
	"oras.land/oras-go/v2/registry/remote/retry"
)

// publishOptions of a push.
type publishOptions struct {
	registry  string
	plainHTTP bool
}

func publishFlags(f *flag.FlagSet) *publishOptions {
	o := &publishOptions{}
	f.StringVar(&o.registry, "registry", "", "registry and folder, such as registry.example.com/integration-hub")
	f.BoolVar(&o.plainHTTP, "plain-http", false, "connect without TLS; always so for a registry on this machine's loopback address")
	return o
}

// publish pushes what a release's folder has for a registry: the images with what is attached to them, and the
// chart below charts/. Credentials are Docker's.
func publish(ctx context.Context, o *publishOptions, dir string) error {
	if err := checkRegistryName(o.registry); err != nil {
		return err
	}
	if err := checkRegistry(dir, o.registry); err != nil {
		return err
	}
	repositories := []string{chartName, "bundle"}
	for _, p := range programs {
		repositories = append(repositories, p.name)
	}
	for _, name := range repositories {
		reference := o.registry + "/" + name
		if name == chartName {
			reference = o.registry + "/charts/" + name
		}
		d, tag, err := push(ctx, o, filepath.Join(dir, "oci", name), reference)
		if err != nil {
			return fmt.Errorf("pushing %s: %w", reference, err)
		}
		say("pushed %s:%s@%s", reference, tag, d.Digest)
		if err := signImage(ctx, reference+"@"+d.Digest.String()); err != nil {
			return err
		}
	}
	return nil
}

// checkRegistry makes sure that install.yaml names the images of the registry.
func checkRegistry(dir, registry string) error {
	text, err := fs.ReadFile(os.DirFS(dir), "install.yaml")
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no release in %s: build it first", dir)
	}
	if err != nil {
		return fmt.Errorf("reading the release: %w", err)
	}
	if !bytes.Contains(text, []byte("image: "+registry+"/manager@sha256:")) {
		return fmt.Errorf("install.yaml in %s is not for %s: build the release with this registry", dir, registry)
	}
	return nil
}

// push copies a layout's tagged manifest and its referrers. It returns what the registry then has at the tag.
func push(ctx context.Context, o *publishOptions, layout, reference string) (ocispec.Descriptor, string, error) {
	store, err := oci.NewFromFS(ctx, os.DirFS(layout))
	if err != nil {
		return ocispec.Descriptor{}, "", fmt.Errorf("reading %s: %w", layout, err)
	}
	var tag string
	err = store.Tags(ctx, "", func(tags []string) error {
		if len(tags) != 1 {
			return fmt.Errorf("%s has %d tags, want 1", layout, len(tags))
		}
		tag = tags[0]
		return nil
	})
	if err != nil {
		return ocispec.Descriptor{}, "", err
	}
	repository, err := newRepository(o, reference)
	if err != nil {
		return ocispec.Descriptor{}, "", err
	}
	d, err := oras.ExtendedCopy(ctx, store, tag, repository, tag, oras.DefaultExtendedCopyOptions)
	if err != nil {
		return d, tag, err
	}
	// That copies what refers to the tagged manifest, but not what refers to the images in an index.
	images, err := content.Successors(ctx, store, d)
	if err != nil {
		return d, tag, err
	}
	for _, image := range images {
		if err := oras.ExtendedCopyGraph(ctx, store, repository, image, oras.DefaultExtendedCopyGraphOptions); err != nil {
			return d, tag, err
		}
	}
	found, err := repository.Resolve(ctx, d.Digest.String())
	if err == nil && found.Digest != d.Digest {
		err = errors.New("the registry has " + found.Digest.String() + " instead of " + d.Digest.String())
	}
	return d, tag, err
}

func newRepository(o *publishOptions, reference string) (*remote.Repository, error) {
	repository, err := remote.NewRepository(reference)
	if err != nil {
		return nil, err
	}
	repository.PlainHTTP = o.plainHTTP || isLoopback(reference)
	store, err := credentials.NewStoreFromDocker(credentials.StoreOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading Docker's credentials: %w", err)
	}
	repository.Client = &auth.Client{Client: retry.DefaultClient, Cache: auth.NewCache(), Credential: credentials.Credential(store)}
	return repository, nil
}

// isLoopback reports whether a reference's registry is on this machine, where Docker does not use TLS either.
func isLoopback(reference string) bool {
	host, _, _ := strings.Cut(reference, "/")
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
