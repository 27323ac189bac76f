package hub

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/catalog"
	"integrationhub.dev/hub/config"
	"integrationhub.dev/hub/custom"
	"integrationhub.dev/hub/jobs"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/hub/telemetry"
	"integrationhub.dev/hub/upstream"
)

// Options are the arguments of [Run].
type Options struct {
	Config config.Config
	// Env is the environment, from which integrations read their settings.
	Env map[string]string
	// Integrations are all integrations of the program.
	Integrations []action.Registration
	// SharedREADME is the documentation of what several integrations have in common, as HTML.
	SharedREADME string
	// Certificate is served when the configuration names no files; nil means plain HTTP.
	Certificate *config.Certificate
	// AllowLoopback allows deliveries to this machine, for development.
	AllowLoopback bool
	// AllowAddrs are addresses of this machine to which deliveries are allowed.
	AllowAddrs []netip.AddrPort
	// Listener replaces the one at the configured address.
	Listener net.Listener
	// Version is the version of the running build.
	Version string
	Log     *slog.Logger
	// ReloadInterval is how often mounted files are read; the default is five seconds.
	ReloadInterval time.Duration
	// UpstreamInterval is how often the lists of upstreams are fetched; the default is a minute.
	UpstreamInterval time.Duration
	// Started is called with the address once the hub accepts requests.
	Started func(net.Addr)
}

// reloadInterval is how often mounted files are read. The kubelet takes up to a minute to update a
// mounted Secret, so a short interval has no advantage.
const reloadInterval = 5 * time.Second

// Run serves until ctx ends. It then becomes unready, still accepts requests during the drain
// delay, which is short if no client uses the hub, and waits up to the drain timeout for running
// deliveries.
func Run(ctx context.Context, o Options) error {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	roots, err := outbound.LoadRoots(o.Config.CAFile)
	if err != nil {
		return err
	}
	tel, err := telemetry.Start(ctx, telemetry.Options{
		Config: o.Config, Env: o.Env, Version: o.Version, Roots: roots, Registry: reg, Log: o.Log,
	})
	if err != nil {
		return err
	}
	defer tel.Stop(context.WithoutCancel(ctx))
	pool := jobs.New(jobs.Options{
		MaxJobs: o.Config.MaxJobs, Timeout: o.Config.JobTimeout, Observer: tel.Metrics.JobObserver(), Log: o.Log,
	})
	server, folder, secrets, cert, err := build(o, tel, roots, pool.Start)
	if err != nil {
		return err
	}
	if cert != nil {
		tel.Metrics.ExportCertificate(cert)
	}
	if folder != nil {
		if err := server.reloadCustom(folder); err != nil {
			o.Log.ErrorContext(ctx, "loading integrations failed", "error", err)
		}
	}
	server.upstreams.Start(ctx)
	if err := server.offerRemote(); err != nil {
		o.Log.ErrorContext(ctx, "fetching lists of upstreams failed", "error", err)
	}
	go reload(ctx, cmp.Or(o.ReloadInterval, reloadInterval), tel, files(server, folder, secrets, cert))

	// Deliveries outlive ctx by the drain timeout; base ends with it.
	base, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	errorLog := slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug)
	looker := newHTTPServer(closeWhen(&server.draining, server.Handler()), o.Config.MaxHeaderBytes)
	looker.BaseContext, looker.ErrorLog = func(net.Listener) context.Context { return base }, errorLog
	clients := newActivity()
	looker.ConnState = clients.connState
	status := adminHandler(reg, &server.draining, server.spool.Check, http.HandlerFunc(server.showFullStatus), secrets.All, o.Config.Pprof)
	admin := newHTTPServer(status, o.Config.MaxHeaderBytes)
	admin.ErrorLog = errorLog

	listener, err := listen(ctx, o.Listener, o.Config.ListenAddress, cert)
	if err != nil {
		return err
	}
	adminListener, err := listen(ctx, nil, o.Config.AdminAddress, nil)
	if err != nil {
		_ = listener.Close()
		return err
	}
	failed := make(chan error, 2)
	go func() { failed <- looker.Serve(reportAcceptErrors(listener, tel)) }()
	go func() { failed <- admin.Serve(adminListener) }()
	o.Log.InfoContext(ctx, "listening", "address", listener.Addr().String(), "admin_address", adminListener.Addr().String(),
		"tls", cert != nil, "integrations", server.catalog.Names())
	logConfiguration(ctx, o, server.catalog)
	if o.Started != nil {
		o.Started(listener.Addr())
	}
	select {
	case err := <-failed:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	server.draining.Store(true)
	o.Config.DrainDelay = clients.drainDelay(o.Config.DrainDelay)
	o.Log.InfoContext(base, "draining", "delay", o.Config.DrainDelay.String(), "timeout", o.Config.DrainTimeout.String())
	return drain(base, stop, o, looker, admin, pool, failed)
}

