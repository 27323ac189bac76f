// Package looker simulates Looker's side of the Action API and of Looker's own API for integration
// hubs, for tests, for the local cluster, and for the developer's console of the program hub. No part of
// the product that runs in a cluster uses it.
//
// The simulator serves the operations of Looker's API 4.0 that registering a hub needs, checks every
// request and its own responses against Looker's OpenAPI document, and calls hubs over TLS when
// Looker does. README.md lists the source of each behavior, and what is an assumption.
package looker

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// APIPath is the path of Looker's API 4.0 below an instance's address.
const APIPath = "/api/4.0"

// Options configure a simulator.
type Options struct {
	// URL is the address at which hubs and browsers reach the simulator, such as
	// https://looker.example.com. It is in the URLs that the simulator sends to hubs.
	URL string
	// Document is Looker's OpenAPI document; nil means that Looker's API is not served.
	Document Document
	// Users are the users of the instance. At least one is required.
	Users []User
	// UserAttributes are the names of the user attributes that the instance has.
	UserAttributes []string
	// Roots are the authorities that may sign hubs' certificates; nil means the system's.
	Roots *x509.CertPool
	// Transport calls hubs in place of one that Roots configures.
	Transport http.RoundTripper
	// AllowHTTP accepts http:// where Looker accepts only https://, for developers.
	AllowHTTP bool
	// JournalEntries limits the requests, and the calls, that are kept; 0 means 10,000 of each.
	JournalEntries int
	// Version is Looker's version in calls to hubs; empty means [DefaultVersion].
	Version string
	// Instance identifies the instance in calls to hubs; empty means "simulator".
	Instance string
	// TokenLifetime is how long an access token is valid; 0 means one hour.
	TokenLifetime time.Duration
	// RateLimit limits the requests that create and update hubs.
	RateLimit RateLimit
	// LegalAgreement is a text that an administrator must accept for each new hub; empty means
	// that hubs need no agreement.
	LegalAgreement string
	// CallTimeout limits calls to hubs other than execute, ExecuteTimeout those; 0 means one
	// minute and one hour.
	CallTimeout, ExecuteTimeout time.Duration
	// StateFile keeps hubs, settings and users' states, with their secrets; empty means that they
	// are lost when the program ends.
	StateFile string
	// Now replaces the clock in tests.
	Now func() time.Time
	// Log is for problems of the simulator itself; nil discards them.
	Log *slog.Logger
}

// DefaultVersion is the version of Looker that the simulator reports to hubs.
const DefaultVersion = "26.12.0"

// RateLimit allows Requests per interval Per for each user, and as many at once. Zero means 10 per
// minute; a negative number of requests means no limit.
type RateLimit struct {
	Requests int
	Per      time.Duration
}

// Looker is a simulated Looker instance. Its methods can be called concurrently.
type Looker struct {
	options    Options
	operations http.Handler
	client     *http.Client
	journal    *journal
	secrets    *secrets
	faults     *faults
	sessions   *sessions
	tickets    *tickets

	mu       sync.Mutex
	state    state
	limiters map[string]*rate.Limiter
}

// New creates a simulator. With a state file that exists, it has the hubs and settings from there.
func New(o Options) (*Looker, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	l := &Looker{
		options: o, secrets: newSecrets(), faults: &faults{}, limiters: map[string]*rate.Limiter{},
		sessions: newSessions(o.TokenLifetime, o.Now), tickets: newTickets(o.Now),
		client: &http.Client{
			Transport: o.Transport,
			// Assumption: Looker does not follow a hub's redirects.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	l.journal = newJournal(l.secrets, o.Now, o.JournalEntries)
	var err error
	if l.state, err = loadState(o.StateFile); err != nil {
		return nil, err
	}
	l.state.addUsers(o.Users)
	l.state.addSecrets(l.secrets)
	if o.Document != nil {
		if l.operations, err = l.apiHandler(); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func (o *Options) complete() error {
	if !absolute(o.URL, o.schemes()) {
		return fmt.Errorf("the simulator's URL must start with https://, not %q", o.URL)
	}
	if len(o.Users) == 0 {
		return errors.New("the simulator needs at least one user")
	}
	seen := map[string]bool{}
	for _, user := range o.Users {
		if user.ID == "" || seen[user.ID] {
			return fmt.Errorf("users need different IDs; %q is empty or taken", user.ID)
		}
		seen[user.ID] = true
	}
	o.URL = strings.TrimRight(o.URL, "/")
	o.Version = cmp.Or(o.Version, DefaultVersion)
	o.Instance = cmp.Or(o.Instance, "simulator")
	o.TokenLifetime = cmp.Or(o.TokenLifetime, time.Hour)
	o.CallTimeout = cmp.Or(o.CallTimeout, time.Minute)
	o.ExecuteTimeout = cmp.Or(o.ExecuteTimeout, time.Hour)
	o.RateLimit.Requests = cmp.Or(o.RateLimit.Requests, 10)
	o.RateLimit.Per = cmp.Or(o.RateLimit.Per, time.Minute)
	o.JournalEntries = cmp.Or(o.JournalEntries, maxEntries)
	if o.Transport == nil {
		o.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: o.Roots, MinVersion: tls.VersionTLS12}}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}

// schemes are those of URLs that the simulator accepts.
func (o *Options) schemes() []string {
	if o.AllowHTTP {
		return []string{"https", "http"}
	}
	return []string{"https"}
}

// ServeHTTP serves Looker's API, and the addresses that hubs and browsers get from Looker.
func (l *Looker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch path := r.URL.Path; {
	case strings.HasPrefix(path, APIPath+"/") && l.operations != nil:
		l.operations.ServeHTTP(w, r)
	case strings.HasPrefix(path, statePath):
		l.storeState(w, r)
	case strings.HasPrefix(path, redirectPath):
		l.fetchState(w, r)
	case strings.HasPrefix(path, delegatePath):
		l.signInDelegated(w, r)
	case strings.HasPrefix(path, downloadPath):
		l.download(w, r)
	default:
		// Source: "Forbidden (403) errors" of Looker's API troubleshooting: a request without
		// /api/4.0 in its path gets 403.
		l.refuse(w, r, errorReply(http.StatusForbidden, "Forbidden"))
	}
}

// Restart forgets all sessions and one-time addresses, like a restart of Looker.
func (l *Looker) Restart() {
	l.sessions.clear()
	l.tickets.clear()
}
