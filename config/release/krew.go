package main

import (
	"crypto/sha256"
	"encoding/hex"

	"sigs.k8s.io/yaml"
)

// placeholderDownloads is in Krew's manifest of a release without -downloads.
const placeholderDownloads = "https://DOWNLOADS"

// krewPlatform is a platform of Krew's plugin manifest.
// See https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest/.
type krewPlatform struct {
	Selector struct {
		MatchLabels map[string]string `json:"matchLabels"`
	} `json:"selector"`
	URI    string `json:"uri"`
	SHA256 string `json:"sha256"`
	Bin    string `json:"bin"`
}

func newKrewPlatform(p platform, uri, program string, content []byte) krewPlatform {
	k := krewPlatform{URI: uri, SHA256: hexSHA256(content), Bin: program}
	k.Selector.MatchLabels = map[string]string{"os": p.os, "arch": p.arch}
	return k
}

// krewManifest makes "kubectl integrationhub" of the command line.
func krewManifest(version string, platforms []krewPlatform) ([]byte, error) {
	type metadata struct {
		Name string `json:"name"`
	}
	type spec struct {
		Version          string         `json:"version"`
		ShortDescription string         `json:"shortDescription"`
		Description      string         `json:"description"`
		Platforms        []krewPlatform `json:"platforms"`
	}
	type plugin struct {
		APIVersion string   `json:"apiVersion"`
		Kind       string   `json:"kind"`
		Metadata   metadata `json:"metadata"`
		Spec       spec     `json:"spec"`
	}
	return yaml.Marshal(plugin{
		APIVersion: "krew.googlecontainertools.github.com/v1alpha2",
		Kind:       "Plugin",
		Metadata:   metadata{"integrationhub"},
		Spec: spec{
			Version:          version,
			ShortDescription: "Check and use hubs for Looker's Action API",
			Description:      "Checks a hub as Looker would, lists and executes its integrations,\nand runs a hub for developers.\n",
			Platforms:        platforms,
		},
	})
}

func hexSHA256(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
