package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"go.yaml.in/yaml/v3"
	"oras.land/oras-go/v2"
	sigsyaml "sigs.k8s.io/yaml"
)

// Media types of a chart in a registry, see https://helm.sh/docs/topics/registries/.
const (
	mediaTypeChartConfig = "application/vnd.cncf.helm.config.v1+json"
	mediaTypeChart       = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
)

const chartName = "integration-hub"

// chart packages the chart with the images' digests, and puts it into the layout oci/integration-hub.
func (b *builder) chart(ctx context.Context) error {
	folder := filepath.Join(b.work, chartName)
	if err := os.CopyFS(folder, os.DirFS(filepath.Join(b.source.root, "charts", chartName))); err != nil {
		return err
	}
	if err := edit(filepath.Join(folder, "values.yaml"), b.values()); err != nil {
		return err
	}
	about, err := b.chartMetadata()
	if err != nil {
		return err
	}
	if err := edit(filepath.Join(folder, "Chart.yaml"), about); err != nil {
		return err
	}
	version := strings.TrimPrefix(b.version, "v")
	if _, err := output(ctx, b.work, nil, b.helm, "package", folder, "--destination", b.work); err != nil {
		return err
	}
	file := chartName + "-" + version + ".tgz"
	packed, err := os.ReadFile(filepath.Join(b.work, file))
	if err != nil {
		return err
	}
	members, err := readTarGzip(packed)
	if err != nil {
		return err
	}
	if packed, err = tarGzipOf(b.source.time, members...); err != nil { // Helm packs the time of the build
		return err
	}
	if err := b.write(file, packed); err != nil {
		return err
	}
	return b.chartArtefact(ctx, version, members, packed)
}

// values are the chart's values that name the images. The registry has its folder, as global.imageRegistry has that overrides it.
func (b *builder) values() map[string]string {
	values := map[string]string{"image.digest": b.digests["manager"], "hubImage.digest": b.digests["hub"]}
	if b.registry != "" {
		values["image.registry"], values["hubImage.registry"] = b.registry, b.registry
	}
	return values
}

// chartMetadata is what Chart.yaml says about this release, also to Artifact Hub.
func (b *builder) chartMetadata() (map[string]string, error) {
	version := strings.TrimPrefix(b.version, "v")
	type image struct {
		Name      string   `json:"name"`
		Image     string   `json:"image"`
		Platforms []string `json:"platforms"`
	}
	var images []image
	for _, p := range programs {
		name := cmp.Or(b.registry, placeholderRegistry) + "/" + p.name + "@" + b.digests[p.name]
		images = append(images, image{p.name, name, strings.Split(b.images, ",")})
	}
	text, err := sigsyaml.Marshal(images)
	if err != nil {
		return nil, err
	}
	about := map[string]string{
		"version": version, "appVersion": b.version,
		"annotations.artifacthub.io/images":     string(text),
		"annotations.artifacthub.io/prerelease": fmt.Sprint(strings.Contains(version, "-") || strings.HasPrefix(version, "0.")),
	}
	if b.sourceURL != "" {
		about["annotations.artifacthub.io/links"] = "- {name: source, url: " + b.sourceURL + "}\n"
	}
	return about, nil
}

// chartArtefact puts the packaged chart into a layout, as "helm push" puts it into a registry.
func (b *builder) chartArtefact(ctx context.Context, version string, members []member, packed []byte) error {
	var metadata map[string]any
	for _, m := range members {
		if m.name == chartName+"/Chart.yaml" {
			if err := sigsyaml.Unmarshal(m.content, &metadata); err != nil {
				return err
			}
		}
	}
	description, ok := metadata["description"].(string)
	if !ok {
		return fmt.Errorf("the packaged chart has no description in its Chart.yaml")
	}
	l, err := newLayout(ctx, filepath.Join(b.dir, "oci", chartName), b.source.time)
	if err != nil {
		return err
	}
	text, err := json.Marshal(metadata)
	if err != nil {
		return err
	}
	config, err := l.blob(ctx, mediaTypeChartConfig, text)
	if err != nil {
		return err
	}
	layer, err := l.blob(ctx, mediaTypeChart, packed)
	if err != nil {
		return err
	}
	annotations := labels(b.options, b.source, chartName, description)
	annotations[ocispec.AnnotationVersion] = version
	annotations[ocispec.AnnotationCreated] = b.source.time.Format(time.RFC3339)
	d, err := oras.PackManifest(ctx, l.store, oras.PackManifestVersion1_1, "", oras.PackManifestOptions{
		ConfigDescriptor: &config, Layers: []ocispec.Descriptor{layer}, ManifestAnnotations: annotations,
	})
	if err != nil {
		return err
	}
	if err := l.store.Tag(ctx, d, version); err != nil {
		return err
	}
	return l.save()
}

// edit sets values in a YAML file and keeps its comments. A key is a path with dots between the first two parts.
func edit(file string, values map[string]string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return fmt.Errorf("reading %s: %w", file, err)
	}
	// Sorted, because new keys are appended: two releases of one commit are equal.
	for _, key := range slices.Sorted(maps.Keys(values)) {
		node, value := document.Content[0], values[key]
		parent, child, nested := strings.Cut(key, ".")
		if nested {
			node = lookup(node, parent)
		} else {
			child = parent
		}
		if node == nil {
			return fmt.Errorf("%s has no %s", file, parent)
		}
		if found := lookup(node, child); found != nil {
			found.SetString(value)
			continue
		}
		name, content := &yaml.Node{}, &yaml.Node{}
		name.SetString(child)
		content.SetString(value)
		node.Content = append(node.Content, name, content)
	}
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(&document); err != nil {
		return err
	}
	return os.WriteFile(file, b.Bytes(), 0o600)
}

// lookup returns the value of a mapping's key, or nil.
func lookup(node *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return node.Content[i+1]
		}
	}
	return nil
}
