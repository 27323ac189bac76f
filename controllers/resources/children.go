package resources

import (
	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Kinds of a hub's objects.
var (
	SecretKind           = corev1.SchemeGroupVersion.WithKind("Secret")
	ConfigMapKind        = corev1.SchemeGroupVersion.WithKind("ConfigMap")
	ServiceKind          = corev1.SchemeGroupVersion.WithKind("Service")
	ServiceAccountKind   = corev1.SchemeGroupVersion.WithKind("ServiceAccount")
	CertificateKind      = cmv1.SchemeGroupVersion.WithKind("Certificate")
	DeploymentKind       = appsv1.SchemeGroupVersion.WithKind("Deployment")
	AutoscalerKind       = autoscalingv2.SchemeGroupVersion.WithKind("HorizontalPodAutoscaler")
	DisruptionBudgetKind = policyv1.SchemeGroupVersion.WithKind("PodDisruptionBudget")
	NetworkPolicyKind    = networkingv1.SchemeGroupVersion.WithKind("NetworkPolicy")
	IngressKind          = networkingv1.SchemeGroupVersion.WithKind("Ingress")
)

// Child is one object of a hub.
type Child struct {
	Kind schema.GroupVersionKind
	Name string
	// Config is nil if the spec does not ask for the object.
	Config runtime.ApplyConfiguration
}

// child returns a Child. It keeps a nil pointer nil, which an interface would not.
func child[T any, C interface {
	*T
	runtime.ApplyConfiguration
}](kind schema.GroupVersionKind, name string, config C) Child {
	c := Child{Kind: kind, Name: name}
	if config != nil {
		c.Config = config
	}
	return c
}

// unstructuredChild returns a Child of a kind whose Go types are not used.
func unstructuredChild(kind schema.GroupVersionKind, name string, u *unstructured.Unstructured) Child {
	c := Child{Kind: kind, Name: name}
	if u != nil {
		c.Config = client.ApplyConfigurationFromUnstructured(u)
	}
	return c
}

// Workload returns the objects that run the pods.
func Workload(in Inputs) ([]Child, error) {
	deployment, err := Deployment(in)
	if err != nil {
		return nil, err
	}
	name := in.Hub.Name
	return append(serviceAccountChildren(in),
		child(NetworkPolicyKind, name, NetworkPolicy(in)),
		child(DeploymentKind, name, deployment),
		child(DisruptionBudgetKind, name, DisruptionBudget(in)),
		child(AutoscalerKind, name, Autoscaler(in)),
	), nil
}

// Exposure returns the objects that route requests to the pods.
func Exposure(in Inputs) []Child {
	name := in.Hub.Name
	return []Child{
		child(ServiceKind, name, Service(in)),
		child(IngressKind, name, Ingress(in)),
		unstructuredChild(BackendTLSPolicyKind, name, BackendTLSPolicy(in)),
		unstructuredChild(HTTPRouteKind, name, HTTPRoute(in)),
	}
}

// Monitoring returns the objects by which Prometheus discovers the pods.
func Monitoring(in Inputs) []Child {
	name := in.Hub.Name
	return []Child{
		child(ServiceKind, metricsName(in.Hub), MetricsService(in)),
		unstructuredChild(ServiceMonitorKind, name, ServiceMonitor(in)),
		unstructuredChild(PrometheusRuleKind, name, PrometheusRule(in)),
	}
}
