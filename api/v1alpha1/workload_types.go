package v1alpha1

import (
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Autoscaling lets the number of pods follow the load. The autoscaler owns the number then.
//
// +kubebuilder:validation:XValidation:rule="self.maxReplicas >= (has(self.minReplicas) ? self.minReplicas : 2)",message="maxReplicas must not be less than minReplicas, which is 2 unless set"
type Autoscaling struct {
	// MinReplicas is the least number of pods. Two survive the loss of a node.
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	// +kubebuilder:default=2
	// +optional
	MinReplicas *int32 `json:"minReplicas,omitempty"`

	// MaxReplicas is the greatest number of pods.
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	MaxReplicas int32 `json:"maxReplicas"`

	// TargetCPUUtilization is the share of the requested CPU, in percent, that pods shall use
	// on average. Without any target it is 80.
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	// +optional
	TargetCPUUtilization *int32 `json:"targetCPUUtilization,omitempty"`

	// TargetMemoryUtilization is the share of the requested memory, in percent, that pods
	// shall use on average.
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	// +optional
	TargetMemoryUtilization *int32 `json:"targetMemoryUtilization,omitempty"`

	// TargetDeliveriesInFlight is how many deliveries a pod shall run on average. It needs an
	// adapter that serves the hubs' metric integrationhub_deliveries_in_flight as a custom
	// metric of pods (custom.metrics.k8s.io).
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	// +optional
	TargetDeliveriesInFlight *int32 `json:"targetDeliveriesInFlight,omitempty"`

	// Behavior says how fast the number grows and shrinks.
	//
	// +optional
	Behavior *autoscalingv2.HorizontalPodAutoscalerBehavior `json:"behavior,omitempty"`
}

// Scheduling says on which nodes the pods run.
type Scheduling struct {
	// NodeSelector are labels that a node must have.
	//
	// +kubebuilder:validation:MaxProperties=32
	// +optional
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`

	// Tolerations let pods onto tainted nodes.
	//
	// +kubebuilder:validation:MaxItems=32
	// +listType=atomic
	// +optional
	Tolerations []corev1.Toleration `json:"tolerations,omitempty"`

	// Affinity of the pods.
	//
	// +optional
	Affinity *corev1.Affinity `json:"affinity,omitempty"`

	// TopologySpreadConstraints replace the operator's own, which spread the pods over nodes
	// where that is possible.
	//
	// +kubebuilder:validation:MaxItems=16
	// +listType=atomic
	// +optional
	TopologySpreadConstraints []corev1.TopologySpreadConstraint `json:"topologySpreadConstraints,omitempty"`

	// PriorityClassName of the pods.
	//
	// +kubebuilder:validation:MaxLength=253
	// +optional
	PriorityClassName string `json:"priorityClassName,omitempty"`
}

// ServiceAccount is the identity of a hub's pods towards clouds. Towards the cluster they
// have no rights, and get no token unless podTemplate mounts one.
//
// +kubebuilder:validation:XValidation:rule="!has(self.name) || !has(self.annotations)",message="annotations belong to the ServiceAccount that the operator makes: leave name out, or annotate your own"
type ServiceAccount struct {
	// Name of an existing ServiceAccount, which needs the operator's policy (serviceAccounts).
	// Without it the operator makes one.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +optional
	Name string `json:"name,omitempty"`

	// Annotations of the ServiceAccount that the operator makes, such as
	// eks.amazonaws.com/role-arn or iam.gke.io/gcp-service-account.
	//
	// +kubebuilder:validation:MaxProperties=32
	// +optional
	Annotations map[string]string `json:"annotations,omitempty"`
}

// PodDisruptionBudget keeps pods while nodes are drained. Without it one pod at a time may
// go, where there are at least two.
//
// +kubebuilder:validation:XValidation:rule="!(has(self.minAvailable) && has(self.maxUnavailable))",message="set minAvailable or maxUnavailable, not both"
// +kubebuilder:validation:XValidation:rule="!(has(self.disabled) && self.disabled) || !(has(self.minAvailable) || has(self.maxUnavailable))",message="a disabled budget has neither minAvailable nor maxUnavailable"
type PodDisruptionBudget struct {
	// Disabled leaves the budget out.
	//
	// +optional
	Disabled bool `json:"disabled,omitempty"`

	// MinAvailable is how many pods, or what share of them, must stay.
	//
	// +kubebuilder:validation:XIntOrString
	// +optional
	MinAvailable *intstr.IntOrString `json:"minAvailable,omitempty"`

	// MaxUnavailable is how many pods, or what share of them, may be gone at a time.
	//
	// +kubebuilder:validation:XIntOrString
	// +optional
	MaxUnavailable *intstr.IntOrString `json:"maxUnavailable,omitempty"`
}

// Limits bound what one pod of the hub takes on. Whatever is past them is answered as such.
type Limits struct {
	// Deliveries is how many deliveries run at once; 32 unless set.
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	// +optional
	Deliveries *int32 `json:"deliveries,omitempty"`

	// QueuedDeliveries is how many more wait for their turn; 256 unless set. Past them Looker
	// is answered 503.
	//
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100000
	// +optional
	QueuedDeliveries *int32 `json:"queuedDeliveries,omitempty"`

	// Rows of one delivery that are decoded; no bound unless set.
	//
	// +kubebuilder:validation:Minimum=1
	// +optional
	Rows *int64 `json:"rows,omitempty"`

	// Body is the largest request; only the spool bounds it unless set.
	//
	// +optional
	Body *resource.Quantity `json:"body,omitempty"`

	// Spool is the disk space for payloads that are being delivered; 10Gi unless set.
	//
	// +optional
	Spool *resource.Quantity `json:"spool,omitempty"`

	// DeliveryTimeout bounds one delivery as a whole; 1h unless set.
	//
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+(h|m|s))+$') && duration(self) > duration('0s') && duration(self) <= duration('24h')",message="deliveryTimeout must be longer than 0s and at most 24h, written as 90s, 15m or 1h30m"
	// +optional
	DeliveryTimeout string `json:"deliveryTimeout,omitempty"`

	// FormTimeout bounds one form; 2m unless set.
	//
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+(h|m|s))+$') && duration(self) > duration('0s') && duration(self) <= duration('1h')",message="formTimeout must be longer than 0s and at most 1h, written as 90s or 2m"
	// +optional
	FormTimeout string `json:"formTimeout,omitempty"`
}
