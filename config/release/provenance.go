package main

import (
	"cmp"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// statement types: in-toto's attestation framework and SLSA's provenance, both version 1.
// See https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md and https://slsa.dev/spec/v1.0/provenance.
const (
	typeStatement  = "https://in-toto.io/Statement/v1"
	typeProvenance = "https://slsa.dev/provenance/v1"
	// buildType says what the parameters mean: those of "release build".
	buildType = "https://integrationhub.dev/config/release/v1"
	// localBuilder is any machine: such a provenance is not evidence of where the release was built.
	localBuilder = "https://integrationhub.dev/config/release/local"
)

type subject struct {
	Name   string            `json:"name"`
	Digest map[string]string `json:"digest"`
}

type dependency struct {
	URI    string            `json:"uri"`
	Digest map[string]string `json:"digest,omitempty"`
}

type buildDefinition struct {
	BuildType            string            `json:"buildType"`
	ExternalParameters   map[string]string `json:"externalParameters"`
	ResolvedDependencies []dependency      `json:"resolvedDependencies"`
}

type runDetails struct {
	Builder struct {
		ID string `json:"id"`
	} `json:"builder"`
}

type predicate struct {
	BuildDefinition buildDefinition `json:"buildDefinition"`
	RunDetails      runDetails      `json:"runDetails"`
}

type statement struct {
	Type          string    `json:"_type"`
	Subject       []subject `json:"subject"`
	PredicateType string    `json:"predicateType"`
	Predicate     predicate `json:"predicate"`
}

func sha256Of(hex string) map[string]string { return map[string]string{"sha256": hex} }

// statement says what the subjects were built from. It has no time of the build, which would differ each time.
func (b *builder) statement(subjects []subject) ([]byte, error) {
	s := statement{Type: typeStatement, Subject: subjects, PredicateType: typeProvenance}
	s.Predicate.BuildDefinition = buildDefinition{
		BuildType:          buildType,
		ExternalParameters: map[string]string{"version": b.version, "images": b.images, "archives": b.options.archives, "registry": b.registry},
		ResolvedDependencies: []dependency{
			{URI: "git+" + cmp.Or(b.sourceURL, "https://integrationhub.dev"), Digest: map[string]string{"gitCommit": b.source.commit}},
			{URI: "pkg:golang/toolchain@" + runtime.Version()},
		},
	}
	s.Predicate.RunDetails.Builder.ID = cmp.Or(b.builderURI, localBuilder)
	text, err := json.MarshalIndent(s, "", "  ")
	return append(text, '\n'), err
}

// provenance writes a statement about all files and images of the release.
func (b *builder) provenance(context.Context) error {
	files, err := releaseFiles(b.dir)
	if err != nil {
		return err
	}
	var subjects []subject
	for _, file := range files {
		content, err := os.ReadFile(filepath.Join(b.dir, file))
		if err != nil {
			return err
		}
		subjects = append(subjects, subject{file, sha256Of(hexSHA256(content))})
	}
	for _, p := range programs {
		subjects = append(subjects, subject{"oci/" + p.name, sha256Of(strings.TrimPrefix(b.digests[p.name], "sha256:"))})
	}
	text, err := b.statement(subjects)
	if err != nil {
		return err
	}
	return b.write("provenance.json", text)
}

// releaseFiles returns the names of the files in a release's folder, without the images.
func releaseFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		if !e.IsDir() {
			files = append(files, e.Name())
		}
	}
	slices.Sort(files)
	return files, nil
}
