package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"oras.land/oras-go/v2/registry"
)

// versionPattern is what Semantic Versioning and an image's tag both allow.
var versionPattern = regexp.MustCompile(`^v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)` +
	`(-(0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(\.(0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*)?$`)

// check finds what would make a build fail or differ, before anything is compiled for it.
func check(ctx context.Context, o *options) (source, error) {
	if !versionPattern.MatchString(o.version) {
		return source{}, fmt.Errorf("the version is %q: it must be a version such as v0.2.0 or v0.2.0-rc.1", o.version)
	}
	if o.registry != "" {
		if err := checkRegistryName(o.registry); err != nil {
			return source{}, err
		}
	}
	if o.dir == "" {
		return source{}, errors.New("-o is empty: it must be the folder to write")
	}
	if _, err := os.Stat(o.dir); err == nil {
		return source{}, fmt.Errorf("the release %s exists. Remove this folder to build it again", o.dir)
	}
	_, imagesErr := parsePlatforms(o.images)
	_, archivesErr := parsePlatforms(o.archives)
	if err := errors.Join(imagesErr, archivesErr); err != nil {
		return source{}, err
	}
	return readSource(ctx, o.root)
}

// checkRegistryName demands a host: Docker would take a first folder for one of Docker Hub, and Helm for a host.
func checkRegistryName(name string) error {
	reference, err := registry.ParseReference(name + "/manager")
	host := reference.Registry
	if err != nil || host != "localhost" && !strings.ContainsAny(host, ".:") {
		return fmt.Errorf("the registry is %q: it must be a host and lowercase folders, such as registry.example.com/integration-hub, "+
			"without https:// and without / at the end", name)
	}
	return nil
}
