// Command manager is the operator: it reconciles IntegrationHubs.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"integrationhub.dev/controllers"
	"integrationhub.dev/controllers/hubclient"
	"integrationhub.dev/controllers/policy"
)

func main() {
	if err := run(); err != nil {
		slog.Error("manager stopped", "error", err)
		os.Exit(1)
	}
}

func run() error {
	handler := slog.NewJSONHandler(os.Stderr, nil)
	slog.SetDefault(slog.New(handler))
	ctrl.SetLogger(logr.FromSlogHandler(handler))

	image := flag.String("hub-image", os.Getenv("HUB_IMAGE"), "default image of hubs (HUB_IMAGE)")
	namespaces := flag.String("namespaces", "", "comma-separated namespaces to watch; all if empty")
	elect := flag.Bool("leader-elect", true, "elect a leader among several managers")
	metrics := flag.String("metrics-address", ":8080", "address of the metrics endpoint; 0 disables it")
	policyFile := flag.String("policy", "", "YAML file with the policy for IntegrationHubs; the default policy if empty")
	health := flag.String("health-address", ":8081", "address of the health probes")
	flag.Parse()
	if *image == "" {
		return errors.New("no hub image is set: set --hub-image or HUB_IMAGE")
	}

	allowed, err := policy.Load(*policyFile)
	if err != nil {
		return err
	}

	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("loading the kubeconfig: %w", err)
	}
	// The API server's priority and fairness limits requests; a limit here would only slow down a
	// restart with a thousand hubs.
	config.QPS = -1
	scheme, err := controllers.Scheme()
	if err != nil {
		return err
	}
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                        scheme,
		Cache:                         controllers.CacheOptions(split(*namespaces)),
		Metrics:                       metricsserver.Options{BindAddress: *metrics},
		HealthProbeBindAddress:        *health,
		LeaderElection:                *elect,
		LeaderElectionID:              "integration-hub.integrationhub.dev",
		LeaderElectionReleaseOnCancel: true,
	})
	if err != nil {
		return fmt.Errorf("creating the manager: %w", err)
	}
	r := &controllers.Reconciler{
		Client: mgr.GetClient(), APIReader: mgr.GetAPIReader(),
		Recorder: mgr.GetEventRecorder("integration-hub-controller"), HubImage: *image, Policy: allowed,
		Hubs: hubclient.New(),
	}
	if err := errors.Join(
		r.SetupWithManager(mgr),
		ctrlmetrics.Registry.Register(controllers.Metrics{Hubs: mgr.GetClient()}),
		mgr.AddHealthzCheck("ping", healthz.Ping),
		mgr.AddReadyzCheck("ping", healthz.Ping),
	); err != nil {
		return fmt.Errorf("setting up: %w", err)
	}
	return mgr.Start(ctrl.SetupSignalHandler())
}

func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}
