// Package hub serves Looker's Action API over HTTP: it authenticates requests, decodes them as a
// stream, and runs the integrations that deliver the data.
package hub

import (
	"cmp"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"integrationhub.dev/hub/catalog"
	"integrationhub.dev/hub/config"
	"integrationhub.dev/hub/custom"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/hub/page"
	"integrationhub.dev/hub/payload"
	"integrationhub.dev/hub/sealed"
	"integrationhub.dev/hub/telemetry"
	"integrationhub.dev/hub/upstream"
)

// Server serves the Action API. It stores nothing between requests.
type Server struct {
	config  config.Config
	catalog *catalog.Catalog
	secrets *config.Secrets
	// states seals users' tokens, with CIPHER_MASTER if it is set. logins seals sign-ins with the
	// service secrets only: otherwise anyone who knows CIPHER_MASTER could choose where a user's
	// tokens are sent.
	states *sealed.Box
	logins *sealed.Box
	links  *signInLinks
	// ownSecrets are the secrets in the hub's settings.
	ownSecrets *outbound.Secrets
	admission  *admission
	forms      *admission
	spool      *payload.Spool
	download   *payload.Downloader
	tokens     *http.Client // for posting users' tokens to Looker
	insecure   bool
	telemetry  *telemetry.Telemetry
	site       page.Site
	pages      atomic.Pointer[statusPages]
	attempts   *attempts
	// What the live status shows.
	live        live
	outcomes    *telemetry.Outcomes
	started     time.Time
	pod         string
	certificate *config.Certificate
	draining    atomic.Bool
	// customStatus is what the pages show; only the reloading reads and writes it.
	customStatus []custom.Status
	// upstreams are other hubs. remoteVersions are those of the lists that the catalog has; only the reloading
	// reads and writes them.
	upstreams      *upstream.Set
	remoteVersions []int
	// visits are browsers' requests that are passed to them.
	visits *admission
}

const (
	// maxSettings limits the bytes of all requests in memory, without their data. One request may
	// have 4 MB; typical ones have a few kilobytes.
	maxSettings = 64 << 20
	// spoolWait is how long a delivery waits for space in the spool.
	spoolWait = 5 * time.Minute
)

// Parts are the dependencies of a server.
type Parts struct {
	Config  config.Config
	Catalog *catalog.Catalog
	Secrets *config.Secrets
	// Looker is the client for downloads from Looker; it follows redirects. Tokens is the client
	// that posts users' tokens to Looker; it does not follow redirects.
	Looker, Tokens *http.Client
	// Insecure allows http for Looker's sign-in URLs, for development.
	Insecure bool
	// Env is the environment, for settings whose names contain an integration's name.
	Env map[string]string
	// SharedREADME is the documentation of what several integrations have in common, as HTML.
	SharedREADME string
	// Pod is the name of the pod, or empty outside of a cluster.
	Pod string
	// Certificate is the one that is served; nil means plain HTTP.
	Certificate *config.Certificate
	// Upstreams are other hubs; nil means none.
	Upstreams *upstream.Set
	Telemetry *telemetry.Telemetry
}

// New creates a server.
func New(p Parts) (*Server, error) {
	legacy, err := p.Config.LegacyCipherKey()
	if err != nil {
		return nil, err
	}
	stateKeys := p.Secrets.All
	if legacy != nil {
		stateKeys = func() [][]byte { return append([][]byte{legacy}, p.Secrets.All()...) }
	}
	spool := &payload.Spool{
		Dir: p.Config.SpoolDir, Limit: p.Config.SpoolBytes, MaxSettings: maxSettings, MaxWait: spoolWait,
	}
	if err := spool.Check(); err != nil {
		return nil, fmt.Errorf("ACTION_HUB_SPOOL_DIR is not usable: %w", err)
	}
	p.Telemetry.Metrics.ExportSpool(spool)
	started := time.Now().UTC().Truncate(time.Second)
	admission := newAdmission(p.Config.MaxDeliveries, p.Config.MaxQueued)
	p.Telemetry.Metrics.ExportQueue(admission.queued)
	s := &Server{
		config: p.Config, catalog: p.Catalog, secrets: p.Secrets, telemetry: p.Telemetry, upstreams: cmp.Or(p.Upstreams, &upstream.Set{}),
		site: newSite(p), attempts: newAttempts(),
		outcomes: telemetry.NewOutcomes(p.Catalog.Names()), started: started, pod: p.Pod, certificate: p.Certificate,
		states: sealed.New(stateKeys, legacy), logins: sealed.New(p.Secrets.All, nil), links: newSignInLinks(),
		ownSecrets: hubSecrets(p.Env), insecure: p.Insecure,
		admission: admission, forms: newAdmission(p.Config.MaxForms, 0), visits: newAdmission(maxVisits, 0),
		spool: spool, tokens: p.Tokens,
		download: &payload.Downloader{
			Client: p.Looker, Timeout: time.Duration(p.Config.StreamTimeoutMillis) * time.Millisecond,
		},
	}
	s.pages.Store(newStatusPages(s))
	return s, nil
}
