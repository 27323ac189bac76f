// Package upstream offers the integrations of other Action Hubs, the reference's or of this kind: it keeps
// their lists, and passes requests for their integrations to them as streams.
//
// The two tokens never meet: Looker's stays at this hub, and the upstream gets its own. Requests go only to
// the configured URL, whatever URLs an upstream's list or form contains.
package upstream

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/catalog"
	"integrationhub.dev/hub/config"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/hub/panics"
)

const (
	// refreshInterval is how often a list is fetched.
	refreshInterval = time.Minute
	// startWait is how long the hub's start waits for the first lists. An upstream that is down must not
	// keep the hub from serving its own integrations.
	startWait = 3 * time.Second
)

// Options are what upstreams share.
type Options struct {
	// NewClient returns a client with the hub's egress policy that trusts these certificate authorities. It
	// does not follow redirects.
	NewClient func(*x509.CertPool) *http.Client
	// Roots are the certificate authorities to trust for all upstreams.
	Roots *x509.CertPool
	// Interval is how often lists are fetched; the default is a minute.
	Interval time.Duration
	// ID identifies this hub to the upstreams; see [ID].
	ID  string
	Log *slog.Logger
}

// Hub is an upstream.
type Hub struct {
	config config.Upstream
	client *http.Client
	// name is what messages call it, and id the ID of this hub.
	name  string
	id    string
	log   *slog.Logger
	state atomic.Pointer[State]
}

// State is what is known about an upstream.
type State struct {
	// Integrations are those of the last list that was fetched, by the names that they have here.
	Integrations []catalog.Remote
	// Refused are those that cannot be offered.
	Refused []catalog.Refusal
	// Fetched is when the list was last fetched; zero if it never was.
	Fetched time.Time
	// Problem is why the last attempt failed, or empty, and Since when it began to fail.
	Problem string
	Since   time.Time
	// Version increases with each change of the integrations or of the problem.
	Version int
}

// Set are the upstreams of a hub.
type Set struct {
	id       string
	hubs     []*Hub
	interval time.Duration
}

// New creates the upstreams of a configuration.
func New(configs config.Upstreams, o Options) (*Set, error) {
	s := &Set{id: o.ID, interval: cmp.Or(o.Interval, refreshInterval)}
	for _, c := range configs {
		roots := o.Roots
		if c.CAFile != "" {
			var err error
			if roots, err = outbound.AddRoots(roots, c.CAFile); err != nil {
				return nil, fmt.Errorf("upstream %s: %w", c.Name, err)
			}
		}
		h := &Hub{config: c, client: o.NewClient(roots), name: Title(c.Name), id: o.ID, log: o.Log.With("upstream", c.Name)}
		h.state.Store(&State{})
		s.hubs = append(s.hubs, h)
	}
	return s, nil
}

// Start fetches the lists until ctx ends, and returns when each was fetched once, or after a short time.
func (s *Set) Start(ctx context.Context) {
	first := make(chan struct{}, len(s.hubs))
	for _, h := range s.hubs {
		panics.Go(func() error {
			h.Refresh(ctx)
			first <- struct{}{}
			tick := time.NewTicker(s.interval)
			defer tick.Stop()
			for {
				select {
				case <-ctx.Done():
					return nil
				case <-tick.C:
					h.Refresh(ctx)
				}
			}
		}, func(err error) {
			if err != nil {
				h.log.ErrorContext(ctx, "fetching the list of an upstream ended", "error", err)
			}
		})
	}
	timeout := time.NewTimer(startWait)
	defer timeout.Stop()
	for range s.hubs {
		select {
		case <-first:
		case <-timeout.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// Hubs are the upstreams in their order.
func (s *Set) Hubs() []*Hub { return s.hubs }

// Find returns an upstream by its name, or nil.
func (s *Set) Find(name string) *Hub {
	if i := slices.IndexFunc(s.hubs, func(h *Hub) bool { return h.config.Name == name }); i >= 0 {
		return s.hubs[i]
	}
	return nil
}

// Missing returns the upstream that may have an integration of this name, but whose list was never fetched;
// or nil.
func (s *Set) Missing(name string) *Hub {
	for _, h := range s.hubs {
		rest, ok := strings.CutPrefix(name, h.config.Prefix)
		if ok && h.State().Fetched.IsZero() && h.offers(rest) {
			return h
		}
	}
	return nil
}

// Title is what messages call an upstream.
func Title(name string) string { return "Action Hub " + name }

// Name is the upstream's name in the configuration.
func (h *Hub) Name() string { return h.config.Name }

// URL is the base URL of the upstream.
func (h *Hub) URL() string { return h.config.URL }

// State is what is known about the upstream.
func (h *Hub) State() State { return *h.state.Load() }

// offers reports whether the configuration names an integration, or all. Paths have lowercase names only.
func (h *Hub) offers(name string) bool {
	return len(h.config.Integrations) == 0 ||
		slices.ContainsFunc(h.config.Integrations, func(n string) bool { return strings.EqualFold(n, name) })
}

// maxToken is the maximum size of a token in bytes.
const maxToken = 4 << 10

// token reads the upstream's token. It is read for each request, so that a rotation needs no restart.
func (h *Hub) token() (string, error) {
	unavailable := func(err error) error {
		return action.Wrap(err, action.Unauthenticated, "The hub's token for %s is not available. Ask the hub's administrator.", h.name)
	}
	file, err := os.Open(h.config.TokenFile)
	if err != nil {
		return "", unavailable(errors.New("the file of the upstream's token cannot be opened"))
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxToken+1))
	token := strings.TrimSpace(string(text))
	switch {
	case err != nil:
		return "", unavailable(errors.New("the file of the upstream's token cannot be read"))
	case token == "" || len(text) > maxToken || strings.ContainsAny(token, "\"\r\n"):
		return "", unavailable(errors.New("the file of the upstream's token does not contain a token"))
	}
	return token, nil
}

// authorize adds the upstream's token to a request.
func (h *Hub) authorize(req *http.Request) error {
	token, err := h.token()
	if err != nil {
		return err
	}
	outbound.SecretsOf(req.Context()).Add(token)
	req.Header.Set("Authorization", `Token token="`+token+`"`)
	return nil
}
