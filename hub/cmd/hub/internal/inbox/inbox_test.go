package inbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// deliver sends a request to the inbox.
func deliver(t *testing.T, i *Inbox, contentType string, body io.Reader) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/orders?x=1", body)
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	i.receiver().ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("the inbox returned %d: %s", w.Code, w.Body)
	}
}

// view asks for a page below the inbox's secret path.
func view(t *testing.T, i *Inbox, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	i.viewer().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, i.Path()+path, http.NoBody))
	return w
}

// IDs of the deliveries that are kept.
func ids(i *Inbox) []int {
	var list []int
	deliveries, _ := i.since(0)
	for _, d := range deliveries {
		list = append(list, d.ID)
	}
	return list
}

// What is kept is bounded in number and in bytes: the oldest go first.
func TestBounds(t *testing.T) {
	t.Parallel()
	i := New(t.TempDir())
	for range maxDeliveries + 3 {
		deliver(t, i, "text/plain", strings.NewReader("x"))
	}
	if got := ids(i); len(got) != maxDeliveries || got[0] != 4 {
		t.Errorf("got %d deliveries from #%d on", len(got), got[0])
	}

	const size = 1 << 20 // past what the spool keeps in memory
	i = New(t.TempDir())
	i.spool.Limit = 5 * size / 2
	body := bytes.Repeat([]byte("y"), size)
	deliver(t, i, "text/plain", bytes.NewReader(body))
	deliver(t, i, "text/plain", bytes.NewReader(body))
	_, done, _ := i.open(2)
	deliver(t, i, "text/plain", bytes.NewReader(body))
	if diff := cmp.Diff([]int{2, 3}, ids(i)); diff != "" {
		t.Errorf("two have room (-want +got):\n%s", diff)
	}
	done()
	deliver(t, i, "text/plain", bytes.NewReader(bytes.Repeat(body, 3)))
	list, _ := i.since(3)
	if len(list) != 1 {
		t.Fatalf("%d deliveries, want the one that is too large", len(list))
	}
	if large := list[0]; large.Size != 3*size || large.body != nil {
		t.Errorf("size %d is kept, body %v, want the size %d only", large.Size, large.body != nil, 3*size)
	}
	if problem := list[0].Problem; !strings.HasPrefix(problem, "The body was not stored: ") {
		t.Errorf("the inbox says %q", problem)
	}
	if got := view(t, i, "4/body").Code; got != http.StatusGone {
		t.Errorf("its body: got status %d", got)
	}
	i.clear()
	if used := i.spool.Used(); used != 0 {
		t.Errorf("%d bytes are still in use", used)
	}
}

// A body stays readable while somebody reads it, though its delivery is no longer kept.
func TestReadersKeepTheBody(t *testing.T) {
	t.Parallel()
	i := New(t.TempDir())
	body := bytes.Repeat([]byte("z"), 1<<20)
	deliver(t, i, "text/plain", bytes.NewReader(body))
	d, done, _ := i.open(1)
	i.clear()
	if got, err := io.ReadAll(d.body.Reader()); err != nil || !bytes.Equal(got, body) {
		t.Errorf("got %d bytes and the error %v", len(got), err)
	}
	done()
	if used := i.spool.Used(); used != 0 {
		t.Errorf("%d bytes are still in use", used)
	}
}

// A delivery that breaks off is shown as one that did.
func TestBrokenOff(t *testing.T) {
	t.Parallel()
	i := New(t.TempDir())
	deliver(t, i, "text/csv", io.MultiReader(strings.NewReader("a,b\n1,2\n"), iotest.ErrReader(errors.New("cut"))))
	page := view(t, i, "1").Body.String()
	for _, want := range []string{"Incomplete.", "The body is incomplete: cut.", "<td>1</td>"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
}

// Whatever is delivered is shown as text: it cannot act in the browser.
func TestHostileDelivery(t *testing.T) {
	t.Parallel()
	i := New(t.TempDir())
	const evil = `<script>alert(1)</script>`
	deliver(t, i, "text/html", strings.NewReader(evil))
	deliver(t, i, "text/csv", strings.NewReader(evil+",b\n"+evil+",2\n"))
	deliver(t, i, "application/json", strings.NewReader(`[{"`+evil+`":"`+evil+`"}]`))
	deliver(t, i, evil, strings.NewReader("\x00\x01"))
	for _, path := range []string{"", "1", "2", "3", "4"} {
		w := view(t, i, path)
		if strings.Contains(w.Body.String(), "<script>") || w.Code != http.StatusOK {
			t.Errorf("page %q, status %d:\n%s", path, w.Code, w.Body)
		}
		if got := w.Header().Get("Content-Security-Policy"); strings.Contains(got, "unsafe") || !strings.Contains(got, "default-src 'none'") {
			t.Errorf("page %q has the policy %q", path, got)
		}
	}
	body := view(t, i, "1/body")
	if body.Header().Get("Content-Type") != "application/octet-stream" || !strings.HasPrefix(body.Header().Get("Content-Disposition"), "attachment") {
		t.Errorf("the body would be shown as a page: %v", body.Header())
	}
	if body.Body.String() != evil {
		t.Errorf("the body is not what was delivered: %q", body.Body)
	}
}

// Without the secret in the path there is nothing to read, and nothing to deliver to.
func TestSecretPath(t *testing.T) {
	t.Parallel()
	i := New(t.TempDir())
	deliver(t, i, "text/plain", strings.NewReader("x"))
	for _, path := range []string{"/", "/1", "/deliveries.json", "/x/", "/x/1/body", "/inbox.css"} {
		w := httptest.NewRecorder()
		i.viewer().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
		if w.Code != http.StatusNotFound {
			t.Errorf("%s: got status %d", path, w.Code)
		}
	}
	w := httptest.NewRecorder()
	i.viewer().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, i.Path(), strings.NewReader("x")))
	if w.Code != http.StatusMethodNotAllowed || len(ids(i)) != 1 {
		t.Errorf("a page's address takes deliveries: status %d", w.Code)
	}
	w = httptest.NewRecorder()
	i.receiver().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, i.Path(), http.NoBody))
	if w.Code != http.StatusMethodNotAllowed || strings.Contains(w.Body.String(), "#1") {
		t.Errorf("the deliveries' address shows them: status %d", w.Code)
	}
	for _, file := range []string{"base.css", "inbox.css", "live.js"} {
		if got := view(t, i, file); got.Code != http.StatusOK || got.Body.Len() == 0 {
			t.Errorf("%s: status %d", file, got.Code)
		}
	}
}

// Whoever waits hears of the next delivery at once, or after a while that there was none.
func TestWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := New(t.TempDir())
		poll := func() (took time.Duration, n int) {
			start := time.Now()
			var list []Delivery
			if err := json.Unmarshal(view(t, i, "deliveries.json?wait=1").Body.Bytes(), &list); err != nil {
				t.Error(err)
			}
			return time.Since(start), len(list)
		}
		if took, n := poll(); took != pollTimeout || n != 0 {
			t.Errorf("without deliveries: %d after %s", n, took)
		}
		go func() {
			time.Sleep(time.Second)
			deliver(t, i, "text/plain", strings.NewReader("x"))
		}()
		if took, n := poll(); took != time.Second || n != 1 {
			t.Errorf("with one after a second: %d after %s", n, took)
		}
	})
}
