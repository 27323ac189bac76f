package resources

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/hub/env"
)

// environment is what the hub is configured by: what the operator says, what the spec's
// settings say, and the integrations' Secrets, in that order of precedence.
func environment(in Inputs) []*corev1ac.EnvVarApplyConfiguration {
	hub := in.Hub
	values := operatorSettings(hub)
	for _, i := range enabled(hub) {
		for k, v := range i.Settings {
			if _, taken := values[k]; !taken && !env.Reserved(k) { // an object may be older than the CRD's rule
				values[k] = string(v)
			}
		}
	}
	variables := map[string]*corev1ac.EnvVarApplyConfiguration{}
	for k, v := range values {
		// Kubernetes would replace $(NAME), and make one of two dollars.
		variables[k] = corev1ac.EnvVar().WithName(k).WithValue(strings.ReplaceAll(v, "$", "$$"))
	}
	for _, v := range SecretVariables(hub) {
		variables[v.Name] = fromSecret(v.Name, v.Ref.Name, v.Ref.Key)
		if v.Optional {
			variables[v.Name].ValueFrom.SecretKeyRef.WithOptional(true)
		}
	}
	for _, name := range IntegrationSecrets(hub) {
		for _, key := range in.SecretKeys[name] {
			if _, taken := variables[key]; !taken && IsIntegrationSetting(key) {
				variables[key] = fromSecret(key, name, key)
			}
		}
	}
	list := make([]*corev1ac.EnvVarApplyConfiguration, 0, len(variables))
	for _, k := range slices.Sorted(maps.Keys(variables)) {
		list = append(list, variables[k])
	}
	return list
}

func fromSecret(variable, secret, key string) *corev1ac.EnvVarApplyConfiguration {
	return corev1ac.EnvVar().WithName(variable).WithValueFrom(corev1ac.EnvVarSource().
		WithSecretKeyRef(corev1ac.SecretKeySelector().WithName(secret).WithKey(key)))
}

// IsIntegrationSetting is whether a Secret's key becomes a setting of the hub's pods. Reserved
// variables do not: the reference's whole environment may be in such a Secret.
func IsIntegrationSetting(key string) bool {
	return len(validation.IsEnvVarName(key)) == 0 && !env.Reserved(key)
}

// operatorSettings are what belongs to the hub itself.
func operatorSettings(hub *v1alpha1.IntegrationHub) map[string]string {
	secret := ServiceSecretRef(hub)
	env := map[string]string{
		"ACTION_HUB_BASE_URL":              BaseURL(hub),
		"ACTION_HUB_LABEL":                 hub.Spec.Label,
		"ACTION_HUB_SECRET_FILES":          secretPath + "/" + secret.Key + "," + secretPath + "/previous",
		"ACTION_HUB_LISTEN_ADDRESS":        fmt.Sprintf(":%d", containerPort(hub)),
		"ACTION_HUB_ADMIN_ADDRESS":         fmt.Sprintf(":%d", AdminPort),
		"ACTION_HUB_SPOOL_DIR":             spoolPath,
		"ACTION_HUB_DRAIN_TIMEOUT":         DrainTimeout(hub).String(),
		"ACTION_WHITELIST":                 strings.Join(EnabledIntegrations(hub), ","),
		"ACTION_HUB_DISABLED_INTEGRATIONS": "",
	}
	if hub.Spec.DefaultEnabled {
		env["ACTION_HUB_DISABLED_INTEGRATIONS"] = strings.Join(disabledIntegrations(hub), ",")
	}
	if ServesTLS(hub) {
		env["ACTION_HUB_TLS_CERT_FILE"] = tlsPath + "/tls.crt"
		env["ACTION_HUB_TLS_KEY_FILE"] = tlsPath + "/tls.key"
	}
	maps.Copy(env, egress(hub.Spec.Egress))
	if s := hub.Spec.Sentry; s != nil {
		set(env, "SENTRY_ENVIRONMENT", s.Environment)
	}
	if ca := CABundle(hub); ca != nil {
		env["ACTION_HUB_CA_FILE"] = caPath + "/" + ca.Key
	}
	if limit, ok := containerResources(hub).Limits[corev1.ResourceMemory]; ok {
		// The garbage collector works harder before the kernel kills the pod.
		env["GOMEMLIMIT"] = strconv.FormatInt(limit.Value()/10*9, 10)
	}
	for _, name := range NamedIntegrations(hub) {
		set(env, featureEnvVars[name], "true")
	}
	if hub.Spec.EncryptUserState {
		env["ENCRYPT_PAYLOAD"] = "true"
	}
	if page := hub.Spec.StatusPage; page != nil && !*page {
		env["ACTION_HUB_STATUS_PAGE"] = "false"
	}
	if l := hub.Spec.Logging; l != nil {
		set(env, "ACTION_HUB_LOG_LEVEL", l.Level)
		set(env, "ACTION_HUB_LOG_FORMAT", l.Format)
	}
	maps.Copy(env, tracing(hub.Spec.Tracing))
	maps.Copy(env, limits(hub.Spec.Limits))
	return env
}

