package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-logr/logr"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/client-go/rest"
)

// reviewer answers TokenReviews and SubjectAccessReviews as an API server does.
type reviewer struct {
	requests atomic.Int32
	broken   atomic.Bool
}

// ServeHTTP implements [http.Handler].
func (s *reviewer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	if s.broken.Load() {
		http.Error(w, "etcd is gone", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if strings.HasSuffix(r.URL.Path, "/tokenreviews") {
		var review authenticationv1.TokenReview
		_ = json.NewDecoder(r.Body).Decode(&review)
		review.Status.User.Username, review.Status.Authenticated = strings.CutPrefix(review.Spec.Token, "token-of-")
		review.Status.User.Groups = []string{"system:authenticated"}
		review.Status.User.Extra = map[string]authenticationv1.ExtraValue{"pod": {"prometheus-0"}}
		_ = json.NewEncoder(w).Encode(review)
		return
	}
	var review authorizationv1.SubjectAccessReview
	_ = json.NewDecoder(r.Body).Decode(&review)
	spec := review.Spec
	review.Status.Allowed = spec.User == "prometheus" && spec.Groups[0] == "system:authenticated" && spec.Extra["pod"][0] == "prometheus-0" &&
		*spec.NonResourceAttributes == authorizationv1.NonResourceAttributes{Verb: "get", Path: "/metrics"}
	_ = json.NewEncoder(w).Encode(review)
}

func TestAuthorization(t *testing.T) {
	t.Parallel()
	s := &reviewer{}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	filter, err := requireAuthorization(&rest.Config{Host: server.URL, ContentConfig: rest.ContentConfig{ContentType: "application/json"}}, server.Client())
	if err != nil {
		t.Fatal(err)
	}
	handler, err := filter(logr.Discard(), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("metrics")) }))
	if err != nil {
		t.Fatal(err)
	}
	request := func(method, path, authorization string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
		r.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w
	}
	for _, tt := range []struct {
		method, path, authorization string
		status                      int
		// reviews are the requests to the API server.
		reviews int32
	}{
		{"GET", "/metrics", "", 401, 0},
		{"GET", "/metrics", "Bearer ", 401, 0},
		{"GET", "/metrics", "Basic dG9rZW4tb2YtcHJvbWV0aGV1czo=", 401, 0},
		{"GET", "/metrics", "Bearer invalid", 401, 1},
		{"GET", "/metrics", "Bearer invalid", 401, 0},
		{"GET", "/metrics", "Bearer token-of-stranger", 403, 2},
		{"GET", "/metrics", "Bearer token-of-stranger", 403, 0},
		{"GET", "/metrics", "bearer token-of-prometheus", 200, 2},
		{"GET", "/metrics", "Bearer token-of-prometheus", 200, 0},
		{"POST", "/metrics", "Bearer token-of-prometheus", 403, 2},
		{"GET", "/debug", "Bearer token-of-prometheus", 403, 2},
	} {
		before := s.requests.Load()
		w := request(tt.method, tt.path, tt.authorization)
		if n := s.requests.Load() - before; w.Code != tt.status || n != tt.reviews {
			t.Errorf("%s %s with %q: status %d after %d reviews, want %d after %d", tt.method, tt.path, tt.authorization, w.Code, n, tt.status, tt.reviews)
		}
		if leaks := strings.Contains(w.Body.String(), "metrics"); leaks != (tt.status == 200) {
			t.Errorf("%s %s with %q: %q", tt.method, tt.path, tt.authorization, w.Body)
		}
	}

	// What could not be decided is refused, and not remembered.
	s.broken.Store(true)
	if w := request("GET", "/metrics", "Bearer token-of-other"); w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "etcd") {
		t.Errorf("while the API server fails: status %d, %q", w.Code, w.Body)
	}
	s.broken.Store(false)
	if w := request("GET", "/metrics", "Bearer token-of-other"); w.Code != http.StatusForbidden {
		t.Errorf("once it answers: status %d", w.Code)
	}
}
