package outbound

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// A download URL works once for whoever has it: a host that Looker redirects to must not see it.
func TestNoReferer(t *testing.T) {
	t.Parallel()
	var referer []string
	mux := http.NewServeMux()
	mux.Handle("/secret", http.RedirectHandler("/next", http.StatusFound))
	mux.HandleFunc("/next", func(_ http.ResponseWriter, r *http.Request) { referer = r.Header["Referer"] })
	srv := httptest.NewServer(mux)
	defer srv.Close()
	c := NewClient(Options{Policy: Policy{AllowLoopback: true}, FollowRedirects: true})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+"/secret?token=x", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.Request.URL.Path != "/next" || referer != nil {
		t.Errorf("%s was asked with the Referer %q", res.Request.URL.Path, referer)
	}
}

// A few kilobytes of gzip can hold hundreds of megabytes.
func TestCompressionOff(t *testing.T) {
	t.Parallel()
	var asked []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header.Get("Accept-Encoding"))
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write([]byte("not gzip"))
	}))
	defer srv.Close()
	c := NewClient(Options{Policy: Policy{AllowLoopback: true}, DisableCompression: true})
	for _, ctx := range []func(*http.Request) *http.Request{
		func(r *http.Request) *http.Request { return r },
		func(r *http.Request) *http.Request { return r.WithContext(WithFreshConnection(r.Context())) },
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := c.Do(ctx(req))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.Uncompressed {
			t.Error("the body was decompressed")
		}
	}
	if len(asked) != 2 || asked[0] != "" || asked[1] != "" {
		t.Errorf("asked for %q", asked)
	}
}