// logConfiguration logs what is not as somebody may expect.
func logConfiguration(ctx context.Context, o Options, offered *catalog.Catalog) {
	for _, name := range slices.Sorted(maps.Keys(offered.Unavailable)) {
		o.Log.InfoContext(ctx, "integration unavailable", "integration", name, "reason", offered.Unavailable[name])
	}
	for _, problem := range offered.Problems {
		o.Log.WarnContext(ctx, "check the configuration", "problem", problem.Error())
	}
	for name, reason := range config.IgnoredSettings(o.Env) {
		o.Log.WarnContext(ctx, "ignored setting", "setting", name, "reason", reason)
	}
	if o.Config.Proxy == outbound.ProxyOff && outbound.ProxySet(o.Env) {
		o.Log.WarnContext(ctx, "proxy variables are set but not used: see ACTION_HUB_EGRESS_PROXY")
	}
}

// closeWhen closes connections while the hub drains, so that no client sends a request on a
// connection that is about to be closed.
func closeWhen(draining *atomic.Bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if draining.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// drain stops the servers after the running deliveries have ended.
func drain(base context.Context, stop func(), o Options, looker, admin *http.Server, pool *jobs.Pool, failed <-chan error) error {
	c := o.Config
	select {
	case <-time.After(c.DrainDelay):
	case err := <-failed:
		return fmt.Errorf("serving while draining: %w", err)
	}
	ctx, cancel := context.WithTimeout(base, c.DrainTimeout)
	defer cancel()
	err := looker.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("draining: cancelled deliveries that were still running after %s", c.DrainTimeout)
		stop() // cancelled deliveries still send a response
		last, cancel := context.WithTimeout(context.WithoutCancel(base), 5*time.Second)
		defer cancel()
		_ = looker.Shutdown(last)
	}
	if n := pool.Drain(ctx); n > 0 {
		o.Log.ErrorContext(base, "jobs interrupted by shutdown", "jobs", n)
	}
	return errors.Join(err, admin.Close())
}

