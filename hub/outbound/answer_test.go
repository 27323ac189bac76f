package outbound_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
)

// answering answers every request with one body.
type answering struct {
	body        io.ReadCloser
	contentType string
}

func (a answering) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_, _ = io.Copy(io.Discard, req.Body)
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {a.contentType}}, Body: a.body, Request: req,
	}, nil
}

// brokenOff is an answer that ends before it is whole.
func brokenOff() io.ReadCloser {
	return io.NopCloser(io.MultiReader(strings.NewReader(`{"ok":`), iotest.ErrReader(io.ErrUnexpectedEOF)))
}

// dripping is an answer that never ends unless it is closed.
func dripping() io.ReadCloser {
	r, w := io.Pipe()
	go func() { _, _ = w.Write([]byte(`{"ok":`)) }()
	return r
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	const (
		doubt  = " There may already have accepted the request. Check before retrying."
		failed = "The connection to There failed."
		late   = "There did not complete its response in time."
		odd    = "Unexpected response from There."
	)
	var anything any
	for name, tt := range map[string]struct {
		method      string
		body        func() io.ReadCloser
		contentType string
		out         any
		kind        action.Kind
		message     string
	}{
		"the status is enough, and it breaks off": {
			method: http.MethodPost, body: brokenOff, contentType: "application/json",
		},
		"the status is enough, and it drips": {
			method: http.MethodPost, body: dripping, contentType: "application/json",
		},
		"the status is enough, of a web page": {
			method: http.MethodPost, body: brokenOff, contentType: "text/html; charset=utf-8",
			kind: action.Unavailable, message: odd + doubt,
		},
		"a write breaks off": {
			method: http.MethodPost, body: brokenOff, out: &anything, kind: action.Unavailable,
			message: failed + doubt,
		},
		"a write drips": {
			method: http.MethodPatch, body: dripping, out: &anything, kind: action.Timeout, message: late + doubt,
		},
		"a write gets a web page": {
			method: http.MethodPut,
			body:   func() io.ReadCloser { return io.NopCloser(strings.NewReader("<html>")) }, out: &anything,
			kind: action.Unavailable, message: odd + doubt,
		},
		"a read breaks off": {
			method: http.MethodGet, body: brokenOff, out: &anything, kind: action.Unavailable, message: failed,
		},
		"a read drips": {
			method: http.MethodGet, body: dripping, out: &anything, kind: action.Timeout, message: late,
		},
		"a read gets a web page": {
			method: http.MethodGet,
			body:   func() io.ReadCloser { return io.NopCloser(strings.NewReader("<html>")) }, out: &anything,
			kind: action.Unavailable, message: odd,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				req, err := http.NewRequestWithContext(t.Context(), tt.method, "https://there.example.com/", strings.NewReader("x"))
				if err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				err = outbound.JSON(&http.Client{Transport: answering{tt.body(), tt.contentType}}, req, "There", tt.out)
				if took := time.Since(start); took > time.Minute {
					t.Errorf("took %v", took)
				}
				if tt.message == "" {
					if err != nil {
						t.Error(err)
					}
					return
				}
				inDoubt := strings.HasSuffix(tt.message, doubt)
				if action.MessageOf(err) != tt.message || action.KindOf(err) != tt.kind || errors.Is(err, outbound.ErrInDoubt) != inDoubt {
					t.Errorf("error %v (%v), want %q", err, action.KindOf(err), tt.message)
				}
			})
		})
	}
}

// A call that says itself what may have happened is not contradicted.
func TestDoubt(t *testing.T) {
	t.Parallel()
	for sentence, want := range map[string]string{
		"It may have been posted.": "Unexpected response from There. It may have been posted.", "": "Unexpected response from There.",
	} {
		req, err := http.NewRequestWithContext(outbound.WithDoubt(t.Context(), sentence), http.MethodPost, "https://there.example.com/", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if got := action.MessageOf(outbound.Unexpected(req, io.EOF, "There")); got != want {
			t.Errorf("message %q, want %q", got, want)
		}
	}
}
