package outbound_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/hub/outbound"
)

// call is a request as a server received it.
type call struct{ Method, URI, ContentType, Authorization, Body string }

func TestAPIRequest(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, method, path string
		in                 any
		want               call
	}{
		{name: "no body", method: "GET", path: "/a", want: call{Method: "GET", URI: "/v1/a"}},
		{
			name: "JSON", method: "POST", path: "/a", in: map[string]string{"k": "a<b"},
			want: call{Method: "POST", URI: "/v1/a", ContentType: "application/json", Body: `{"k":"a\u003cb"}`},
		},
		{
			name: "form", method: "POST", path: "/a", in: url.Values{"k": {"a&b"}},
			want: call{Method: "POST", URI: "/v1/a", ContentType: "application/x-www-form-urlencoded", Body: "k=a%26b"},
		},
		{
			name: "bytes", method: "PUT", path: "/a", in: outbound.Bytes("text/csv", []byte("a,b\n")),
			want: call{Method: "PUT", URI: "/v1/a", ContentType: "text/csv", Body: "a,b\n"},
		},
		{
			name: "no bytes", method: "PUT", path: "/a", in: outbound.Bytes("text/csv", nil),
			want: call{Method: "PUT", URI: "/v1/a", ContentType: "text/csv"},
		},
		{
			name: "escaped", method: "GET", path: outbound.WithQuery(outbound.Path("a/b", "c?d", "100%"), url.Values{"q": {"x&y=z"}}),
			want: call{Method: "GET", URI: "/v1/a%2Fb/c%3Fd/100%25?q=x%26y%3Dz"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got call
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				got = call{r.Method, r.RequestURI, r.Header.Get("Content-Type"), r.Header.Get("Authorization"), string(body)}
				if r.ContentLength != int64(len(body)) {
					t.Errorf("Content-Length %d for %d bytes", r.ContentLength, len(body))
				}
				_, _ = io.WriteString(w, `{}`)
			}))
			t.Cleanup(srv.Close)
			api := outbound.API{Name: "There", Base: srv.URL + "/v1", Client: srv.Client(), Authorize: outbound.Bearer(" t0ken\n")}
			if err := api.Call(t.Context(), tt.method, tt.path, tt.in, &struct{}{}); err != nil {
				t.Fatal(err)
			}
			tt.want.Authorization = "Bearer t0ken"
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

// A multipart body announces its size, and can be sent again.
func TestMultipart(t *testing.T) {
	t.Parallel()
	req := actiontest.Inline(t, actiontest.Query(nil, nil), "text/csv", "csv", []byte("a,b\n1,2\n"))
	blob, err := req.Data.Spool(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = blob.Close() })
	body, err := outbound.Multipart(outbound.File{Field: "file", Name: `ä".csv`, ContentType: "text/csv", Blob: blob}, map[string]string{"b": "2", "a": "1"})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		text, err := io.ReadAll(body.Open())
		if err != nil || int64(len(text)) != body.Size {
			t.Fatalf("%d bytes of %d: %v", len(text), body.Size, err)
		}
		_, params, err := mime.ParseMediaType(body.ContentType)
		if err != nil {
			t.Fatal(err)
		}
		form, err := multipart.NewReader(bytes.NewReader(text), params["boundary"]).ReadForm(1000)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string][]string{"a": {"1"}, "b": {"2"}}, form.Value); diff != "" {
			t.Errorf("fields (-want +got):\n%s", diff)
		}
		file := form.File["file"][0]
		if file.Filename != `ä".csv` || file.Header.Get("Content-Type") != "text/csv" || file.Size != blob.Size() {
			t.Errorf("file %q of type %q with %d bytes", file.Filename, file.Header.Get("Content-Type"), file.Size)
		}
	}
}

