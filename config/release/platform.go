package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// platform is an operating system and an architecture as Go names them, such as linux/arm64.
type platform struct{ os, arch string }

func (p platform) String() string { return p.os + "/" + p.arch }

// file is the platform as part of a file's name.
func (p platform) file() string { return p.os + "_" + p.arch }

var platformPattern = regexp.MustCompile(`^([a-z0-9]+)/([a-z0-9]+)$`)

func parsePlatforms(list string) ([]platform, error) {
	var all []platform
	for text := range strings.SplitSeq(list, ",") {
		m := platformPattern.FindStringSubmatch(strings.TrimSpace(text))
		if m == nil {
			return nil, fmt.Errorf("%q is not a platform such as linux/amd64", text)
		}
		p := platform{m[1], m[2]}
		if slices.Contains(all, p) {
			return nil, fmt.Errorf("the platform %s is listed twice", p)
		}
		all = append(all, p)
	}
	return all, nil
}

// formatPlatforms lists platforms without spaces, so that spaces in an option change no byte.
func formatPlatforms(all []platform) string {
	var names []string
	for _, p := range all {
		names = append(names, p.String())
	}
	return strings.Join(names, ",")
}

// packages are the packages of the programs.
var packages = map[string]string{"hub": "./hub/cmd/hub", "manager": "./controllers/cmd/manager"}

// compile builds a static program. Paths, the history, the build's time and the user's settings of Go stay out of it.
func (b *builder) compile(ctx context.Context, program string, p platform) (string, error) {
	file := filepath.Join(b.work, program+"_"+p.file())
	say("compiling %s for %s", program, p)
	env, err := goEnvironment(ctx)
	if err != nil {
		return "", err
	}
	const variables = "integrationhub.dev/hub/version."
	_, err = output(ctx, b.source.root, append(env, "GOOS="+p.os, "GOARCH="+p.arch),
		"go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w -X "+variables+"release="+b.version+" -X "+variables+"commit="+b.source.commit,
		"-o", file, packages[program])
	return file, err
}

// goEnvironment has the defaults of what changes a program, whatever the user's environment and "go env -w" say.
// Where modules come from and where caches are remains the user's choice.
func goEnvironment(ctx context.Context) ([]string, error) {
	env := []string{
		"GOENV=off", "GOFLAGS=-mod=readonly", "GOWORK=off", "CGO_ENABLED=0", "GOAMD64=v1", "GOARM64=v8.0", "GOEXPERIMENT=", "GOFIPS140=off",
	}
	names := []string{
		"GOPROXY", "GONOPROXY", "GOPRIVATE", "GOSUMDB", "GONOSUMDB", "GOINSECURE", "GOAUTH", "GOVCS", "GOTOOLCHAIN", "GOPATH", "GOMODCACHE", "GOCACHE",
	}
	text, err := output(ctx, "", nil, "go", append([]string{"env", "-json"}, names...)...)
	if err != nil {
		return nil, err
	}
	var values map[string]string
	if err := json.Unmarshal([]byte(text), &values); err != nil {
		return nil, fmt.Errorf("reading go env: %w", err)
	}
	for _, name := range names {
		env = append(env, name+"="+values[name])
	}
	return env, nil
}
