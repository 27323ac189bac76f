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

// environment configures the hub. In order of precedence: the operator's own variables, the spec's
// settings, the integrations' Secrets.
func environment(in Inputs) []*corev1ac.EnvVarApplyConfiguration {
	hub := in.Hub
	values := operatorSettings(in)
	for _, i := range enabled(hub) {
		for k, v := range i.Settings {
			if _, taken := values[k]; !taken && !env.Reserved(k) { // the object may predate the CRD's rule
				values[k] = string(v)
			}
		}
	}
	variables := map[string]*corev1ac.EnvVarApplyConfiguration{}
	for k, v := range values {
		// Kubernetes expands $(NAME), and turns $$ into $.
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

// IsIntegrationSetting reports whether a Secret's key becomes a variable of the hub's pods. Reserved
// variables do not: such a Secret may hold the whole environment of Looker's own hub.
func IsIntegrationSetting(key string) bool {
	return len(validation.IsEnvVarName(key)) == 0 && !env.Reserved(key)
}

// operatorSettings are the variables that belong to the hub itself.
func operatorSettings(in Inputs) map[string]string {
	hub := in.Hub
	secret := ServiceSecretRef(hub)
	values := map[string]string{
		env.BaseURL:              BaseURL(hub),
		env.Label:                hub.Spec.Label,
		env.SecretFiles:          secretPath + "/" + secret.Key + "," + secretPath + "/previous",
		env.ListenAddress:        fmt.Sprintf(":%d", containerPort(hub)),
		env.AdminAddress:         fmt.Sprintf(":%d", AdminPort),
		env.SpoolDir:             spoolPath,
		env.DrainTimeout:         DrainTimeout(hub).String(),
		env.Enabled:              strings.Join(EnabledIntegrations(hub), ","),
		env.DisabledIntegrations: "",
		env.Name:                 hub.Name,
		env.Namespace:            hub.Namespace,
	}
	if hub.Spec.DefaultEnabled {
		values[env.DisabledIntegrations] = strings.Join(disabledIntegrations(hub), ",")
	}
	if ServesTLS(hub) {
		values[env.TLSCertFile] = tlsPath + "/tls.crt"
		values[env.TLSKeyFile] = tlsPath + "/tls.key"
	}
	maps.Copy(values, egress(hub.Spec.Egress))
	if s := hub.Spec.Sentry; s != nil {
		set(values, env.SentryEnvironment, s.Environment)
	}
	if OffersCustom(hub) {
		values[env.IntegrationsDir] = customPath
		if len(in.CustomSecretKeys) > 0 {
			values[env.IntegrationSecrets] = customSecretPath
		}
	}
	if ca := CABundle(hub); ca != nil {
		values[env.CAFile] = caPath + "/" + ca.Key
	}
	if limit, ok := containerResources(hub).Limits[corev1.ResourceMemory]; ok {
		// The garbage collector works harder before the kernel kills the pod.
		values[env.GoMemLimit] = strconv.FormatInt(limit.Value()/10*9, 10)
	}
	for _, name := range NamedIntegrations(hub) {
		set(values, featureEnvVars[name], "true")
	}
	if hub.Spec.EncryptUserState {
		values[env.EncryptPayload] = "true"
	}
	if hub.Spec.UserStateFormat == v1alpha1.ReferenceUserState {
		values[env.StateFormat] = "reference" // the hub's default is the other one
	}
	set(values, env.StatusPage, statusPage(hub))
	set(values, env.Upstreams, upstreamsSetting(hub))
	if l := hub.Spec.Logging; l != nil {
		set(values, env.LogLevel, l.Level)
		set(values, env.LogFormat, l.Format)
	}
	maps.Copy(values, tracing(hub.Spec.Tracing))
	maps.Copy(values, limits(hub.Spec.Limits))
	// A hub of an older version may not know all of them, and must start even so.
	values[env.KnownSettings] = strings.Join(slices.Sorted(maps.Keys(values)), ",")
	values[env.Strict] = "true"
	return values
}

// statusPage is who may read the status page; empty is the hub's default, those with Looker's token. The
// values are booleans, because earlier versions of the hub accept no others.
func statusPage(hub *v1alpha1.IntegrationHub) string {
	switch page := hub.Spec.StatusPage; {
	case page != nil && !*page:
		return "false"
	case hub.Spec.StatusPageAccess == v1alpha1.StatusPagePublic:
		return "true"
	}
	return ""
}

// featureEnvVars enable integrations for testing a hub, which are off unless named.
var featureEnvVars = map[string]string{"debug": env.DebugEndpoint, "queue_action": env.ChildTest}

func set(values map[string]string, name, value string) {
	if name != "" && value != "" {
		values[name] = value
	}
}

// joined returns a list as the value of a variable.
func joined[T ~string](list []T) string {
	text := make([]string, len(list))
	for n, item := range list {
		text[n] = string(item)
	}
	return strings.Join(text, ",")
}

func egress(e *v1alpha1.Egress) map[string]string {
	values := map[string]string{}
	if e == nil {
		return values
	}
	set(values, env.EgressAllowCIDRs, joined(e.AllowCIDRs))
	set(values, env.EgressDenyCIDRs, joined(e.DenyCIDRs))
	set(values, env.EgressAllowHosts, joined(e.AllowHosts))
	ports := make([]string, len(e.AllowPorts))
	for n, p := range e.AllowPorts {
		ports[n] = strconv.Itoa(int(p))
	}
	set(values, env.EgressAllowPorts, strings.Join(ports, ","))
	if e.Proxy != nil {
		values[env.EgressProxy] = strings.ToLower(cmp.Or(e.Proxy.Use, "Resolve"))
	}
	return values
}

// tracing uses OpenTelemetry's variables
// (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).
func tracing(t *v1alpha1.Tracing) map[string]string {
	if t == nil {
		return nil
	}
	values := map[string]string{
		env.OTelTracesExporter: "otlp",
		env.OTelEndpoint:       t.Endpoint,
		env.OTelProtocol:       "http/protobuf",
	}
	if t.SamplePercent != nil {
		values[env.OTelSampler] = "parentbased_traceidratio"
		values[env.OTelSamplerArg] = strconv.FormatFloat(float64(*t.SamplePercent)/100, 'f', -1, 64)
	}
	return values
}

func limits(l *v1alpha1.Limits) map[string]string {
	values := map[string]string{}
	if l == nil {
		return values
	}
	number := func(name string, n *int32) {
		if n != nil {
			values[name] = strconv.Itoa(int(*n))
		}
	}
	quantity := func(name string, q *resource.Quantity) {
		if q != nil {
			values[name] = strconv.FormatInt(q.Value(), 10)
		}
	}
	number(env.MaxDeliveries, l.Deliveries)
	number(env.MaxQueuedDeliveries, l.QueuedDeliveries)
	number(env.MaxJobs, l.Jobs)
	set(values, env.JobTimeout, l.JobTimeout)
	quantity(env.MaxBodyBytes, l.Body)
	quantity(env.SpoolBytes, l.Spool)
	if l.Rows != nil {
		values[env.MaxRows] = strconv.FormatInt(*l.Rows, 10)
	}
	set(values, env.DeliveryTimeout, l.DeliveryTimeout)
	set(values, env.FormTimeout, l.FormTimeout)
	return values
}
