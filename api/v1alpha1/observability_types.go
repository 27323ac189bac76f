package v1alpha1

// Monitoring makes the objects by which the Prometheus operator finds a hub.
type Monitoring struct {
	// ServiceMonitor makes Prometheus scrape the hub's pods.
	//
	// +optional
	ServiceMonitor *ServiceMonitor `json:"serviceMonitor,omitempty"`

	// PrometheusRule makes Prometheus raise alerts about the hub.
	//
	// +optional
	PrometheusRule *PrometheusRule `json:"prometheusRule,omitempty"`
}

// ServiceMonitor makes Prometheus scrape the hub's pods.
type ServiceMonitor struct {
	// Labels by which a Prometheus selects its ServiceMonitors.
	//
	// +kubebuilder:validation:MaxProperties=32
	// +optional
	Labels map[string]string `json:"labels,omitempty"`

	// Interval between scrapes; Prometheus's own unless set.
	//
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:Pattern=`^([0-9]+(ms|s|m|h))+$`
	// +optional
	Interval string `json:"interval,omitempty"`
}

// PrometheusRule makes Prometheus raise alerts about the hub.
type PrometheusRule struct {
	// Labels by which a Prometheus selects its rules.
	//
	// +kubebuilder:validation:MaxProperties=32
	// +optional
	Labels map[string]string `json:"labels,omitempty"`
}

// Logging says what the hub's pods log.
type Logging struct {
	// Level below which nothing is logged.
	//
	// +kubebuilder:validation:Enum=debug;info;warn;error
	// +kubebuilder:default=info
	// +optional
	Level string `json:"level,omitempty"`

	// Format of the lines.
	//
	// +kubebuilder:validation:Enum=json;text
	// +kubebuilder:default=json
	// +optional
	Format string `json:"format,omitempty"`
}

// Tracing sends traces of deliveries by OTLP.
type Tracing struct {
	// Endpoint that takes OTLP over HTTP, such as http://collector.monitoring.svc:4318.
	//
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() in ['http', 'https'] && url(self).getHostname() != ''",message="endpoint must be a URL such as http://collector.monitoring.svc:4318"
	Endpoint string `json:"endpoint"`

	// SamplePercent is the share of deliveries that are traced, unless Looker's request
	// already belongs to a trace.
	//
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	// +kubebuilder:default=100
	// +optional
	SamplePercent *int32 `json:"samplePercent,omitempty"`
}

// Sentry tells a Sentry project of the hub's own faults, without any request.
type Sentry struct {
	// DSNSecretRef names the key of a Secret that holds the project's address, which is a
	// credential.
	DSNSecretRef SecretKeyRef `json:"dsnSecretRef"`

	// Environment that the faults are filed under.
	//
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[^\s/]+$`
	// +optional
	Environment string `json:"environment,omitempty"`
}
