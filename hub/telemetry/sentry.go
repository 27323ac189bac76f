package telemetry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/getsentry/sentry-go"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/config"
	"integrationhub.dev/hub/panics"
)

// bugReporter tells a Sentry project of bugs: panics, and errors that nobody classified. A
// nil one tells nobody.
//
// A report says where in the code, of which integration, and which request_id the log has
// the rest under. Sentry is another company's computer more often than not, and an error that
// nobody foresaw may quote what it was about: neither its text nor anything of the request is
// sent.
type bugReporter struct {
	client *sentry.Client
}

// newBugReporter makes a reporter, or nil when the configuration names no project. Sentry is
// the administrator's choice: the egress policy does not apply to it.
func newBugReporter(c config.Config, version string, roots *x509.CertPool) (*bugReporter, error) {
	if c.SentryDSN == "" {
		return nil, nil //nolint:nilnil // a nil reporter works
	}
	client, err := sentry.NewClient(sentry.ClientOptions{
		Dsn: c.SentryDSN.Reveal(), Environment: c.SentryEnvironment, Release: "integration-hub@" + version,
		HTTPTransport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			IdleConnTimeout: time.Minute,
		},
		// The SDK would add what it finds in the process and in its environment.
		Integrations: func([]sentry.Integration) []sentry.Integration { return nil },
	})
	if err != nil { // its text quotes the DSN
		return nil, errors.New("SENTRY_DSN is not the address of a Sentry project")
	}
	return &bugReporter{client}, nil
}

// flush waits until what was reported has been sent, or ctx ends.
func (b *bugReporter) flush(ctx context.Context) {
	if b != nil {
		b.client.FlushWithContext(ctx)
		b.client.Close()
	}
}

// report tells of a request's error if it is a bug. Refusals have no kind either; their
// status tells them from bugs.
func (b *bugReporter) report(rec *Record, route string, status int) {
	refusal := status >= http.StatusBadRequest && status < http.StatusInternalServerError || status == http.StatusServiceUnavailable
	if b == nil || rec.Err == nil || refusal || action.KindOf(rec.Err) != action.Internal {
		return
	}
	b.client.CaptureEvent(&sentry.Event{
		Level: sentry.LevelError, Transaction: route, Exception: []sentry.Exception{exception(rec.Err)},
		Tags: map[string]string{IntegrationKey: rec.Integration, "request_id": rec.ID},
	}, nil, nil)
}

// exception describes an error by what the program's text says of it.
func exception(err error) sentry.Exception {
	p, ok := errors.AsType[*panics.Error](err)
	if !ok {
		var types []string
		for e := range errorChain(err) {
			types = append(types, fmt.Sprintf("%T", e))
		}
		return sentry.Exception{Type: types[len(types)-1], Value: strings.Join(types, ": ")}
	}
	e := sentry.Exception{
		Type: "panic", Value: fmt.Sprintf("%T", p.Value),
		Stacktrace: &sentry.Stacktrace{}, Mechanism: &sentry.Mechanism{Type: "panic"},
	}
	if r, ok := p.Value.(runtime.Error); ok {
		e.Value = r.Error() // it holds numbers and types
	}
	for _, f := range slices.Backward(p.Stack) { // Sentry wants the innermost last
		e.Stacktrace.Frames = append(e.Stacktrace.Frames, sentry.NewFrame(f))
	}
	return e
}
