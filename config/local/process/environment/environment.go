// Package environment makes a container's variables and command as the kubelet does.
package environment

import (
	"context"
	"fmt"
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"integrationhub.dev/config/local/process/fields"
	"integrationhub.dev/config/local/process/volumes"
)

// Of returns a container's variables, and below them those that the caller gives it.
func Of(
	ctx context.Context, pod *corev1.Pod, c *corev1.Container, base map[string]string, source volumes.Source,
) (map[string]string, error) {
	env := maps.Clone(base)
	if env == nil {
		env = map[string]string{}
	}
	for _, from := range c.EnvFrom {
		values, err := envFrom(ctx, pod.Namespace, from, source)
		if err != nil {
			return nil, err
		}
		for k, v := range values {
			env[from.Prefix+k] = v
		}
	}
	for _, e := range c.Env {
		if e.ValueFrom == nil {
			env[e.Name] = Expand(e.Value, env)
			continue
		}
		value, ok, err := valueFrom(ctx, pod, c.Name, e.ValueFrom, source)
		if err != nil {
			return nil, fmt.Errorf("variable %s: %w", e.Name, err)
		}
		if ok {
			env[e.Name] = value
		}
	}
	return env, nil
}

func envFrom(ctx context.Context, namespace string, from corev1.EnvFromSource, source volumes.Source) (map[string]string, error) {
	switch {
	case from.ConfigMapRef != nil:
		c, err := source.ConfigMap(ctx, namespace, from.ConfigMapRef.Name)
		if err != nil {
			return nil, unlessOptional(err, from.ConfigMapRef.Optional)
		}
		return c.Data, nil
	case from.SecretRef != nil:
		s, err := source.Secret(ctx, namespace, from.SecretRef.Name)
		if err != nil {
			return nil, unlessOptional(err, from.SecretRef.Optional)
		}
		return text(s.Data), nil
	}
	return nil, nil
}

func text(data map[string][]byte) map[string]string {
	out := map[string]string{}
	for k, v := range data {
		out[k] = string(v)
	}
	return out
}

func unlessOptional(err error, optional *bool) error {
	if optional != nil && *optional && apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

func valueFrom(
	ctx context.Context, pod *corev1.Pod, container string, from *corev1.EnvVarSource, source volumes.Source,
) (value string, ok bool, err error) {
	switch {
	case from.FieldRef != nil:
		value, err = fields.Value(pod, from.FieldRef.FieldPath)
		return value, true, err
	case from.ResourceFieldRef != nil:
		value, err = fields.Resource(pod, container, from.ResourceFieldRef, source.Node())
		return value, true, err
	case from.SecretKeyRef != nil:
		ref := from.SecretKeyRef
		s, err := source.Secret(ctx, pod.Namespace, ref.Name)
		if err != nil {
			return "", false, unlessOptional(err, ref.Optional)
		}
		return key(text(s.Data), ref.Key, ref.Optional, "Secret "+pod.Namespace+"/"+ref.Name)
	case from.ConfigMapKeyRef != nil:
		ref := from.ConfigMapKeyRef
		c, err := source.ConfigMap(ctx, pod.Namespace, ref.Name)
		if err != nil {
			return "", false, unlessOptional(err, ref.Optional)
		}
		return key(c.Data, ref.Key, ref.Optional, "ConfigMap "+pod.Namespace+"/"+ref.Name)
	}
	return "", false, fmt.Errorf("its source is %w", volumes.ErrUnsupported)
}

func key(data map[string]string, name string, optional *bool, where string) (string, bool, error) {
	value, ok := data[name]
	if !ok && (optional == nil || !*optional) {
		return "", false, fmt.Errorf("couldn't find key %s in %s", name, where)
	}
	return value, ok, nil
}

// Expand replaces $(NAME) by a variable's value. $$ stands for $, and a name that is not
// known stays as it is.
func Expand(text string, env map[string]string) string {
	var out strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "$")
		out.WriteString(before)
		if !ok {
			return out.String()
		}
		if after, ok := strings.CutPrefix(rest, "$"); ok {
			out.WriteByte('$')
			text = after
			continue
		}
		inner, ok := strings.CutPrefix(rest, "(")
		name, after, closed := strings.Cut(inner, ")")
		if value, known := env[name]; ok && closed && known {
			out.WriteString(value)
			text = after
			continue
		}
		out.WriteByte('$')
		text = rest
	}
}

// Services returns the variables that tell of the services of a namespace.
func Services(list []*corev1.Service) map[string]string {
	env := map[string]string{}
	for _, s := range list {
		if s.Spec.ClusterIP == "" || s.Spec.ClusterIP == corev1.ClusterIPNone || len(s.Spec.Ports) == 0 {
			continue
		}
		name := strings.ToUpper(strings.ReplaceAll(s.Name, "-", "_"))
		env[name+"_SERVICE_HOST"] = s.Spec.ClusterIP
		env[name+"_SERVICE_PORT"] = fmt.Sprint(s.Spec.Ports[0].Port)
		for _, p := range s.Spec.Ports {
			if p.Name != "" {
				env[name+"_SERVICE_PORT_"+strings.ToUpper(strings.ReplaceAll(p.Name, "-", "_"))] = fmt.Sprint(p.Port)
			}
		}
	}
	return env
}
