package main

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"sigs.k8s.io/yaml"
)

// object is a Kubernetes object of any kind.
type object map[string]any

func (o object) kind() string { return text(o["kind"]) }

func (o object) name() string { return text(at(o, "metadata")["name"]) }

// at returns the object at a path, which is created if it is missing.
func at(o object, path ...string) object {
	for _, key := range path {
		child, ok := o[key].(map[string]any)
		if !ok {
			if child, ok = o[key].(object); !ok {
				child = map[string]any{}
				o[key] = child
			}
		}
		o = child
	}
	return o
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// managerName is the name of the manager's Deployment, ServiceAccount and roles.
const managerName = "integration-hub-manager"

// bundleAnnotations describe a bundle to OLM: https://olm.operatorframework.io/docs/tech-stack/bundle-concepts/
// as the image's labels and in metadata/annotations.yaml.
var bundleAnnotations = map[string]string{
	"operators.operatorframework.io.bundle.mediatype.v1":       "registry+v1",
	"operators.operatorframework.io.bundle.manifests.v1":       "manifests/",
	"operators.operatorframework.io.bundle.metadata.v1":        "metadata/",
	"operators.operatorframework.io.bundle.package.v1":         chartName,
	"operators.operatorframework.io.bundle.channels.v1":        "candidate",
	"operators.operatorframework.io.bundle.channel.default.v1": "candidate",
}

// examples are the samples that OperatorHub.io shows for each kind.
var examples = []string{
	"config/samples/integrationhub.yaml", "config/samples/lookerregistration.yaml", "hub/custom/examples/mattermost.yaml",
}

// bundle writes the bundle for the Operator Lifecycle Manager: an archive for OperatorHub.io, and the image oci/bundle.
func (b *builder) bundle(ctx context.Context) error {
	install, err := os.ReadFile(filepath.Join(b.dir, "install.yaml"))
	if err != nil {
		return err
	}
	var objects []object
	for document := range strings.SplitSeq(string(install), "\n---\n") {
		var o object
		if err := yaml.Unmarshal([]byte(document), &o); err != nil {
			return fmt.Errorf("reading install.yaml: %w", err)
		}
		objects = append(objects, o)
	}
	csv, err := b.clusterServiceVersion(objects)
	if err != nil {
		return err
	}
	files := map[string]object{"manifests/" + chartName + ".clusterserviceversion.yaml": csv}
	for _, o := range objects {
		if o.kind() == "CustomResourceDefinition" || o.kind() == "ClusterRole" && o.name() != managerName {
			files["manifests/"+o.name()+"."+strings.ToLower(o.kind())+".yaml"] = o
		}
	}
	annotations := object{}
	for key, value := range bundleAnnotations {
		annotations[key] = value
	}
	files["metadata/annotations.yaml"] = object{"annotations": annotations}
	var members []member
	for _, name := range slices.Sorted(maps.Keys(files)) {
		content, err := yaml.Marshal(files[name])
		if err != nil {
			return err
		}
		members = append(members, member{name, 0o644, content})
	}
	packed, err := tarGzipOf(b.source.time, members...)
	if err != nil {
		return err
	}
	if err := b.write("bundle_"+b.version+".tar.gz", packed); err != nil {
		return err
	}
	return b.bundleImage(ctx, members)
}

// bundleImage puts the bundle into a layout. It holds no program, and so is for every platform.
func (b *builder) bundleImage(ctx context.Context, members []member) error {
	l, err := newLayout(ctx, filepath.Join(b.dir, "oci", "bundle"), b.source.time)
	if err != nil {
		return err
	}
	about := labels(b.options, b.source, "Integration Hub bundle", "Bundle for the Operator Lifecycle Manager.")
	maps.Copy(about, bundleAnnotations)
	manifest, err := l.image(ctx, platform{"linux", "amd64"}, ocispec.ImageConfig{Labels: about}, members...)
	if err != nil {
		return err
	}
	manifest.Platform = nil
	if err := l.store.Tag(ctx, manifest, b.version); err != nil {
		return err
	}
	return l.save()
}

// clusterServiceVersion completes config/olm with what the release installs.
func (b *builder) clusterServiceVersion(objects []object) (object, error) {
	var csv object
	base, err := os.ReadFile(filepath.Join(b.source.root, "config", "olm", "clusterserviceversion.yaml"))
	if err != nil {
		return nil, err
	}
	if err := yaml.Unmarshal(base, &csv); err != nil {
		return nil, fmt.Errorf("reading config/olm: %w", err)
	}
	icon, err := os.ReadFile(filepath.Join(b.source.root, "config", "olm", "icon.svg"))
	if err != nil {
		return nil, err
	}
	version := strings.TrimPrefix(b.version, "v")
	at(csv, "metadata")["name"] = chartName + "." + b.version
	spec := at(csv, "spec")
	spec["version"] = version
	spec["icon"] = []object{{"base64data": base64.StdEncoding.EncodeToString(icon), "mediatype": "image/svg+xml"}}
	spec["install"] = object{"strategy": "deployment", "spec": installStrategy(objects)}
	owned := ownedDefinitions(objects)
	at(csv, "spec", "customresourcedefinitions")["owned"] = owned
	samples, err := b.examples(owned)
	if err != nil {
		return nil, err
	}
	images := []object{}
	for _, p := range programs {
		images = append(images, object{"name": p.name, "image": cmp.Or(b.registry, placeholderRegistry) + "/" + p.name + "@" + b.digests[p.name]})
	}
	spec["relatedImages"] = images
	about := at(csv, "metadata", "annotations")
	about["alm-examples"], about["containerImage"] = samples, images[0]["image"]
	about["createdAt"] = b.source.time.Format(time.RFC3339)
	if b.sourceURL != "" {
		about["repository"] = b.sourceURL
	}
	for p := range strings.SplitSeq(b.images, ",") {
		os, arch, _ := strings.Cut(p, "/")
		at(csv, "metadata", "labels")["operatorframework.io/os."+os] = "supported"
		at(csv, "metadata", "labels")["operatorframework.io/arch."+arch] = "supported"
	}
	return csv, nil
}

// installStrategy is what OLM creates: the manager's Deployment, and its permissions instead of roles.
func installStrategy(objects []object) object {
	strategy := object{}
	permissions := func(o object) []object {
		return []object{{"serviceAccountName": managerName, "rules": o["rules"]}}
	}
	for _, o := range objects {
		if o.name() != managerName {
			continue
		}
		switch o.kind() {
		case "Deployment":
			strategy["deployments"] = []object{{"name": o.name(), "label": at(o, "metadata")["labels"], "spec": o["spec"]}}
		case "ClusterRole":
			strategy["clusterPermissions"] = permissions(o)
		case "Role":
			strategy["permissions"] = permissions(o)
		}
	}
	return strategy
}

// ownedDefinitions describes the CRDs of the release.
func ownedDefinitions(objects []object) []object {
	var owned []object
	for _, o := range objects {
		if o.kind() != "CustomResourceDefinition" {
			continue
		}
		versions, _ := at(o, "spec")["versions"].([]any)
		for _, v := range versions {
			version, _ := v.(map[string]any)
			kind := text(at(o, "spec", "names")["kind"])
			owned = append(owned, object{
				"name": o.name(), "kind": kind, "version": version["name"], "displayName": kind,
				"description": at(version, "schema", "openAPIV3Schema")["description"],
			})
		}
	}
	return owned
}

// examples returns the samples of the owned kinds as a list in JSON.
func (b *builder) examples(owned []object) (string, error) {
	var samples []object
	for _, file := range examples {
		content, err := os.ReadFile(filepath.Join(b.source.root, file))
		if err != nil {
			return "", err
		}
		var sample object
		if err := yaml.Unmarshal(content, &sample); err != nil {
			return "", fmt.Errorf("reading %s: %w", file, err)
		}
		if slices.ContainsFunc(owned, func(o object) bool { return o["kind"] == sample["kind"] }) {
			samples = append(samples, sample)
		}
	}
	list, err := json.MarshalIndent(samples, "", "  ")
	return string(list), err
}
