package main

import (
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

// metricsOptions serves metrics over HTTPS, to clients that the API server authenticates and allows to
// get /metrics. Without a certificate in the folder, the manager makes its own. If secure is false, it
// serves plain HTTP to everyone.
func metricsOptions(address string, secure bool, certificates string) metricsserver.Options {
	o := metricsserver.Options{BindAddress: address}
	if secure {
		o.SecureServing, o.CertDir = true, certificates
		o.FilterProvider = requireAuthorization
	}
	return o
}