// featureEnvVars turn integrations on that are for trying a hub, and that none offers by itself.
var featureEnvVars = map[string]string{"debug": "ACTION_HUB_DEBUG_ENDPOINT", "queue_action": "CHILD_TEST"}

func set(env map[string]string, name, value string) {
	if name != "" && value != "" {
		env[name] = value
	}
}

func egress(e *v1alpha1.Egress) map[string]string {
	env := map[string]string{}
	if e == nil {
		return env
	}
	set(env, "ACTION_HUB_EGRESS_ALLOW_CIDRS", strings.Join(e.AllowCIDRs, ","))
	set(env, "ACTION_HUB_EGRESS_DENY_CIDRS", strings.Join(e.DenyCIDRs, ","))
	set(env, "ACTION_HUB_EGRESS_ALLOW_HOSTS", strings.Join(e.AllowHosts, ","))
	ports := make([]string, len(e.AllowPorts))
	for n, p := range e.AllowPorts {
		ports[n] = strconv.Itoa(int(p))
	}
	set(env, "ACTION_HUB_EGRESS_ALLOW_PORTS", strings.Join(ports, ","))
	if e.Proxy != nil {
		env["ACTION_HUB_EGRESS_PROXY"] = strings.ToLower(cmp.Or(e.Proxy.Use, "Resolve"))
	}
	return env
}

// tracing is in the variables of OpenTelemetry
// (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).
func tracing(t *v1alpha1.Tracing) map[string]string {
	if t == nil {
		return nil
	}
	env := map[string]string{
		"OTEL_TRACES_EXPORTER":        "otlp",
		"OTEL_EXPORTER_OTLP_ENDPOINT": t.Endpoint,
		"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
	}
	if t.SamplePercent != nil {
		env["OTEL_TRACES_SAMPLER"] = "parentbased_traceidratio"
		env["OTEL_TRACES_SAMPLER_ARG"] = strconv.FormatFloat(float64(*t.SamplePercent)/100, 'f', -1, 64)
	}
	return env
}

func limits(l *v1alpha1.Limits) map[string]string {
	env := map[string]string{}
	if l == nil {
		return env
	}
	number := func(name string, n *int32) {
		if n != nil {
			env[name] = strconv.Itoa(int(*n))
		}
	}
	quantity := func(name string, q *resource.Quantity) {
		if q != nil {
			env[name] = strconv.FormatInt(q.Value(), 10)
		}
	}
	number("ACTION_HUB_MAX_DELIVERIES", l.Deliveries)
	number("ACTION_HUB_MAX_QUEUED_DELIVERIES", l.QueuedDeliveries)
	quantity("ACTION_HUB_MAX_BODY_BYTES", l.Body)
	quantity("ACTION_HUB_SPOOL_BYTES", l.Spool)
	if l.Rows != nil {
		env["ACTION_HUB_MAX_ROWS"] = strconv.FormatInt(*l.Rows, 10)
	}
	set(env, "ACTION_HUB_DELIVERY_TIMEOUT", l.DeliveryTimeout)
	set(env, "ACTION_HUB_FORM_TIMEOUT", l.FormTimeout)
	return env
}
