package v1alpha1

// The CEL functions isIP and isCIDR need Kubernetes 1.31, so the rules are patterns.

// CIDR is a range of IP addresses in CIDR notation.
//
// +kubebuilder:validation:MaxLength=43
// +kubebuilder:validation:XValidation:rule="self.matches('^((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])[.]){3}(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])/(3[0-2]|[12]?[0-9])$') || self.matches('/(12[0-8]|1[01][0-9]|[1-9]?[0-9])$') && (self.matches('^([0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}/') || self.matches('^([0-9a-fA-F]{1,4}(:[0-9a-fA-F]{1,4})*)?::([0-9a-fA-F]{1,4}(:[0-9a-fA-F]{1,4})*)?/') && !self.matches('([0-9a-fA-F]+:+){7}[0-9a-fA-F]'))",message="must be a CIDR range such as 10.1.0.0/16"
type CIDR string

// Host is a host name, a wildcard for subdomains, or an IP address.
//
// +kubebuilder:validation:MaxLength=253
// +kubebuilder:validation:XValidation:rule="self.matches('^([*][.])?([a-zA-Z0-9]([-_a-zA-Z0-9]*[a-zA-Z0-9])?[.])*[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?$') || self.matches('^([0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}$') || self.matches('^([0-9a-fA-F]{1,4}(:[0-9a-fA-F]{1,4})*)?::([0-9a-fA-F]{1,4}(:[0-9a-fA-F]{1,4})*)?$') && !self.matches('([0-9a-fA-F]+:+){7}[0-9a-fA-F]')",message="must be a host such as example.com, a wildcard such as *.example.com, or an IP address"
type Host string
