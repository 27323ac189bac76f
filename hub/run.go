package hub

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/catalog"
	"integrationhub.dev/hub/config"
	"integrationhub.dev/hub/jobs"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/hub/telemetry"
)

// Options are what a hub is run with, beside its configuration.
type Options struct {
	Config config.Config
	// Env is the environment, from which integrations read their settings.
	Env map[string]string
	// Integrations are those that the program contains.
	Integrations []action.Registration
	// Certificate is served where the configuration names no files; nil means plain HTTP.
	Certificate *config.Certificate
	// AllowLoopback lets developers deliver to their own machine.
	AllowLoopback bool
	// AllowAddrs are single addresses of this machine that deliveries may go to.
	AllowAddrs []netip.AddrPort
	// Listener takes Looker's requests in place of one at the configured address.
	Listener net.Listener
	// Version is the build that is running.
	Version string
	Log     *slog.Logger
	// Started is called once the hub answers, with its address.
	Started func(net.Addr)
}

// reloadEvery is how often mounted files are looked at. The kubelet takes up to a minute to
// write a changed Secret, so there is no hurry.
const reloadEvery = 5 * time.Second

// Run serves until ctx ends, then drains: it is no longer ready, still takes requests for
// the drain delay, and lets what is under way end within the drain timeout.
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
	server, secrets, cert, err := build(o, tel, roots, pool.Start)
	if err != nil {
		return err
	}
	if cert != nil {
		tel.Metrics.ExportCertificate(cert)
	}
	go reload(ctx, tel, secrets, cert)

	// Deliveries outlive ctx by the drain timeout; base ends with it.
	base, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var draining atomic.Bool
	errorLog := slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug)
	looker := newHTTPServer(closeWhen(&draining, server.Handler()), o.Config.MaxHeaderBytes)
	looker.BaseContext, looker.ErrorLog = func(net.Listener) context.Context { return base }, errorLog
	admin := newHTTPServer(adminHandler(reg, &draining, server.spool.Check, server.about.status, o.Config.Pprof), o.Config.MaxHeaderBytes)
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
	for name, reason := range server.catalog.Unavailable {
		o.Log.InfoContext(ctx, "integration not offered", "integration", name, "reason", reason)
	}
	for name, reason := range config.IgnoredSettings(o.Env) {
		o.Log.WarnContext(ctx, "setting without effect", "setting", name, "reason", reason)
	}
	if o.Config.Proxy == outbound.ProxyOff && outbound.ProxySet(o.Env) {
		o.Log.WarnContext(ctx, "the environment names a proxy, which is not used: see ACTION_HUB_EGRESS_PROXY")
	}
	if o.Started != nil {
		o.Started(listener.Addr())
	}
	select {
	case err := <-failed:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	draining.Store(true)
	o.Log.InfoContext(base, "draining", "delay", o.Config.DrainDelay.String(), "timeout", o.Config.DrainTimeout.String())
	return drain(base, stop, o, looker, admin, pool, failed)
}

// closeWhen makes clients give up their connections while the hub drains, so that none sends
// a request into a connection that is about to be closed.
func closeWhen(draining *atomic.Bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if draining.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// drain ends the servers without losing what is under way.
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
		err = fmt.Errorf("draining: deliveries were still under way after %s and were given up", c.DrainTimeout)
		stop() // they answer Looker that they failed
		last, cancel := context.WithTimeout(context.WithoutCancel(base), 5*time.Second)
		defer cancel()
		_ = looker.Shutdown(last)
	}
	if n := pool.Drain(ctx); n > 0 {
		o.Log.ErrorContext(base, "jobs interrupted by shutdown", "jobs", n)
	}
	return errors.Join(err, admin.Close())
}

// build makes the server and what it depends on.
func build(o Options, tel *telemetry.Telemetry, roots *x509.CertPool, startJob action.StartJob) (*Server, *config.Secrets, *config.Certificate, error) {
	fail := func(err error) (*Server, *config.Secrets, *config.Certificate, error) { return nil, nil, nil, err }
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
		Env: o.Env, HTTP: outbound.NewClient(out), Dial: outbound.Dialer(out.Policy), Roots: roots, Identity: outbound.NewIdentityClient(),
		StartJob: startJob, Log: o.Log,
	}
	offered, err := catalog.New(o.Integrations, o.Config, deps)
	if err != nil {
		return fail(err)
	}
	tel.Metrics.InitSeries(offered.Names())
	out.Observe = tel.Metrics.Outbound("looker")
	out.DisableCompression = true
	tokens := outbound.NewClient(out)
	out.FollowRedirects = true
	server, err := New(Parts{
		Config: o.Config, Catalog: offered, Secrets: secrets, Looker: outbound.NewClient(out), Tokens: tokens, Insecure: o.AllowLoopback,
		Env: o.Env, Telemetry: tel,
	})
	return server, secrets, cert, err
}

// listen begins to listen at an address, unless there is a listener already.
func listen(ctx context.Context, l net.Listener, address string, cert *config.Certificate) (net.Listener, error) {
	if l == nil {
		var err error
		if l, err = new(net.ListenConfig).Listen(ctx, "tcp", address); err != nil {
			return nil, fmt.Errorf("listening: %w", err)
		}
	}
	if cert != nil {
		return tls.NewListener(l, cert.TLS()), nil
	}
	return l, nil
}

// reload looks at mounted files again and again. Watching them is no better: a Secret's
// volume changes by renaming folders, which file watchers are known to miss.
func reload(ctx context.Context, tel *telemetry.Telemetry, secrets *config.Secrets, cert *config.Certificate) {
	tick := time.NewTicker(reloadEvery)
	defer tick.Stop()
	things := map[string]func() error{"secrets": secrets.Reload}
	if cert != nil {
		things["certificate"] = cert.Reload
	}
	for what := range things { // an alert sees the first failure only if there was a 0 before
		tel.Metrics.InitReloads(what)
	}
	last := map[string]string{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for what, reload := range things {
			problem := ""
			err := reload()
			if err != nil {
				problem = err.Error()
			}
			tel.Metrics.Reloaded(what, err)
			if problem != "" && problem != last[what] {
				tel.Log.ErrorContext(ctx, "reloading failed: what was loaded before stays in use", "what", what, "error", problem)
			}
			last[what] = problem
		}
	}
}
