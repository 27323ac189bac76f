package v1alpha1

// Monitoring creates objects for the Prometheus operator.
type Monitoring struct {
	// ServiceMonitor makes Prometheus scrape the hub's pods.
	//
	// +optional
	ServiceMonitor *ServiceMonitor `json:"serviceMonitor,omitempty"`

	// PrometheusRule creates alerts about the hub.
	//
	// +optional
	PrometheusRule *PrometheusRule `json:"prometheusRule,omitempty"`
}

// ServiceMonitor makes Prometheus scrape the hub's pods.
type ServiceMonitor struct {
	// Labels by which Prometheus selects its ServiceMonitors.
	//
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.matches('^([a-zA-Z0-9]([-a-zA-Z0-9.]{0,251}[a-zA-Z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))",message="keys must have the form example.com/team or team"
	// +optional
	Labels map[string]LabelValue `json:"labels,omitempty"`

	// Interval between scrapes; Prometheus' default if empty.
	//
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:Pattern=`^([0-9]+(ms|s|m|h))+$`
	// +optional
	Interval string `json:"interval,omitempty"`
}

// PrometheusRule creates alerts about the hub.
type PrometheusRule struct {
	// Labels by which Prometheus selects its rules.
	//
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.matches('^([a-zA-Z0-9]([-a-zA-Z0-9.]{0,251}[a-zA-Z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))",message="keys must have the form example.com/team or team"
	// +optional
	Labels map[string]LabelValue `json:"labels,omitempty"`
}

// Logging configures the pods' logs.
type Logging struct {
	// Level is the minimum level of log entries.
	//
	// +kubebuilder:validation:Enum=debug;info;warn;error
	// +kubebuilder:default=info
	// +optional
	Level string `json:"level,omitempty"`

	// Format of log entries.
	//
	// +kubebuilder:validation:Enum=json;text
	// +kubebuilder:default=json
	// +optional
	Format string `json:"format,omitempty"`
}

// Tracing exports traces of deliveries over OTLP.
type Tracing struct {
	// Endpoint of the collector for OTLP over HTTP, such as http://collector.monitoring.svc:4318.
	//
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() in ['http', 'https'] && url(self).getHostname() != ''",message="endpoint must be a URL such as http://collector.monitoring.svc:4318"
	Endpoint string `json:"endpoint"`

	// SamplePercent is the percentage of deliveries that are traced.
	// A delivery whose request already belongs to a trace follows that trace's sampling decision.
	//
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	// +kubebuilder:default=100
	// +optional
	SamplePercent *int32 `json:"samplePercent,omitempty"`
}

// Sentry reports the hub's internal errors to a Sentry project, without any request data.
type Sentry struct {
	// DSNSecretRef references the Secret with the project's DSN, which is a credential.
	DSNSecretRef SecretKeyRef `json:"dsnSecretRef"`

	// Environment under which the errors are reported.
	//
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[^\s/]+$`
	// +optional
	Environment string `json:"environment,omitempty"`
}
