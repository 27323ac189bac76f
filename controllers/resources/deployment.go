package resources

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
)

// ChecksumAnnotation makes the pods roll when what they read at their start changes.
const ChecksumAnnotation = "hub.integrationhub.dev/config-checksum"

// ContainerName is the name of the hub's container.
const ContainerName = "hub"

const (
	mountRoot  = "/etc/integration-hub"
	secretPath = mountRoot + "/service-secret"
	tlsPath    = mountRoot + "/tls"
	caPath     = mountRoot + "/ca"
	spoolPath  = "/var/spool/integration-hub"
)

// graceSeconds is what a pod may take beyond the drain: the delay before it, and the end of
// the answers.
const graceSeconds = 30

// Deployment runs the hub's pods.
func Deployment(in Inputs) *appsv1ac.DeploymentApplyConfiguration {
	hub := in.Hub
	template := corev1ac.PodTemplateSpec().
		WithLabels(Labels(hub)).
		WithAnnotations(map[string]string{ChecksumAnnotation: in.ConfigChecksum}).
		WithSpec(podSpec(in))
	spec := appsv1ac.DeploymentSpec().
		WithSelector(metav1ac.LabelSelector().WithMatchLabels(Selector(hub))).
		WithStrategy(appsv1ac.DeploymentStrategy().
			WithType("RollingUpdate").
			WithRollingUpdate(appsv1ac.RollingUpdateDeployment().
				// A new pod takes over before an old one goes.
				WithMaxUnavailable(intstr.FromInt32(0)).WithMaxSurge(intstr.FromInt32(1)))).
		WithRevisionHistoryLimit(3).
		WithTemplate(template)
	if hub.Spec.Replicas != nil {
		spec.WithReplicas(*hub.Spec.Replicas)
	}
	return appsv1ac.Deployment(hub.Name, hub.Namespace).
		WithLabels(Labels(hub)).
		WithOwnerReferences(owner(hub)).
		WithSpec(spec)
}

func podSpec(in Inputs) *corev1ac.PodSpecApplyConfiguration {
	hub := in.Hub
	spec := corev1ac.PodSpec().
		WithServiceAccountName(hub.Name).
		WithAutomountServiceAccountToken(false).
		WithEnableServiceLinks(false).
		WithTerminationGracePeriodSeconds(int64(DrainTimeout(hub)/time.Second)+graceSeconds).
		WithSecurityContext(corev1ac.PodSecurityContext().
			WithRunAsNonRoot(true).WithRunAsUser(65532).WithRunAsGroup(65532).WithFSGroup(65532).
			WithSeccompProfile(corev1ac.SeccompProfile().WithType(corev1.SeccompProfileTypeRuntimeDefault))).
		WithTopologySpreadConstraints(corev1ac.TopologySpreadConstraint().
			WithMaxSkew(1).WithTopologyKey("kubernetes.io/hostname").WithWhenUnsatisfiable(corev1.ScheduleAnyway).
			WithLabelSelector(metav1ac.LabelSelector().WithMatchLabels(Selector(hub)))).
		WithContainers(container(in)).
		WithVolumes(
			corev1ac.Volume().WithName("service-secret").WithSecret(corev1ac.SecretVolumeSource().
				WithSecretName(ServiceSecretRef(hub).Name)),
			corev1ac.Volume().WithName("tls").WithSecret(corev1ac.SecretVolumeSource().WithSecretName(TLSSecretName(hub))),
			corev1ac.Volume().WithName("spool").WithEmptyDir(corev1ac.EmptyDirVolumeSource()),
		)
	if ca := CABundle(hub); ca != nil {
		spec.WithVolumes(corev1ac.Volume().WithName("ca").WithConfigMap(corev1ac.ConfigMapVolumeSource().WithName(ca.Name)))
	}
	for _, s := range hub.Spec.ImagePullSecrets {
		spec.WithImagePullSecrets(corev1ac.LocalObjectReference().WithName(s.Name))
	}
	return spec
}

