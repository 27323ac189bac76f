package googleadscustomermatch_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/googleadscustomermatch"
)

// unreliable fails at every other upload, each time with another fault. It rejects device IDs that end in
// 000 always, and those that end in 500 once. It needs no sockets, so waits take no time under
// testing/synctest.
type unreliable struct {
	uploads  int
	seen     map[string]bool // that ended in 500
	added    map[string]bool
	rejected map[string]bool
	ran      map[string]bool // the people in the list after the job ran
}

func (u *unreliable) RoundTrip(req *http.Request) (*http.Response, error) {
	text, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	switch path := req.URL.Path; {
	case strings.HasSuffix(path, ":create"):
		return answer(200, `{"resourceName":"`+job+`"}`), nil
	case strings.HasSuffix(path, ":run"):
		u.ran = u.added
		return answer(200, `{}`), nil
	}
	u.uploads++
	switch u.uploads % 10 {
	case 1:
		return answer(429, failed(429, "quotaError", "RESOURCE_TEMPORARILY_EXHAUSTED").Body), nil
	case 3: // the people are added, but the response is lost
		u.take(text)
		return nil, errors.New("connection reset by peer")
	case 5:
		<-req.Context().Done()
		return nil, req.Context().Err()
	case 7:
		return answer(502, "<html>"), nil
	case 9:
		return answer(200, `{"partial`), nil
	}
	return answer(200, u.take(text)), nil
}

// take stores the people of an upload, and responds with the rejected ones. Repeated people have no effect.
func (u *unreliable) take(text []byte) string {
	call, err := parse(text)
	if err != nil {
		return "{}"
	}
	var bad, later []int
	for n, o := range call.Operations {
		id := fmt.Sprint(o.Create.Identifiers[0]["mobile_id"])
		switch {
		case strings.HasSuffix(id, "000"):
			u.rejected[id] = true
			bad = append(bad, n)
		case strings.HasSuffix(id, "500") && !u.seen[id]:
			u.seen[id] = true
			later = append(later, n)
		default:
			u.added[id] = true
		}
	}
	if len(bad)+len(later) == 0 {
		return "{}"
	}
	// A response has both kinds of rejection.
	merged := strings.TrimSuffix(partly("INVALID_MOBILE_ID_FORMAT", bad...), "]}]}}")
	rest := partly("TRANSIENT_ERROR", later...)
	rest = rest[strings.Index(rest, `"errors":[`)+len(`"errors":[`):]
	if len(bad) > 0 && len(later) > 0 {
		merged += ","
	}
	return merged + rest
}

func answer(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

var devices = map[string]string{"mobileDevice": "yes", "mobileAppId": "com.example"}

// The message reports exactly what arrived, with every fault.
func TestInjectedFaults(t *testing.T) {
	t.Parallel()
	const rows = 100_000
	result := bytes.NewBufferString(`[`)
	for i := range rows {
		if i > 0 {
			result.WriteByte(',')
		}
		if i%4000 == 1 { // no person
			result.WriteString(`{"IDFA":null}`)
			continue
		}
		fmt.Fprintf(result, `{"IDFA":%d}`, i)
	}
	result.WriteString(`]`)
	synctest.Test(t, func(t *testing.T) {
		ads := &unreliable{seen: map[string]bool{}, added: map[string]bool{}, rejected: map[string]bool{}}
		deps := actiontest.Deps(t, nil, env)
		deps.HTTP = &http.Client{Transport: ads}
		_, err := actiontest.New(t, googleadscustomermatch.New, deps).Execute(t.Context(), actiontest.JSONDetail(t, request(devices), result.String()))
		const unidentified, rejected = rows / 4000, rows/1000 - 1 // 0 does not end in 000
		want := fmt.Sprintf("%d of %d rows delivered, %d failed. A row has no value that identifies a person. A mobile device ID is not a valid advertising ID of Google or Apple.",
			len(ads.ran), rows, unidentified+rejected)
		if action.MessageOf(err) != want {
			t.Errorf("message %q\nwant    %q", action.MessageOf(err), want)
		}
		if got, want := len(ads.ran), rows-unidentified-rejected; got != want {
			t.Errorf("%d people added, want %d", got, want)
		}
		if got, want := len(ads.rejected), rejected; got != want {
			t.Errorf("%d people rejected, want %d", got, want)
		}
		if got, want := len(ads.seen), 100; got != want {
			t.Errorf("%d people rejected temporarily, want %d", got, want)
		}
	})
}

// discarding stores nothing, and measures the heap.
type discarding struct {
	rows int
	heap uint64
}

func (d *discarding) RoundTrip(req *http.Request) (*http.Response, error) {
	text, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	d.heap = max(d.heap, actiontest.LiveHeap())
	d.rows += bytes.Count(text, []byte(`"hashed_email"`))
	return answer(200, `{"resourceName":"`+job+`"}`), nil
}

// The memory does not depend on the number of rows. Not parallel: it measures the heap.
func TestMemory(t *testing.T) {
	const rows, most = 200_000, 96 << 20
	req := actiontest.Download(t, request(nil), func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `[`)
		for i := range rows {
			_, _ = fmt.Fprintf(w, `{"Users Email":"u%d@example.com"},`, i)
		}
		_, _ = io.WriteString(w, `{"Users Email":"last@example.com"}]`)
	})
	ads := &discarding{}
	deps := actiontest.Deps(t, nil, env)
	deps.HTTP = &http.Client{Transport: ads}
	res, err := actiontest.New(t, googleadscustomermatch.New, deps).Execute(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := res.Message, fmt.Sprintf("%d rows uploaded", rows+1); !strings.HasPrefix(got, want) {
		t.Errorf("message %q, want prefix %q", got, want)
	}
	if got, want := ads.rows, rows+1; got != want {
		t.Errorf("%d rows arrived, want %d", got, want)
	}
	if ads.heap > most {
		t.Errorf("%d MiB of heap", ads.heap>>20)
	}
}
