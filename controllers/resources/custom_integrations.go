package resources

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"integrationhub.dev/api/httpintegration"
	"integrationhub.dev/api/v1alpha1"
)

// MaxCustomIntegrations is the maximum number of no-code integrations of a hub.
const MaxCustomIntegrations = 200

const (
	// CustomConfigMaps is the number of ConfigMaps that a hub's no-code integrations are spread over.
	// Pods mount all of them, also those that do not exist, so that the number never rolls the pods.
	CustomConfigMaps = 8
	// MaxCustomBytes is the maximum size of the files in one of them. Kubernetes allows 1 MiB.
	MaxCustomBytes = 1<<20 - 16<<10
	// MaxCustomSecretKeys is the maximum number of keys of Secrets that pods mount.
	MaxCustomSecretKeys = 512
)

const (
	customPath       = mountRoot + "/integrations"
	customSecretPath = mountRoot + "/integration-secrets"
	// customSecretVolume has the Secrets that integrations without code use.
	customSecretVolume = "integration-secrets"
	// customExtension is that of the files, which are JSON.
	customExtension = ".json"
)

// customFile is the content of an HTTPIntegration's file, as the hub reads it.
type customFile struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Spec httpintegration.Spec `json:"spec"`
}

// CustomFile returns the file of an HTTPIntegration. The same spec always is the same text.
func CustomFile(i *v1alpha1.HTTPIntegration) (string, error) {
	file := customFile{APIVersion: httpintegration.APIVersion, Kind: httpintegration.Kind, Spec: i.Spec}
	file.Metadata.Name = i.Name
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(file); err != nil {
		return "", fmt.Errorf("writing HTTPIntegration %s as a file: %w", i.Name, err)
	}
	return b.String(), nil
}

// ReadCustomFile returns the spec in a file that [CustomFile] returned.
func ReadCustomFile(text string) (*httpintegration.Spec, error) {
	var file customFile
	if err := json.Unmarshal([]byte(text), &file); err != nil {
		return nil, fmt.Errorf("reading the file of an HTTPIntegration: %w", err)
	}
	return &file.Spec, nil
}

// CustomFileName is the name of an HTTPIntegration's file.
func CustomFileName(integration string) string { return integration + customExtension }

// CustomDigest is what a hub reports as the version that runs: the SHA-256 of the file.
func CustomDigest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// CustomVersion abbreviates a digest for people; an empty one stays empty.
func CustomVersion(digest string) string { return digest[:min(len(digest), 12)] }

// AllowsIntegration reports whether a Secret allows an HTTPIntegration to use it. The operator's own
// Secrets, such as the token for Looker, never do.
func AllowsIntegration(secret metav1.Object, integration string) bool {
	if secret.GetLabels()[ManagedByLabel] == ManagedBy {
		return false
	}
	for name := range strings.SplitSeq(secret.GetAnnotations()[v1alpha1.AllowIntegrationsAnnotation], ",") {
		if name = strings.TrimSpace(name); name == integration || name == "*" {
			return true
		}
	}
	return false
}

// AllowsIntegrations reports whether a Secret allows any HTTPIntegration to use it.
func AllowsIntegrations(secret metav1.Object) bool {
	return secret.GetLabels()[ManagedByLabel] != ManagedBy &&
		strings.Trim(secret.GetAnnotations()[v1alpha1.AllowIntegrationsAnnotation], ", ") != ""
}

// OffersCustom reports whether a hub's pods read no-code integrations.
func OffersCustom(hub *v1alpha1.IntegrationHub) bool {
	return hub.Spec.CustomIntegrations != nil && hub.Spec.CustomIntegrations.Selector != nil
}

// SelectsCustom reports whether a hub selects a no-code integration.
func SelectsCustom(hub *v1alpha1.IntegrationHub, i *v1alpha1.HTTPIntegration) bool {
	if !OffersCustom(hub) || hub.Spec.ControllerClass != i.Spec.ControllerClass {
		return false
	}
	selector, err := metav1.LabelSelectorAsSelector(hub.Spec.CustomIntegrations.Selector)
	return err == nil && selector.Matches(labels.Set(i.Labels))
}