func container(in Inputs) *corev1ac.ContainerApplyConfiguration {
	hub := in.Hub
	c := corev1ac.Container().
		WithName(ContainerName).
		WithImage(cmp.Or(hub.Spec.Image, in.Image)).
		WithArgs("serve").
		// The condition DeploymentAvailable quotes what a hub says when it gives up.
		WithTerminationMessagePolicy(corev1.TerminationMessageFallbackToLogsOnError).
		WithEnv(environment(in)...).
		WithPorts(
			corev1ac.ContainerPort().WithName(httpsName).WithContainerPort(httpsPort),
			corev1ac.ContainerPort().WithName(adminName).WithContainerPort(adminPort)).
		WithReadinessProbe(probe("/readyz").WithPeriodSeconds(2).WithFailureThreshold(1)).
		WithLivenessProbe(probe("/healthz").WithPeriodSeconds(10).WithFailureThreshold(6)).
		WithSecurityContext(corev1ac.SecurityContext().
			WithAllowPrivilegeEscalation(false).WithReadOnlyRootFilesystem(true).
			WithCapabilities(corev1ac.Capabilities().WithDrop("ALL"))).
		WithVolumeMounts(
			mount("service-secret", secretPath).WithReadOnly(true),
			mount("tls", tlsPath).WithReadOnly(true),
			mount("spool", spoolPath))
	if hub.Spec.ImagePullPolicy != "" {
		c.WithImagePullPolicy(hub.Spec.ImagePullPolicy)
	}
	if CABundle(hub) != nil {
		c.WithVolumeMounts(mount("ca", caPath).WithReadOnly(true))
	}
	for _, name := range IntegrationSecrets(hub) {
		c.WithEnvFrom(corev1ac.EnvFromSource().WithSecretRef(corev1ac.SecretEnvSource().WithName(name)))
	}
	if r := hub.Spec.Resources; r != nil {
		resources := corev1ac.ResourceRequirements()
		if r.Requests != nil {
			resources.WithRequests(r.Requests)
		}
		if r.Limits != nil {
			resources.WithLimits(r.Limits)
		}
		c.WithResources(resources)
	}
	return c
}

func mount(name, path string) *corev1ac.VolumeMountApplyConfiguration {
	return corev1ac.VolumeMount().WithName(name).WithMountPath(path)
}

func probe(path string) *corev1ac.ProbeApplyConfiguration {
	return corev1ac.Probe().WithHTTPGet(corev1ac.HTTPGetAction().WithPath(path).WithPort(intstr.FromString(adminName)))
}

// environment is what the hub is configured by. Entries here win over those of the
// integrations' Secrets, so that a Secret cannot change what belongs to the hub.
func environment(in Inputs) []*corev1ac.EnvVarApplyConfiguration {
	hub := in.Hub
	secret := ServiceSecretRef(hub)
	env := map[string]string{
		"ACTION_HUB_BASE_URL":       BaseURL(hub),
		"ACTION_HUB_LABEL":          hub.Spec.Label,
		"ACTION_HUB_SECRET":         "",
		"ACTION_HUB_SECRET_FILES":   secretPath + "/" + secret.Key + "," + secretPath + "/previous",
		"ACTION_HUB_LISTEN_ADDRESS": fmt.Sprintf(":%d", httpsPort),
		"ACTION_HUB_ADMIN_ADDRESS":  fmt.Sprintf(":%d", adminPort),
		"ACTION_HUB_TLS_CERT_FILE":  tlsPath + "/tls.crt",
		"ACTION_HUB_TLS_KEY_FILE":   tlsPath + "/tls.key",
		"ACTION_HUB_SPOOL_DIR":      spoolPath,
		"ACTION_HUB_DRAIN_TIMEOUT":  DrainTimeout(hub).String(),
		"ACTION_WHITELIST":          strings.Join(EnabledIntegrations(hub), ","),
		// Empty where the spec says nothing, or an integration's Secret could open the egress.
		"ACTION_HUB_CA_FILE":            "",
		"ACTION_HUB_EGRESS_ALLOW_CIDRS": "",
	}
	if hub.Spec.Egress != nil {
		env["ACTION_HUB_EGRESS_ALLOW_CIDRS"] = strings.Join(hub.Spec.Egress.AllowCIDRs, ",")
	}
	if ca := CABundle(hub); ca != nil {
		env["ACTION_HUB_CA_FILE"] = caPath + "/" + ca.Key
	}
	if r := hub.Spec.Resources; r != nil {
		if limit, ok := r.Limits[corev1.ResourceMemory]; ok {
			// The garbage collector works harder before the kernel kills the pod.
			env["GOMEMLIMIT"] = fmt.Sprint(limit.Value() / 10 * 9)
		}
	}
	for _, i := range enabled(hub) {
		for k, v := range i.Settings {
			env[k] = string(v)
		}
	}
	list := make([]*corev1ac.EnvVarApplyConfiguration, 0, len(env))
	for _, k := range slices.Sorted(maps.Keys(env)) {
		// Kubernetes would replace $(NAME), and make one of two dollars.
		list = append(list, corev1ac.EnvVar().WithName(k).WithValue(strings.ReplaceAll(env[k], "$", "$$")))
	}
	return list
}
