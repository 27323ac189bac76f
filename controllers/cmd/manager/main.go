// Command manager is the operator: it reconciles IntegrationHubs, LookerRegistrations and HTTPIntegrations.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"integrationhub.dev/controllers"
	"integrationhub.dev/controllers/custom"
	"integrationhub.dev/controllers/defaults"
	"integrationhub.dev/controllers/hubclient"
	"integrationhub.dev/controllers/lookerclient"
	"integrationhub.dev/controllers/policy"
	"integrationhub.dev/controllers/registration"
	"integrationhub.dev/controllers/resources"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/hub/version"
)

// gcPercent is how much the heap grows between collections; GOGC overrides it. The manager waits for the
// API server most of the time, so that it has CPU time to spare for less memory.
const gcPercent = 30

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if err := run(); err != nil {
		slog.Error("manager stopped", "error", err)
		os.Exit(1)
	}
}

func run() error {
	var level slog.Level
	flag.TextVar(&level, "log-level", slog.LevelInfo, "minimum log level: debug, info, warn or error")
	showVersion := flag.Bool("version", false, "print the version and exit")
	image := flag.String("hub-image", os.Getenv("HUB_IMAGE"), "default image of hubs (HUB_IMAGE)")
	namespaces := flag.String("namespaces", "", "comma-separated namespaces to watch; all if empty")
	elect := flag.Bool("leader-elect", true, "enable leader election, for several managers")
	metrics := flag.String("metrics-address", ":8443", "address of the metrics endpoint; 0 disables it")
	secureMetrics := flag.Bool("metrics-secure", true,
		"serve metrics over HTTPS to clients that are authorized to get /metrics; if false, over HTTP without authentication")
	metricsCertificates := flag.String("metrics-cert-dir", "",
		"folder with tls.crt and tls.key for the metrics endpoint; self-signed if empty")
	class := flag.String("controller-class", "",
		"manage only IntegrationHubs with this spec.controllerClass; those without one if empty")
	inherit := flag.String("inherit-metadata", "",
		"comma-separated keys of labels and annotations that a hub's objects inherit; *.example.com/* and team-* match several")
	domain := flag.String("cluster-domain", "", "DNS domain of the cluster's Services; read from /etc/resolv.conf if empty")
	profiles := flag.String("pprof-address", "", "address of the pprof endpoint (/debug/pprof), such as localhost:6060; disabled if empty")
	policyFile := flag.String("policy", "", "YAML file with the policy for IntegrationHubs; the default policy if empty")
	defaultsFile := flag.String("defaults", "", "YAML file with defaults for IntegrationHubs; none if empty")
	maxRollouts := flag.Uint("max-concurrent-rollouts", 10, "how many hubs to roll out concurrently after an upgrade of the operator; 0 is unlimited")
	health := flag.String("health-address", ":8081", "address of the health probes")
	flag.Parse()
	if *showVersion {
		fmt.Println(version.Current())
		return nil
	}
	setUpLogging(os.Stderr, level)
	resources.SetClusterDomain(*domain, "/etc/resolv.conf")
	if *image == "" {
		return errors.New("no hub image is set: set --hub-image or HUB_IMAGE")
	}

	allowed, err := policy.Load(*policyFile)
	if err != nil {
		return err
	}

	values, err := defaults.Load(*defaultsFile)
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
		Metrics:                       metricsOptions(*metrics, *secureMetrics, *metricsCertificates),
		PprofBindAddress:              *profiles,
		HealthProbeBindAddress:        *health,
		LeaderElection:                *elect,
		LeaderElectionID:              leaseName(*class),
		LeaderElectionReleaseOnCancel: true,
	})
	if err != nil {
		return fmt.Errorf("creating the manager: %w", err)
	}
	r := &controllers.Reconciler{
		Client: controllers.TrackWrites(mgr.GetClient()), APIReader: mgr.GetAPIReader(),
		Recorder: controllers.LogEvents(mgr.GetEventRecorder("integration-hub-controller"), mgr.GetLogger()),
		HubImage: *image, Policy: allowed, Class: *class, InheritedKeys: split(*inherit),
		Defaults: values, MaxConcurrentRollouts: int(*maxRollouts),
		Hubs: hubclient.New(),
	}
	proxy, err := lookerProxy()
	if err != nil {
		return err
	}
	registrationMetrics := registration.NewMetrics(mgr.GetClient(), *class)
	registrations := &registration.Reconciler{
		Client: mgr.GetClient(), APIReader: mgr.GetAPIReader(), Recorder: r.Recorder, Class: *class,
		Looker: lookerclient.Options{Proxy: proxy, Observe: registrationMetrics.Observe},
	}
	integrations := &custom.Reconciler{Client: mgr.GetClient(), Recorder: r.Recorder, Class: *class}
	if err := errors.Join(
		r.SetupWithManager(mgr),
		integrations.SetupWithManager(mgr),
		registrations.SetupWithManager(mgr),
		ctrlmetrics.Registry.Register(registrationMetrics),
		ctrlmetrics.Registry.Register(custom.NewMetrics(mgr.GetClient(), *class)),
		ctrlmetrics.Registry.Register(controllers.NewMetrics(mgr.GetClient(), *class)),
		mgr.AddHealthzCheck("ping", healthz.Ping),
		mgr.AddReadyzCheck("ping", healthz.Ping),
	); err != nil {
		return fmt.Errorf("setting up: %w", err)
	}
	slog.Info("starting", "version", version.Current().String(), "hub_image", *image, "namespaces", *namespaces,
		"controller_class", *class, "cluster_domain", resources.ClusterDomain(), "policy", *policyFile, "leader_election", *elect)
	return mgr.Start(ctrl.SetupSignalHandler())
}

// lookerProxy returns the proxy of the environment for requests to Looker. Only the proxy may be able to
// resolve the names of hosts outside.
func lookerProxy() (outbound.Proxy, error) {
	environment := map[string]string{}
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		environment[name] = value
	}
	return outbound.LoadProxy(outbound.ProxyTrust, environment)
}

// leaseName returns the name of the lease, which managers of the same class share.
func leaseName(class string) string {
	const name = "integration-hub.integrationhub.dev"
	if class == "" {
		return name
	}
	return class + "." + name
}

func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}
