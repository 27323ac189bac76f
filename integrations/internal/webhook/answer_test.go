package webhook_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/webhook"
)

// receiver takes some of the data, or all of it, and answers 200 with a body. With later, it
// takes the rest after that.
type receiver struct {
	takes int64
	later chan struct{}
	body  io.ReadCloser
}

func (r receiver) RoundTrip(req *http.Request) (*http.Response, error) {
	if r.takes > 0 {
		_, _ = io.CopyN(io.Discard, req.Body, r.takes)
	} else {
		_, _ = io.Copy(io.Discard, req.Body)
	}
	if r.later != nil {
		go func() {
			<-r.later
			_, _ = io.Copy(io.Discard, req.Body)
		}()
	}
	return &http.Response{StatusCode: http.StatusOK, Body: r.body, Request: req}, nil
}

// silent is an answer's body that never ends unless it is closed.
func silent() io.ReadCloser {
	r, _ := io.Pipe()
	return r
}

// Once a receiver that took all of the data has said 200, its answer's body does not matter:
// an error would make the user send the data twice.
func TestAnswerDoesNotMatter(t *testing.T) {
	t.Parallel()
	broken := func() io.ReadCloser {
		return io.NopCloser(io.MultiReader(strings.NewReader("{"), iotest.ErrReader(io.ErrUnexpectedEOF)))
	}
	const early = "there responded before it had received all of the data."
	for name, tt := range map[string]struct {
		receiver receiver
		message  string
	}{
		"breaks off":                        {receiver{body: broken()}, ""},
		"never ends":                        {receiver{body: silent()}, ""},
		"breaks off before the data":        {receiver{takes: 3, body: broken()}, early},
		"never ends, and stops reading":     {receiver{takes: 3, body: silent()}, "there did not respond in time."},
		"never ends, and takes it all late": {receiver{takes: 3, body: silent(), later: make(chan struct{})}, ""},
	} {
		for length, size := range map[string]int64{"": 0, ", with a length": 6} {
			t.Run(name+length, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					r := tt.receiver
					if _, pipe := r.body.(*io.PipeReader); pipe {
						r.body = silent()
					}
					if r.later != nil {
						r.later = make(chan struct{})
						time.AfterFunc(10*time.Second, func() { close(r.later) })
					}
					ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, action.Errorf(action.Timeout, "there did not respond in time."))
					defer cancel()
					req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://there.example.com/", http.NoBody)
					if err != nil {
						t.Fatal(err)
					}
					req.ContentLength = size
					start := time.Now()
					status, err := webhook.Send(&http.Client{Transport: r}, req, strings.NewReader("abcdef"), "there")
					switch took := time.Since(start); {
					case tt.message != "":
						if action.MessageOf(err) != tt.message {
							t.Errorf("error %v, want %q", err, tt.message)
						}
					case err != nil || status != http.StatusOK || took > 15*time.Second:
						t.Errorf("status %d, error %v after %v", status, err, took)
					}
				})
			})
		}
	}
}

// The error of the data is returned, regardless of the receiver's response.
func TestDataBreaksOff(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://there.example.com/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	data := io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(broken))
	_, err = webhook.Send(&http.Client{Transport: receiver{body: http.NoBody}}, req, data, "there")
	if !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}
