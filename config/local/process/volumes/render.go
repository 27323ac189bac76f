package volumes

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"integrationhub.dev/config/local/process/fields"
)

// Source is where the contents of volumes come from.
type Source interface {
	Secret(ctx context.Context, namespace, name string) (*corev1.Secret, error)
	ConfigMap(ctx context.Context, namespace, name string) (*corev1.ConfigMap, error)
	// Token returns a token of the pod's service account; it keeps it while it is fresh.
	Token(ctx context.Context, pod *corev1.Pod, spec authenticationv1.TokenRequestSpec) (string, error)
	Node() corev1.ResourceList
}

// ErrUnsupported says that a volume cannot be had here.
var ErrUnsupported = errors.New("not supported by this node")

// Writer keeps the volumes of one pod in a folder.
type Writer struct {
	Folder string
	Source Source
}

// Folders returns where each volume of the pod is.
func (w Writer) Folders(pod *corev1.Pod) map[string]string {
	out := map[string]string{}
	for _, v := range pod.Spec.Volumes {
		out[v.Name] = filepath.Join(w.Folder, v.Name)
		if v.HostPath != nil {
			out[v.Name] = v.HostPath.Path
		}
	}
	return out
}

// Update makes all volumes, or brings them up to date. It reports all that is missing.
func (w Writer) Update(ctx context.Context, pod *corev1.Pod) error {
	var errs []error
	for _, v := range pod.Spec.Volumes {
		if err := w.update(ctx, pod, v); err != nil {
			errs = append(errs, fmt.Errorf("volume %q: %w", v.Name, err))
		}
	}
	return errors.Join(errs...)
}

func (w Writer) update(ctx context.Context, pod *corev1.Pod, v corev1.Volume) error {
	folder := filepath.Join(w.Folder, v.Name)
	switch {
	case v.EmptyDir != nil:
		return os.MkdirAll(folder, 0o700)
	case v.HostPath != nil:
		_, err := os.Stat(v.HostPath.Path)
		return err
	}
	files, err := w.files(ctx, pod, v)
	if err != nil {
		return err
	}
	_, err = Write(folder, files)
	return err
}

func (w Writer) files(ctx context.Context, pod *corev1.Pod, v corev1.Volume) (map[string]File, error) {
	switch {
	case v.Secret != nil:
		return w.secret(ctx, pod.Namespace, v.Secret.SecretName, v.Secret.Items, v.Secret.Optional, mode(v.Secret.DefaultMode))
	case v.ConfigMap != nil:
		return w.configMap(ctx, pod.Namespace, v.ConfigMap.Name, v.ConfigMap.Items, v.ConfigMap.Optional, mode(v.ConfigMap.DefaultMode))
	case v.DownwardAPI != nil:
		return w.downward(pod, v.DownwardAPI.Items, mode(v.DownwardAPI.DefaultMode))
	case v.Projected != nil:
		return w.projected(ctx, pod, v.Projected)
	}
	return nil, fmt.Errorf("its kind is %w", ErrUnsupported)
}

func mode(m *int32) fs.FileMode {
	if m == nil {
		return 0o644
	}
	return fs.FileMode(*m).Perm() //nolint:gosec // the API allows 0 to 0777 only
}

func (w Writer) projected(ctx context.Context, pod *corev1.Pod, p *corev1.ProjectedVolumeSource) (map[string]File, error) {
	all := map[string]File{}
	m := mode(p.DefaultMode)
	for _, s := range p.Sources {
		var files map[string]File
		var err error
		switch {
		case s.Secret != nil:
			files, err = w.secret(ctx, pod.Namespace, s.Secret.Name, s.Secret.Items, s.Secret.Optional, m)
		case s.ConfigMap != nil:
			files, err = w.configMap(ctx, pod.Namespace, s.ConfigMap.Name, s.ConfigMap.Items, s.ConfigMap.Optional, m)
		case s.DownwardAPI != nil:
			files, err = w.downward(pod, s.DownwardAPI.Items, m)
		case s.ServiceAccountToken != nil:
			files, err = w.token(ctx, pod, s.ServiceAccountToken, m)
		default:
			err = fmt.Errorf("one of its sources is %w", ErrUnsupported)
		}
		if err != nil {
			return nil, err
		}
		maps.Copy(all, files)
	}
	return all, nil
}

