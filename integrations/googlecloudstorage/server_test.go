//go:build servers

package googlecloudstorage_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/googlecloudstorage"
	"integrationhub.dev/integrations/internal/servertest"
)

// signIn answers in Google's place where the account signs in, which the server does not.
type signIn struct{ storage http.RoundTripper }

func (s signIn) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != "oauth2.googleapis.com" {
		return s.storage.RoundTrip(r)
	}
	_ = r.Body.Close()
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(`{"access_token":"access","token_type":"Bearer","expires_in":3599}`)),
	}, nil
}

// Against fake-gcs-server, which speaks Cloud Storage's API over a folder.
func TestServer(t *testing.T) {
	at := servertest.Address(t)
	host, port, err := net.SplitHostPort(at)
	if err != nil {
		t.Fatal(err)
	}
	endpoint := "http://" + at
	servertest.Start(t, at, nil, servertest.Program(t, "FAKE_GCS_SERVER"), "-scheme", "http", "-host", host, "-port", port,
		"-public-host", at, "-external-url", endpoint, "-filesystem-root", t.TempDir(), "-log-level", "error")
	call := func(method, path, body string) []byte {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, endpoint+path, bytes.NewReader([]byte(body)))
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		answer, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("%s %s: %d %v", method, path, res.StatusCode, err)
		}
		return answer
	}
	call(http.MethodPost, "/storage/v1/b?project=p1", `{"name":"reports"}`)
	deps := servertest.Deps(t, answers{"GOOGLE_CLOUD_STORAGE_ENDPOINT": endpoint})
	deps.HTTP.Transport = signIn{deps.HTTP.Transport}
	servertest.Store{
		Integration: actiontest.New(t, googlecloudstorage.New, deps),
		Params:      params(),
		Part:        8 << 20,
		Form:        answers{"bucket": "reports"},
		All: func(t *testing.T) map[string]servertest.Object {
			t.Helper()
			var list struct {
				Items []struct{ Name, ContentType, ContentEncoding string }
			}
			if err := json.Unmarshal(call(http.MethodGet, "/storage/v1/b/reports/o", ""), &list); err != nil {
				t.Fatal(err)
			}
			all := map[string]servertest.Object{}
			for _, o := range list.Items {
				body := call(http.MethodGet, "/storage/v1/b/reports/o/"+url.PathEscape(o.Name)+"?alt=media", "")
				all[o.Name] = servertest.Object{Body: string(body), Type: o.ContentType, Encoding: o.ContentEncoding}
			}
			return all
		},
	}.Deliver(t)
}
