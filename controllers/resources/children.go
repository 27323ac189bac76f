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
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Kinds of a hub's objects.
var (
	SecretKind           = corev1.SchemeGroupVersion.WithKind("Secret")
	ConfigMapKind        = corev1.SchemeGroupVersion.WithKind("ConfigMap")
	ServiceKind          = corev1.SchemeGroupVersion.WithKind("Service")
	ServiceAccountKind   = corev1.SchemeGroupVersion.WithKind("ServiceAccount")
	CertificateKind      = cmv1.SchemeGroupVersion.WithKind("Certificate")
	RevisionKind         = appsv1.SchemeGroupVersion.WithKind("ControllerRevision")
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

// Pods returns the objects that run the pods, in the order in which they need each other. The last
// one is the Deployment.
func Pods(in Inputs, deployment *appsv1ac.DeploymentApplyConfiguration) []Child {
	name := in.Hub.Name
	return append(serviceAccountChildren(in),
		child(NetworkPolicyKind, name, NetworkPolicy(in)),
		child(DeploymentKind, name, deployment),
	)
}

// Scaling returns the objects that limit and change the number of pods.
func Scaling(in Inputs) []Child {
	name := in.Hub.Name
	return []Child{
		child(DisruptionBudgetKind, name, DisruptionBudget(in)),
		child(AutoscalerKind, name, Autoscaler(in)),
	}
}

// ServiceChild returns the Service in front of the pods, which all routes need.
func ServiceChild(in Inputs) Child { return child(ServiceKind, in.Hub.Name, Service(in)) }

// Routes returns the objects that route requests to the Service.
func Routes(in Inputs) []Child {
	name := in.Hub.Name
	return []Child{
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