func (w Writer) token(
	ctx context.Context, pod *corev1.Pod, p *corev1.ServiceAccountTokenProjection, m fs.FileMode,
) (map[string]File, error) {
	spec := authenticationv1.TokenRequestSpec{
		ExpirationSeconds: p.ExpirationSeconds,
		BoundObjectRef:    &authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID},
	}
	if p.Audience != "" {
		spec.Audiences = []string{p.Audience}
	}
	token, err := w.Source.Token(ctx, pod, spec)
	if err != nil {
		return nil, fmt.Errorf("getting a token of service account %q: %w", pod.Spec.ServiceAccountName, err)
	}
	return map[string]File{p.Path: {Content: []byte(token), Mode: m}}, nil
}

func (w Writer) secret(
	ctx context.Context, namespace, name string, items []corev1.KeyToPath, optional *bool, m fs.FileMode,
) (map[string]File, error) {
	s, err := w.Source.Secret(ctx, namespace, name)
	if err != nil {
		return missing(err, optional)
	}
	return pick(s.Data, items, optional, m)
}

func (w Writer) configMap(
	ctx context.Context, namespace, name string, items []corev1.KeyToPath, optional *bool, m fs.FileMode,
) (map[string]File, error) {
	c, err := w.Source.ConfigMap(ctx, namespace, name)
	if err != nil {
		return missing(err, optional)
	}
	content := map[string][]byte{}
	maps.Copy(content, c.BinaryData)
	for k, v := range c.Data {
		content[k] = []byte(v)
	}
	return pick(content, items, optional, m)
}

func missing(err error, optional *bool) (map[string]File, error) {
	if optional != nil && *optional && apierrors.IsNotFound(err) {
		return map[string]File{}, nil
	}
	return nil, err
}

func pick(content map[string][]byte, items []corev1.KeyToPath, optional *bool, m fs.FileMode) (map[string]File, error) {
	files := map[string]File{}
	if len(items) == 0 {
		for k, v := range content {
			files[k] = File{Content: v, Mode: m}
		}
		return files, nil
	}
	for _, i := range items {
		v, ok := content[i.Key]
		if !ok {
			if optional != nil && *optional {
				continue
			}
			return nil, fmt.Errorf("references non-existent key: %s", i.Key)
		}
		f := File{Content: v, Mode: m}
		if i.Mode != nil {
			f.Mode = mode(i.Mode)
		}
		files[i.Path] = f
	}
	return files, nil
}

func (w Writer) downward(pod *corev1.Pod, items []corev1.DownwardAPIVolumeFile, m fs.FileMode) (map[string]File, error) {
	files := map[string]File{}
	for _, i := range items {
		var value string
		var err error
		if i.FieldRef != nil {
			value, err = fields.Value(pod, i.FieldRef.FieldPath)
		} else if i.ResourceFieldRef != nil {
			value, err = fields.Resource(pod, "", i.ResourceFieldRef, w.Source.Node())
		}
		if err != nil {
			return nil, err
		}
		f := File{Content: []byte(value), Mode: m}
		if i.Mode != nil {
			f.Mode = mode(i.Mode)
		}
		files[i.Path] = f
	}
	return files, nil
}

// Uses reports whether a volume of the pod holds a Secret or a ConfigMap.
func Uses(pod *corev1.Pod, kind, name string) bool {
	for _, v := range pod.Spec.Volumes {
		for _, s := range sources(v) {
			if s == strings.ToLower(kind)+"/"+name {
				return true
			}
		}
	}
	return false
}

func sources(v corev1.Volume) []string {
	var out []string
	if v.Secret != nil {
		out = append(out, "secret/"+v.Secret.SecretName)
	}
	if v.ConfigMap != nil {
		out = append(out, "configmap/"+v.ConfigMap.Name)
	}
	if v.Projected != nil {
		for _, s := range v.Projected.Sources {
			if s.Secret != nil {
				out = append(out, "secret/"+s.Secret.Name)
			}
			if s.ConfigMap != nil {
				out = append(out, "configmap/"+s.ConfigMap.Name)
			}
		}
	}
	return out
}
