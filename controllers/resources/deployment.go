package resources

import (
	"cmp"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"

	"integrationhub.dev/api/v1alpha1"
)

// ChecksumAnnotation rolls the pods when the settings that they read at startup change.
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

// graceSeconds is the termination grace period beyond the drain timeout: for the delay before the
// drain, and for ending the responses.
const graceSeconds = 30

// Deployment runs the hub's pods. It returns an error if spec.podTemplate is not valid.
func Deployment(in Inputs) (*appsv1ac.DeploymentApplyConfiguration, error) {
	hub := in.Hub
	template := in.Template
	if template == nil {
		var err error
		if template, err = podTemplate(in); err != nil {
			return nil, err
		}
	}
	spec := appsv1ac.DeploymentSpec().
		WithSelector(metav1ac.LabelSelector().WithMatchLabels(Selector(hub))).
		WithStrategy(strategy(hub)).
		WithRevisionHistoryLimit(3).
		WithProgressDeadlineSeconds(int32(ProgressDeadline(hub) / time.Second)). //nolint:gosec // the CRD limits it to 24 hours
		WithTemplate(template)
	// The autoscaler owns the number of replicas.
	if hub.Spec.Replicas != nil && hub.Spec.Autoscaling == nil {
		spec.WithReplicas(*hub.Spec.Replicas)
	}
	return appsv1ac.Deployment(hub.Name, hub.Namespace).
		WithLabels(Labels(hub)).
		WithAnnotations(Annotations(hub)).
		WithOwnerReferences(owner(hub)).
		WithSpec(spec), nil
}

// podTemplate returns the pods' template of the spec.
func podTemplate(in Inputs) (*corev1ac.PodTemplateSpecApplyConfiguration, error) {
	return override(corev1ac.PodTemplateSpec().
		WithLabels(Labels(in.Hub)).
		WithAnnotations(Annotations(in.Hub)).
		WithAnnotations(map[string]string{ChecksumAnnotation: in.ConfigChecksum}).
		WithSpec(podSpec(in)), in)
}

func podSpec(in Inputs) *corev1ac.PodSpecApplyConfiguration {
	hub := in.Hub
	spool := corev1ac.EmptyDirVolumeSource()
	if l := hub.Spec.Limits; l != nil && l.Spool != nil {
		spool.WithSizeLimit(*l.Spool)
	}
	spec := corev1ac.PodSpec().
		WithServiceAccountName(ServiceAccountName(hub)).
		WithAutomountServiceAccountToken(false).
		WithEnableServiceLinks(false).
		WithTerminationGracePeriodSeconds(int64(DrainTimeout(hub)/time.Second)+graceSeconds).
		// The user and the groups come from the image, or from the namespace: OpenShift's restricted-v2
		// refuses any other than the namespace's own.
		WithSecurityContext(corev1ac.PodSecurityContext().
			WithRunAsNonRoot(true).
			WithSeccompProfile(corev1ac.SeccompProfile().WithType(corev1.SeccompProfileTypeRuntimeDefault))).
		WithContainers(container(in)).
		WithVolumes(
			serviceSecretVolume(hub),
			corev1ac.Volume().WithName("spool").WithEmptyDir(spool),
		)
	if ServesTLS(hub) {
		spec.WithVolumes(corev1ac.Volume().WithName("tls").WithSecret(corev1ac.SecretVolumeSource().
			WithSecretName(TLSSecretName(hub)).WithItems(files(corev1.TLSCertKey, corev1.TLSPrivateKeyKey)...)))
	}
	if ca := CABundle(hub); ca != nil {
		spec.WithVolumes(corev1ac.Volume().WithName("ca").WithConfigMap(corev1ac.ConfigMapVolumeSource().
			WithName(ca.Name).WithItems(files(ca.Key)...)))
	}
	spec.WithVolumes(customVolumes(in)...)
	if len(hub.Spec.Upstreams) > 0 {
		spec.WithVolumes(upstreamsVolume(hub))
	}
	for _, s := range hub.Spec.ImagePullSecrets {
		spec.WithImagePullSecrets(corev1ac.LocalObjectReference().WithName(s.Name))
	}
	schedule(spec, hub)
	return spec
}

func container(in Inputs) *corev1ac.ContainerApplyConfiguration {
	hub := in.Hub
	c := corev1ac.Container().
		WithName(ContainerName).
		WithImage(cmp.Or(hub.Spec.Image, in.Image)).
		WithArgs("serve").
		WithEnv(environment(in)...).
		WithPorts(
			corev1ac.ContainerPort().WithName(portName(hub)).WithContainerPort(containerPort(hub)),
			corev1ac.ContainerPort().WithName(adminName).WithContainerPort(AdminPort)).
		WithReadinessProbe(probe("/readyz").WithPeriodSeconds(2).WithFailureThreshold(1)).
		WithLivenessProbe(probe("/healthz").WithPeriodSeconds(10).WithFailureThreshold(6)).
		WithResources(applied[corev1ac.ResourceRequirementsApplyConfiguration](containerResources(hub))).
		WithSecurityContext(corev1ac.SecurityContext().
			WithAllowPrivilegeEscalation(false).WithReadOnlyRootFilesystem(true).
			WithCapabilities(corev1ac.Capabilities().WithDrop("ALL"))).
		WithVolumeMounts(
			mount("service-secret", secretPath).WithReadOnly(true),
			mount("spool", spoolPath))
	if hub.Spec.ImagePullPolicy != "" {
		c.WithImagePullPolicy(hub.Spec.ImagePullPolicy)
	}
	if ServesTLS(hub) {
		c.WithVolumeMounts(mount("tls", tlsPath).WithReadOnly(true))
	}
	if CABundle(hub) != nil {
		c.WithVolumeMounts(mount("ca", caPath).WithReadOnly(true))
	}
	c.WithVolumeMounts(customMounts(in)...)
	if len(hub.Spec.Upstreams) > 0 {
		c.WithVolumeMounts(mount("upstreams", upstreamsPath).WithReadOnly(true))
	}
	return c
}

// containerResources returns the spec's resources, or the default. The default has no CPU limit,
// which would only slow deliveries down.
func containerResources(hub *v1alpha1.IntegrationHub) corev1.ResourceRequirements {
	if hub.Spec.Resources != nil {
		return *hub.Spec.Resources
	}
	return corev1.ResourceRequirements{
		Requests: corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: resource.MustParse("128Mi"),
		},
		Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("2Gi")},
	}
}

func mount(name, path string) *corev1ac.VolumeMountApplyConfiguration {
	return corev1ac.VolumeMount().WithName(name).WithMountPath(path)
}

// probeTimeoutSeconds is more than the default of one second. A node that is busy, or a container that is at
// its CPU limit, delays an answer that long, and could do so in all pods at once.
const probeTimeoutSeconds = 5

func probe(path string) *corev1ac.ProbeApplyConfiguration {
	return corev1ac.Probe().WithTimeoutSeconds(probeTimeoutSeconds).WithHTTPGet(corev1ac.HTTPGetAction().WithPath(path).WithPort(intstr.FromString(adminName)))
}
