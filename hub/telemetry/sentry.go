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

// bugReporter reports bugs to Sentry: panics and unclassified errors. A nil one reports nothing.
//
// A report contains the place in the code, the integration, and the request_id of the log lines.
// Unexpected errors may quote data, and Sentry is usually another company's service, so a report
// contains neither the error text nor any part of the request.
type bugReporter struct {
	client *sentry.Client
}

// newBugReporter creates a reporter, or nil if no project is configured. The egress policy does not
// apply to Sentry, which the administrator chooses.
func newBugReporter(c config.Config, version string, roots *x509.CertPool) (*bugReporter, error) {
	if c.SentryDSN == "" {
		return nil, nil //nolint:nilnil // a nil reporter is valid
	}
	client, err := sentry.NewClient(sentry.ClientOptions{
		Dsn: c.SentryDSN.Reveal(), Environment: c.SentryEnvironment, Release: "integration-hub@" + version,
		HTTPTransport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			IdleConnTimeout: time.Minute,
		},
		// The default integrations add details of the process and its environment.
		Integrations: func([]sentry.Integration) []sentry.Integration { return nil },
	})
	if err != nil { // the error quotes the DSN
		return nil, errors.New("SENTRY_DSN is not a valid Sentry DSN")
	}
	return &bugReporter{client}, nil
}

// flush sends pending reports, until ctx ends.
func (b *bugReporter) flush(ctx context.Context) {
	if b != nil {
		b.client.FlushWithContext(ctx)
		b.client.Close()
	}
}

// report reports a request's error if it is a bug. Refused requests have no error kind either, but a
// different status.
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

// exception describes an error without its text.
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
		e.Value = r.Error() // contains only numbers and types
	}
	for _, f := range slices.Backward(p.Stack) { // Sentry expects the innermost frame last
		e.Stacktrace.Frames = append(e.Stacktrace.Frames, sentry.NewFrame(f))
	}
	return e
}
