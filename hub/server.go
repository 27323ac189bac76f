// Package hub serves Looker's Action API over HTTP: it authenticates requests, decodes them as a
// stream, and runs the integrations that deliver the data.
package hub

import (
	"fmt"
	"net/http"
	"time"

	"integrationhub.dev/hub/catalog"
	"integrationhub.dev/hub/config"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/hub/payload"
	"integrationhub.dev/hub/sealed"
	"integrationhub.dev/hub/telemetry"
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
	docs       *statusDocs
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
	Env       map[string]string
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
	docs, err := newStatusDocs(p.Config, p.Catalog)
	if err != nil {
		return nil, err
	}
	spool := &payload.Spool{
		Dir: p.Config.SpoolDir, Limit: p.Config.SpoolBytes, MaxSettings: maxSettings, MaxWait: spoolWait,
	}
	if err := spool.Check(); err != nil {
		return nil, fmt.Errorf("ACTION_HUB_SPOOL_DIR is not usable: %w", err)
	}
	p.Telemetry.Metrics.ExportSpool(spool)
	admission := newAdmission(p.Config.MaxDeliveries, p.Config.MaxQueued)
	p.Telemetry.Metrics.ExportQueue(admission.queued)
	return &Server{
		config: p.Config, catalog: p.Catalog, secrets: p.Secrets, telemetry: p.Telemetry, docs: docs,
		states: sealed.New(stateKeys, legacy), logins: sealed.New(p.Secrets.All, nil), links: newSignInLinks(),
		ownSecrets: hubSecrets(p.Env), insecure: p.Insecure,
		admission: admission, forms: newAdmission(p.Config.MaxForms, 0),
		spool: spool, tokens: p.Tokens,
		download: &payload.Downloader{
			Client: p.Looker, Timeout: time.Duration(p.Config.StreamTimeoutMillis) * time.Millisecond,
		},
	}, nil
}