// build creates the server and its dependencies.
func build(
	o Options, tel *telemetry.Telemetry, roots *x509.CertPool, startJob action.StartJob,
) (*Server, *custom.Folder, *config.Secrets, *config.Certificate, error) {
	fail := func(err error) (*Server, *custom.Folder, *config.Secrets, *config.Certificate, error) {
		return nil, nil, nil, nil, err
	}
	secrets, err := config.LoadSecrets(o.Config.Secret, o.Config.SecretFiles)
	if err != nil {
		return fail(err)
	}
	cert := o.Certificate
	if o.Config.TLSCertFile != "" {
		if cert, err = config.LoadCertificate(o.Config.TLSCertFile, o.Config.TLSKeyFile); err != nil {
			return fail(err)
		}
	}
	proxy, err := outbound.LoadProxy(o.Config.Proxy, o.Env)
	if err != nil {
		return fail(err)
	}
	out := outbound.Options{Policy: o.Config.Policy(), Roots: roots, Proxy: proxy}
	out.Policy.AllowLoopback, out.Policy.AllowAddrs = o.AllowLoopback, o.AllowAddrs
	out.Observe = tel.Metrics.Outbound("destination")
	deps := action.Deps{
		Env: o.Env, HTTP: outbound.NewClient(out), Dial: outbound.Dialer(out.Policy), Roots: roots,
		Identity: outbound.NewIdentityClient(), StartJob: startJob, Log: o.Log,
	}
	offered, err := catalog.New(o.Integrations, o.Config, deps)
	if err != nil {
		return fail(err)
	}
	tel.Metrics.InitSeries(offered.Names())
	for _, e := range offered.Entries() {
		tel.Metrics.ExportAPIs(e.Definition.Name, e.APIs)
	}
	upstreams, err := newUpstreams(o, out, tel)
	if err != nil {
		return fail(err)
	}
	folder := customFolder(o.Config, o.Integrations, offered, out, deps.HTTP)
	out.Observe = tel.Metrics.Outbound("looker")
	out.DisableCompression = true
	tokens := outbound.NewClient(out)
	out.FollowRedirects = true
	server, err := New(Parts{
		Config: o.Config, Catalog: offered, Secrets: secrets, Looker: outbound.NewClient(out), Tokens: tokens, Insecure: o.AllowLoopback,
		Env: o.Env, SharedREADME: o.SharedREADME, Pod: podName(o.Config), Certificate: cert, Upstreams: upstreams, Telemetry: tel,
	})
	return server, folder, secrets, cert, err
}

// newUpstreams creates the other hubs.
func newUpstreams(o Options, out outbound.Options, tel *telemetry.Telemetry) (*upstream.Set, error) {
	out.Observe = tel.Metrics.Outbound("upstream")
	return upstream.New(o.Config.Upstreams, upstream.Options{
		Roots: out.Roots, Interval: o.UpstreamInterval, ID: upstream.ID(o.Config), Log: o.Log,
		NewClient: func(roots *x509.CertPool) *http.Client {
			out.Roots = roots
			return outbound.NewClient(out)
		},
	})
}

// podName is the name of the hub's pod, which is its host name, or empty outside of a cluster.
func podName(c config.Config) string {
	if c.Namespace == "" {
		return ""
	}
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return name
}

// listen listens at an address, unless there is already a listener.
func listen(ctx context.Context, l net.Listener, address string, cert *config.Certificate) (net.Listener, error) {
	if l == nil {
		var err error
		if l, err = new(net.ListenConfig).Listen(ctx, "tcp", address); err != nil {
			return nil, fmt.Errorf("listening: %w", err)
		}
	}
	if cert != nil {
		return tls.NewListener(newCoalescing(l), cert.TLS()), nil
	}
	return l, nil
}

// files are what is reloaded, by names for metrics and logs.
func files(server *Server, folder *custom.Folder, secrets *config.Secrets, cert *config.Certificate) map[string]func() error {
	files := map[string]func() error{"secrets": secrets.Reload}
	if cert != nil {
		files["certificate"] = cert.Reload
	}
	if folder != nil {
		files["integrations"] = func() error { return server.reloadCustom(folder) }
	}
	if len(server.upstreams.Hubs()) > 0 {
		files["upstreams"] = server.offerRemote
	}
	return files
}

// reload reads the mounted files at an interval. The kubelet replaces them through symlinks, and
// file watchers miss such changes.
func reload(ctx context.Context, interval time.Duration, tel *telemetry.Telemetry, files map[string]func() error) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for what := range files {
		tel.Metrics.InitReloads(what)
	}
	last := map[string]string{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for what, reload := range files {
			problem := ""
			err := reload()
			if err != nil {
				problem = err.Error()
			}
			tel.Metrics.Reloaded(what, err)
			if problem != "" && problem != last[what] {
				tel.Log.ErrorContext(ctx, "reloading failed; the previous content stays in use", "what", what, "error", problem)
			}
			last[what] = problem
		}
	}
}