// A segment that servers would resolve to another resource is not sent.
func TestAPIDotSegments(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t)
	api := outbound.API{Name: "There", Base: "https://api.example.com", Client: actiontest.Deps(t, d, nil).HTTP}
	for _, path := range []string{outbound.Path("lists", ".."), outbound.Path("."), "/a/%2e%2E/b"} {
		if err := api.Call(t.Context(), http.MethodDelete, path, nil, nil); action.KindOf(err) != action.Invalid {
			t.Errorf("%s: error %v", path, err)
		}
	}
	if n := len(d.Requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

// made is a response that has to name what was made.
type made struct{ ID, Problem string }

func (m *made) Validate() error {
	switch {
	case m.Problem != "":
		return action.Errorf(action.Invalid, "There is a problem.")
	case m.ID == "":
		return errors.New("the response has no ID")
	}
	return nil
}

func TestAPIResponse(t *testing.T) {
	t.Parallel()
	const doubt = " There may already have accepted the request. Check before retrying."
	for _, tt := range []struct {
		name    string
		method  string // POST if empty
		reply   actiontest.Reply
		out     any
		want    any
		kind    action.Kind
		message string // of the error, if any
	}{
		{name: "JSON", reply: actiontest.Reply{Body: `{"ID":"1"}`}, out: &made{}, want: &made{ID: "1"}},
		{name: "bytes", reply: actiontest.Reply{Body: "1\n"}, out: new([]byte), want: new([]byte("1\n"))},
		{name: "status", reply: actiontest.Reply{Status: 202, Body: "queued", Header: map[string]string{"X-A": "1"}}, out: &outbound.Head{Want: 202}, want: &outbound.Head{Want: 202, Header: http.Header{"X-A": {"1"}}}},
		{
			name: "another status", reply: actiontest.Reply{Status: 200}, out: &outbound.Head{Want: 202}, want: &outbound.Head{Want: 202, Header: http.Header{}},
			kind: action.Unavailable, message: "Unexpected response from There." + doubt,
		},
		{name: "ignored", reply: actiontest.Reply{Status: 204}},
		{
			name: "no JSON", reply: actiontest.Reply{Body: "<html>"}, out: &made{}, want: &made{},
			kind: action.Unavailable, message: "Unexpected response from There." + doubt,
		},
		{
			name: "no JSON after a request that changes nothing", method: http.MethodGet, reply: actiontest.Reply{Body: "<html>"},
			out: &made{}, want: &made{}, kind: action.Unavailable, message: "Unexpected response from There.",
		},
		{
			name: "a web page", reply: actiontest.Reply{Header: map[string]string{"Content-Type": "text/html"}, Body: "<html>"},
			kind: action.Unavailable, message: "Unexpected response from There." + doubt,
		},
		{
			name: "incomplete", reply: actiontest.Reply{Body: `{}`}, out: &made{}, want: &made{},
			kind: action.Unavailable, message: "Unexpected response from There." + doubt,
		},
		{
			name: "a problem of its own", reply: actiontest.Reply{Body: `{"Problem":"x"}`}, out: &made{}, want: &made{Problem: "x"},
			kind: action.Invalid, message: "There is a problem." + doubt,
		},
		{
			name: "explained", reply: actiontest.Reply{Status: 400, Body: `{"error":"bad"}`}, out: &made{}, want: &made{},
			kind: action.Invalid, message: `There returned 400 Bad Request. It said {"error":"bad"}`,
		},
		{
			name: "rate limited", reply: actiontest.Reply{Status: 429, Header: map[string]string{"Retry-After": "7"}},
			kind: action.RateLimited, message: "There returned 429 Too Many Requests.",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewSocketless().Reply(tt.reply)
			var seen *outbound.StatusError
			api := outbound.API{
				Name: "There", Base: "https://api.example.com", Client: actiontest.Deps(t, d, nil).HTTP,
				Explain: func(err *action.Error, status *outbound.StatusError) error {
					if seen = status; len(status.Body) == 0 {
						return err
					}
					return action.Wrap(err, err.Kind, "%s It said %s", err.Message, status.Body)
				},
			}
			method := http.MethodPost
			if tt.method != "" {
				method = tt.method
			}
			err := api.Call(t.Context(), method, "/", nil, tt.out)
			if diff := cmp.Diff(tt.want, tt.out); diff != "" {
				t.Errorf("response (-want +got):\n%s", diff)
			}
			if tt.message == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if action.KindOf(err) != tt.kind || action.MessageOf(err) != tt.message {
				t.Errorf("error of kind %s: %s", action.KindOf(err), action.MessageOf(err))
			}
			if inDoubt := strings.HasSuffix(tt.message, doubt); errors.Is(err, outbound.ErrInDoubt) != inDoubt {
				t.Errorf("in doubt: %t", !inDoubt)
			}
			if (seen != nil) != (tt.reply.Status >= 300) || seen != nil && seen.Code != tt.reply.Status {
				t.Errorf("Explain was given %v", seen)
			}
			if seen != nil && tt.reply.Header != nil && seen.RetryAfter != 7*time.Second {
				t.Errorf("Retry-After %v", seen.RetryAfter)
			}
		})
	}
}

// A call ends at its own time limit, and an error names the destination.
func TestAPITimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := outbound.API{Name: "There", Base: "https://api.example.com", Client: actiontest.Late(), Timeout: time.Minute}
		start := time.Now()
		err := api.Call(t.Context(), http.MethodPost, "/", nil, nil)
		if action.KindOf(err) != action.Timeout || action.MessageOf(err) != "There did not respond in time." {
			t.Errorf("error %v", err)
		}
		if took := time.Since(start); took != time.Minute {
			t.Errorf("took %v", took)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if err := api.Call(ctx, http.MethodPost, "/", nil, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v after cancellation", err)
		}
	})
}

// No part of a URL that cannot be parsed is in an error: it can hold a secret.
func TestAPIBadURL(t *testing.T) {
	t.Parallel()
	api := outbound.API{Name: "There", Base: "https://api.example.com", Client: actiontest.Late()}
	if err := api.Call(t.Context(), http.MethodGet, "/\x7fs3cret", nil, nil); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("error %v", err)
	}
}

// A call that ends because another one failed has that one's error, which is not explained twice.
func TestExplainedOnce(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	status := &outbound.StatusError{Code: http.StatusUnauthorized}
	first := action.Wrap(status, action.Unauthenticated, "There returned 401: No.")
	cancel(first)
	api := outbound.API{
		Name: "There", Client: &http.Client{}, Base: "https://there.example.com",
		Explain: func(err *action.Error, _ *outbound.StatusError) error {
			return action.Wrap(err, err.Kind, "%s No.", err.Message)
		},
	}
	err := api.Call(ctx, http.MethodGet, "/", nil, nil)
	if got := action.MessageOf(err); got != first.Message {
		t.Errorf("message %q, want %q", got, first.Message)
	}
}
