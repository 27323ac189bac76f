package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// client talks to a receiver of its own.
type client struct{ url string }

func newClient(t *testing.T) client {
	t.Helper()
	srv := httptest.NewServer(newReceiver().handler())
	t.Cleanup(srv.Close)
	return client{srv.URL}
}

// call returns the status, or 0 if the connection broke, and what could be read of the body.
func (c client) call(t *testing.T, method, path string, body io.Reader) (int, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, c.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	return res.StatusCode, string(answer), err
}

func (c client) deliveries(t *testing.T, query ...string) []delivery {
	t.Helper()
	_, text, err := c.call(t, http.MethodGet, "/deliveries"+strings.Join(query, ""), nil)
	var all []delivery
	if err = errors.Join(err, json.Unmarshal([]byte(text), &all)); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestDeliveries(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	if status, _, err := c.call(t, http.MethodPost, "/hooks/a", strings.NewReader("data")); status != http.StatusOK {
		t.Fatal(status, err)
	}
	all := c.deliveries(t)
	sum := sha256.Sum256([]byte("data"))
	if len(all) != 1 {
		t.Fatalf("%d deliveries, want 1", len(all))
	}
	type kept struct {
		Path, SHA256 string
		Size         int64
		Complete     bool
	}
	got := kept{Path: all[0].Path, SHA256: all[0].SHA256, Size: all[0].Size, Complete: all[0].Complete}
	if diff := cmp.Diff(kept{Path: "/hooks/a", SHA256: hex.EncodeToString(sum[:]), Size: 4, Complete: true}, got); diff != "" {
		t.Errorf("delivery (-want +got):\n%s", diff)
	}
	if all[0].Header.Get("User-Agent") == "" {
		t.Error("the request's headers were not kept")
	}
	if _, body, err := c.call(t, http.MethodGet, "/deliveries/0", nil); body != "data" {
		t.Errorf("%q %v", body, err)
	}
	if status, _, err := c.call(t, http.MethodGet, "/deliveries/1", nil); status != http.StatusNotFound {
		t.Error(status, err)
	}
	if status, _, err := c.call(t, http.MethodDelete, "/deliveries", nil); status != http.StatusOK {
		t.Error(status, err)
	}
	if all := c.deliveries(t); len(all) != 0 {
		t.Errorf("%+v", all)
	}
}

func TestDeliveriesByPath(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for path, body := range map[string]string{"/hooks/a": "first", "/hooks/b": "second"} {
		if status, _, err := c.call(t, http.MethodPost, path, strings.NewReader(body)); status != http.StatusOK {
			t.Fatal(status, err)
		}
	}
	for query, want := range map[string][]string{
		"?path=/hooks/b&bodies=true": {"second"}, "?path=/hooks/b": {""}, "": {"", ""}, "?path=/hooks/c": nil,
	} {
		var bodies []string
		for _, d := range c.deliveries(t, query) {
			bodies = append(bodies, string(d.Body))
		}
		if diff := cmp.Diff(want, bodies); diff != "" {
			t.Errorf("%q (-want +got):\n%s", query, diff)
		}
	}
}

// blockedClient reads its response only until it is released.
type blockedClient struct {
	*httptest.ResponseRecorder
	begun, release chan struct{}
}

func (c *blockedClient) Write(b []byte) (int, error) {
	close(c.begun)
	<-c.release
	return len(b), nil
}

// A list that is read slowly delays no delivery.
func TestDeliveryDuringList(t *testing.T) {
	t.Parallel()
	r := newReceiver()
	slow := &blockedClient{httptest.NewRecorder(), make(chan struct{}), make(chan struct{})}
	listed, delivered := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(listed)
		r.handler().ServeHTTP(slow, httptest.NewRequest(http.MethodGet, "/deliveries", nil))
	}()
	<-slow.begun
	go func() {
		defer close(delivered)
		r.handler().ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/hooks/a", strings.NewReader("data")))
	}()
	select {
	case <-delivered:
	case <-time.After(10 * time.Second):
		t.Error("the delivery waits for the list")
	}
	close(slow.release)
	<-listed
}

// The kubelet's probe is answered whatever the receiver is busy with. If it were not, the receiver's Service
// would refuse connections.
func TestReadinessWhileBusy(t *testing.T) {
	t.Parallel()
	manifest, err := os.ReadFile("receiver.yaml")
	if err != nil {
		t.Fatal(err)
	}
	probe := regexp.MustCompile(`readinessProbe: {httpGet: {path: ([^,]+),`).FindSubmatch(manifest)
	if probe == nil {
		t.Fatal("receiver.yaml has no readiness probe")
	}
	r := newReceiver()
	r.mu.Lock()
	defer r.mu.Unlock()
	answered := make(chan int, 1)
	go func() {
		answer := httptest.NewRecorder()
		r.handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, string(probe[1]), nil))
		answered <- answer.Code
	}()
	select {
	case status := <-answered:
		if status != http.StatusOK {
			t.Errorf("status %d", status)
		}
	case <-time.After(10 * time.Second):
		t.Error("no answer")
	}
}

// What is too long to be kept is still counted and hashed to its end.
func TestLongDelivery(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	body := bytes.Repeat([]byte("x"), maxBody+1)
	if status, _, err := c.call(t, http.MethodPost, "/hooks/long", bytes.NewReader(body)); status != http.StatusOK {
		t.Fatal(status, err)
	}
	sum := sha256.Sum256(body)
	if d := c.deliveries(t)[0]; d.Size != maxBody+1 || d.SHA256 != hex.EncodeToString(sum[:]) || !d.Complete {
		t.Errorf("%+v", d)
	}
}

func TestBrokenDelivery(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	broken := io.MultiReader(strings.NewReader("half"), iotest.ErrReader(io.ErrUnexpectedEOF))
	if status, _, err := c.call(t, http.MethodPost, "/hooks/broken", broken); err == nil {
		t.Fatalf("it was answered with %d", status)
	}
	for range 100 { // the server learns of it in its own time
		if all := c.deliveries(t); len(all) == 1 {
			if all[0].Complete || all[0].Size > 4 {
				t.Errorf("%+v", all[0])
			}
			return
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-t.Context().Done():
		}
	}
	t.Error("it was not recorded")
}

func TestMisbehaviour(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for path, want := range map[string]int{"/status/503": 503, "/status/x": 400, "/slow/1ms": 200, "/slow/x": 400, "/reset": 0} {
		if status, _, err := c.call(t, http.MethodPost, path, strings.NewReader("data")); status != want {
			t.Errorf("%s: %d, %v", path, status, err)
		}
	}
}

func TestDownloads(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for _, id := range []string{"a", "b"} {
		if status, _, err := c.call(t, http.MethodPut, "/downloads/"+id, strings.NewReader("result")); status != http.StatusOK {
			t.Fatal(status, err)
		}
	}
	for _, tt := range []struct {
		path   string
		status int
		body   string
		broken bool
	}{
		{path: "/downloads/a?status=403", status: http.StatusForbidden, body: "<html>This download is refused.</html>\n"},
		{path: "/downloads/a", status: http.StatusOK, body: "result"},
		{path: "/downloads/a", status: http.StatusNotFound, body: "<html>This download is no longer there.</html>\n"},
		{path: "/downloads/b?cut=3", status: http.StatusOK, body: "res", broken: true},
	} {
		status, body, err := c.call(t, http.MethodGet, tt.path, nil)
		if status != tt.status || body != tt.body || (err != nil) != tt.broken {
			t.Errorf("%s: %d %q %v", tt.path, status, body, err)
		}
	}
}
