package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
)

// platform is an operating system and an architecture as Go names them, such as linux/arm64.
type platform struct{ os, arch string }

func (p platform) String() string { return p.os + "/" + p.arch }

// file is the platform as part of a file's name.
func (p platform) file() string { return p.os + "_" + p.arch }

func parsePlatforms(list string) ([]platform, error) {
	var all []platform
	for text := range strings.SplitSeq(list, ",") {
		os, arch, ok := strings.Cut(strings.TrimSpace(text), "/")
		if !ok || os == "" || arch == "" {
			return nil, fmt.Errorf("%q is not a platform such as linux/amd64", text)
		}
		all = append(all, platform{os, arch})
	}
	return all, nil
}

// packages are the packages of the programs.
var packages = map[string]string{"hub": "./hub/cmd/hub", "manager": "./controllers/cmd/manager"}

// compile builds a static program. Paths, the history and the build's time stay out of it.
func compile(ctx context.Context, src source, version, program string, p platform, dir string) (string, error) {
	file := filepath.Join(dir, program+"_"+p.file())
	say("compiling %s for %s", program, p)
	const variables = "integrationhub.dev/hub/version."
	_, err := output(ctx, src.root, []string{"CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=", "GOOS=" + p.os, "GOARCH=" + p.arch},
		"go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w -X "+variables+"release="+version+" -X "+variables+"commit="+src.commit,
		"-o", file, packages[program])
	return file, err
}
