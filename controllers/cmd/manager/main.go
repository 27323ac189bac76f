// Command manager is the operator: it runs IntegrationHubs.
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
		slog.Error("the manager ends", "error", err)
		os.Exit(1)
	}
}

func run() error {
	handler := slog.NewJSONHandler(os.Stderr, nil)
	slog.SetDefault(slog.New(handler))
	ctrl.SetLogger(logr.FromSlogHandler(handler))

	image := flag.String("hub-image", os.Getenv("HUB_IMAGE"), "image of hubs that name none (HUB_IMAGE)")
	namespaces := flag.String("namespaces", "", "namespaces to watch, separated by commas; empty: all")
	elect := flag.Bool("leader-elect", true, "let one of several managers work at a time")
	metrics := flag.String("metrics-address", ":8080", "address of the metrics; 0: none")
	policyFile := flag.String("policy", "", "YAML file that says what IntegrationHubs may ask for; empty: the default policy")
	health := flag.String("health-address", ":8081", "address of the probes")
	flag.Parse()
	if *image == "" {
		return errors.New("no hub image: set --hub-image or HUB_IMAGE")
	}

	allowed, err := policy.Load(*policyFile)
	if err != nil {
		return err
	}

	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("finding the cluster: %w", err)
	}
	// The API server's own fairness shares it out better than a limit here, which would make
	// a thousand hubs wait after a restart.
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
		return fmt.Errorf("making the manager: %w", err)
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