// CustomShard returns which of the ConfigMaps has an HTTPIntegration. It depends on nothing but the name:
// an integration that moved could be missing from the pods for a moment.
func CustomShard(integration string) int {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(integration)) // writing to a hash never fails
	return int(sum.Sum32() % CustomConfigMaps)
}

func customConfigMapName(hub *v1alpha1.IntegrationHub, shard int) string {
	return hub.Name + "-integrations-" + strconv.Itoa(shard)
}

// IsCustomConfigMap reports whether a name is that of one of the hub's ConfigMaps.
func IsCustomConfigMap(hub *v1alpha1.IntegrationHub, name string) bool {
	number, ok := strings.CutPrefix(name, hub.Name+"-integrations-")
	n, err := strconv.Atoi(number)
	return ok && err == nil && n >= 0 && n < CustomConfigMaps
}

// CustomChildren returns the ConfigMaps with the files of HTTPIntegrations, by the name of the integration.
func CustomChildren(in Inputs, files map[string]string) []Child {
	shards := make([]map[string]string, CustomConfigMaps)
	for name, text := range files {
		n := CustomShard(name)
		if shards[n] == nil {
			shards[n] = map[string]string{}
		}
		shards[n][CustomFileName(name)] = text
	}
	children := make([]Child, 0, CustomConfigMaps)
	for n, data := range shards {
		name := customConfigMapName(in.Hub, n)
		var config *corev1ac.ConfigMapApplyConfiguration
		if data != nil {
			config = corev1ac.ConfigMap(name, in.Hub.Namespace).
				WithLabels(Labels(in.Hub)).WithAnnotations(Annotations(in.Hub)).WithOwnerReferences(owner(in.Hub)).
				WithData(data)
		}
		children = append(children, child(ConfigMapKind, name, config))
	}
	return children
}

// customVolumes are the files of no-code integrations and the Secrets that they use. A changed value
// reaches running pods; only a changed set of Secrets rolls them.
func customVolumes(in Inputs) []*corev1ac.VolumeApplyConfiguration {
	if !OffersCustom(in.Hub) {
		return nil
	}
	files := corev1ac.ProjectedVolumeSource()
	for n := range CustomConfigMaps {
		files.WithSources(corev1ac.VolumeProjection().WithConfigMap(corev1ac.ConfigMapProjection().
			WithName(customConfigMapName(in.Hub, n)).WithOptional(true)))
	}
	volumes := []*corev1ac.VolumeApplyConfiguration{corev1ac.Volume().WithName("integrations").WithProjected(files)}
	if len(in.CustomSecretKeys) == 0 {
		return volumes
	}
	secrets := corev1ac.ProjectedVolumeSource()
	for _, name := range slices.Sorted(maps.Keys(in.CustomSecretKeys)) {
		source := corev1ac.SecretProjection().WithName(name).WithOptional(true)
		for _, key := range in.CustomSecretKeys[name] {
			source.WithItems(corev1ac.KeyToPath().WithKey(key).WithPath(name + "/" + key))
		}
		secrets.WithSources(corev1ac.VolumeProjection().WithSecret(source))
	}
	return append(volumes, corev1ac.Volume().WithName(customSecretVolume).WithProjected(secrets))
}

// MountedCustomKeys are the keys that pods mount because of [Inputs.CustomSecretKeys].
func MountedCustomKeys(pod *corev1.PodSpec) map[string][]string {
	keys := map[string][]string{}
	for _, v := range pod.Volumes {
		if v.Name != customSecretVolume || v.Projected == nil {
			continue
		}
		for _, source := range v.Projected.Sources {
			if source.Secret == nil {
				continue
			}
			for _, item := range source.Secret.Items {
				keys[source.Secret.Name] = append(keys[source.Secret.Name], item.Key)
			}
		}
	}
	return keys
}

// customMounts are the mounts of [customVolumes].
func customMounts(in Inputs) []*corev1ac.VolumeMountApplyConfiguration {
	var mounts []*corev1ac.VolumeMountApplyConfiguration
	if OffersCustom(in.Hub) {
		mounts = append(mounts, mount("integrations", customPath).WithReadOnly(true))
		if len(in.CustomSecretKeys) > 0 {
			mounts = append(mounts, mount(customSecretVolume, customSecretPath).WithReadOnly(true))
		}
	}
	return mounts
}
