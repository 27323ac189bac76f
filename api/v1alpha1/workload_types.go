package v1alpha1

import (
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Autoscaling scales the number of pods with the load.
// The HorizontalPodAutoscaler then owns the number of replicas.
//
// +kubebuilder:validation:XValidation:rule="self.maxReplicas >= (has(self.minReplicas) ? self.minReplicas : 2)",message="maxReplicas must not be less than minReplicas, which defaults to 2"
type Autoscaling struct {
	// MinReplicas is the minimum number of replicas. Use at least two to tolerate the loss of a node.
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	// +kubebuilder:default=2
	// +optional
	MinReplicas *int32 `json:"minReplicas,omitempty"`

	// MaxReplicas is the maximum number of replicas.
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	MaxReplicas int32 `json:"maxReplicas"`

	// TargetCPUUtilization is the target average CPU utilization, in percent of the request.
	// It is 80 if no target is set.
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	// +optional
	TargetCPUUtilization *int32 `json:"targetCPUUtilization,omitempty"`

	// TargetMemoryUtilization is the target average memory utilization, in percent of the request.
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	// +optional
	TargetMemoryUtilization *int32 `json:"targetMemoryUtilization,omitempty"`

	// TargetDeliveriesInFlight is the target average number of running deliveries per pod.
	// It requires an adapter that serves the metric integrationhub_deliveries_in_flight as a custom metric of pods (custom.metrics.k8s.io).
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	// +optional
	TargetDeliveriesInFlight *int32 `json:"targetDeliveriesInFlight,omitempty"`

	// Behavior configures how fast the number of replicas changes.
	//
	// +kubebuilder:validation:XValidation:rule="(!has(self.scaleUp) || !has(self.scaleUp.stabilizationWindowSeconds) || self.scaleUp.stabilizationWindowSeconds >= 0 && self.scaleUp.stabilizationWindowSeconds <= 3600) && (!has(self.scaleDown) || !has(self.scaleDown.stabilizationWindowSeconds) || self.scaleDown.stabilizationWindowSeconds >= 0 && self.scaleDown.stabilizationWindowSeconds <= 3600)",message="stabilizationWindowSeconds must be between 0 and 3600"
	// +optional
	Behavior *autoscalingv2.HorizontalPodAutoscalerBehavior `json:"behavior,omitempty"`
}

// Scheduling configures on which nodes the pods run.
type Scheduling struct {
	// NodeSelector are labels that a node must have.
	//
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.matches('^([a-zA-Z0-9]([-a-zA-Z0-9.]{0,251}[a-zA-Z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))",message="keys must have the form example.com/team or team"
	// +optional
	NodeSelector map[string]LabelValue `json:"nodeSelector,omitempty"`

	// Tolerations let the pods run on tainted nodes.
	//
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:XValidation:rule="(!has(self.operator) || self.operator in ['', 'Exists', 'Equal', 'Lt', 'Gt']) && (!has(self.effect) || self.effect in ['', 'NoSchedule', 'PreferNoSchedule', 'NoExecute'])",message="operator must be Exists or Equal, and effect NoSchedule, PreferNoSchedule or NoExecute"
	// +listType=atomic
	// +optional
	Tolerations []corev1.Toleration `json:"tolerations,omitempty"`

	// Affinity of the pods.
	//
	// +optional
	Affinity *corev1.Affinity `json:"affinity,omitempty"`

	// TopologySpreadConstraints replace the default, which spreads the pods over nodes where possible.
	//
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:XValidation:rule="self.maxSkew > 0 && self.topologyKey != '' && self.whenUnsatisfiable in ['DoNotSchedule', 'ScheduleAnyway']",message="maxSkew must be at least 1, topologyKey not empty, and whenUnsatisfiable DoNotSchedule or ScheduleAnyway"
	// +listType=atomic
	// +optional
	TopologySpreadConstraints []corev1.TopologySpreadConstraint `json:"topologySpreadConstraints,omitempty"`

	// PriorityClassName of the pods.
	//
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be the name of an object: lowercase letters, digits, hyphens and dots"
	// +optional
	PriorityClassName string `json:"priorityClassName,omitempty"`
}

// ServiceAccount configures the pods' cloud workload identity.
// The pods have no permissions in the cluster, and no API token unless podTemplate mounts one.
//
// +kubebuilder:validation:XValidation:rule="!has(self.name) || !has(self.annotations)",message="annotations apply only to a ServiceAccount that the operator creates: remove name, or annotate the existing ServiceAccount"
type ServiceAccount struct {
	// Name of an existing ServiceAccount, which requires the operator's policy (serviceAccounts).
	// If empty, the operator creates a ServiceAccount.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be the name of an object: lowercase letters, digits, hyphens and dots"
	// +optional
	Name string `json:"name,omitempty"`

	// Annotations of the created ServiceAccount, such as eks.amazonaws.com/role-arn or iam.gke.io/gcp-service-account.
	//
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.matches('^([a-zA-Z0-9]([-a-zA-Z0-9.]{0,251}[a-zA-Z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))",message="keys must have the form example.com/team or team"
	// +optional
	Annotations map[string]string `json:"annotations,omitempty"`
}

// PodDisruptionBudget limits how many pods are evicted at once when nodes are drained.
// By default, one pod may be unavailable if there are two or more.
//
// +kubebuilder:validation:XValidation:rule="!(has(self.minAvailable) && has(self.maxUnavailable))",message="set minAvailable or maxUnavailable, not both"
// +kubebuilder:validation:XValidation:rule="!(has(self.disabled) && self.disabled) || !(has(self.minAvailable) || has(self.maxUnavailable))",message="minAvailable and maxUnavailable must not be set when disabled is true"
type PodDisruptionBudget struct {
	// Disabled creates no PodDisruptionBudget.
	//
	// +optional
	Disabled bool `json:"disabled,omitempty"`

	// MinAvailable is the number or percentage of pods that must stay available.
	//
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:Pattern=`^(100|[0-9]{1,2})%$`
	// +kubebuilder:validation:XValidation:rule="type(self) == string || self >= 0",message="must be a number of pods, or a percentage such as 25%"
	// +optional
	MinAvailable *intstr.IntOrString `json:"minAvailable,omitempty"`

	// MaxUnavailable is the number or percentage of pods that may be unavailable.
	//
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:Pattern=`^(100|[0-9]{1,2})%$`
	// +kubebuilder:validation:XValidation:rule="type(self) == string || self >= 0",message="must be a number of pods, or a percentage such as 25%"
	// +optional
	MaxUnavailable *intstr.IntOrString `json:"maxUnavailable,omitempty"`
}

// Limits of each pod of the hub.
// Requests that exceed a limit are rejected with an error that names the limit.
type Limits struct {
	// Deliveries is the maximum number of concurrent deliveries; 32 if unset.
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	// +optional
	Deliveries *int32 `json:"deliveries,omitempty"`

	// QueuedDeliveries is the maximum number of queued deliveries; 256 if unset.
	// When the queue is full, the hub responds with status 503.
	//
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100000
	// +optional
	QueuedDeliveries *int32 `json:"queuedDeliveries,omitempty"`

	// Jobs is the maximum number of jobs at destinations that are monitored at once; 1000 if unset.
	// A job, such as the training of a model, continues after the hub has responded to its delivery.
	// Jobs are kept in memory: a pod that stops no longer monitors them, and logs each of them.
	//
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100000
	// +optional
	Jobs *int32 `json:"jobs,omitempty"`

	// JobTimeout is how long a job at a destination is monitored; 168h if unset.
	//
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+(h|m|s))+$') && duration(self) > duration('0s') && duration(self) <= duration('720h')",message="jobTimeout must be longer than 0s and at most 720h, such as 90m or 168h"
	// +optional
	JobTimeout string `json:"jobTimeout,omitempty"`

	// Rows is the maximum number of rows of a delivery; unlimited if unset.
	//
	// +kubebuilder:validation:Minimum=1
	// +optional
	Rows *int64 `json:"rows,omitempty"`

	// Body is the maximum size of a request; limited only by the spool if unset.
	//
	// +kubebuilder:validation:XValidation:rule="string(self).matches('^[+]?[0.]*[1-9]')",message="must be more than 0"
	// +optional
	Body *resource.Quantity `json:"body,omitempty"`

	// Spool is the disk space for the data of running deliveries; 10Gi if unset.
	//
	// +kubebuilder:validation:XValidation:rule="string(self).matches('^[+]?[0.]*[1-9]')",message="must be more than 0"
	// +optional
	Spool *resource.Quantity `json:"spool,omitempty"`

	// DeliveryTimeout is the maximum duration of a delivery; 1h if unset.
	//
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+(h|m|s))+$') && duration(self) > duration('0s') && duration(self) <= duration('24h')",message="deliveryTimeout must be longer than 0s and at most 24h, such as 90s, 15m or 1h30m"
	// +optional
	DeliveryTimeout string `json:"deliveryTimeout,omitempty"`

	// FormTimeout is the maximum duration of loading a form; 2m if unset.
	//
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+(h|m|s))+$') && duration(self) > duration('0s') && duration(self) <= duration('1h')",message="formTimeout must be longer than 0s and at most 1h, such as 90s or 2m"
	// +optional
	FormTimeout string `json:"formTimeout,omitempty"`
}
