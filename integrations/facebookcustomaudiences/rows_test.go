package facebookcustomaudiences_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	fb "integrationhub.dev/integrations/facebookcustomaudiences"
)

// unreliable fails at every other call, each time with another fault, and rejects people whose ID ends in
// 000. It needs no sockets, so waits take no time under testing/synctest.
type unreliable struct {
	calls    int
	added    map[string]bool
	rejected map[string]bool
}

func (u *unreliable) RoundTrip(req *http.Request) (*http.Response, error) {
	text, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	u.calls++
	switch u.calls % 10 {
	case 1:
		return answer(400, `{"error":{"code":80003}}`), nil
	case 3: // the people are added, but the response is lost
		u.take(text)
		return nil, errors.New("connection reset by peer")
	case 5:
		<-req.Context().Done()
		return nil, req.Context().Err()
	case 7:
		return answer(502, "<html>"), nil
	case 9:
		return answer(200, `{"num_rec`), nil
	}
	received, invalid := u.take(text)
	return answer(200, fmt.Sprintf(`{"num_received":%d,"num_invalid_entries":%d}`, received, invalid)), nil
}

// take stores the people of an upload. Repeated people have no effect.
func (u *unreliable) take(text []byte) (received, invalid int) {
	var b body
	if err := json.Unmarshal(text, &b); err != nil {
		return 0, 0
	}
	for _, person := range b.Payload.Data {
		switch id := person[0]; {
		case strings.HasSuffix(id, "000"):
			u.rejected[id] = true
			invalid++
		default:
			u.added[id] = true
		}
	}
	return len(b.Payload.Data), invalid
}

func answer(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

// The message reports exactly what arrived, with every fault.
func TestInjectedFaults(t *testing.T) {
	t.Parallel()
	const rows = 100_000
	result := bytes.NewBufferString(`{"fields":{"dimensions":[{"name":"u.external_id"},{"name":"u.email"}]},"data":[`)
	for i := range rows {
		if i > 0 {
			result.WriteByte(',')
		}
		if i%4000 == 1 { // no person
			result.WriteString(`{"u.external_id":{"value":null}}`)
			continue
		}
		fmt.Fprintf(result, `{"u.external_id":{"value":%d},"u.email":{"value":"u%d@example.com"}}`, i, i)
	}
	result.WriteString(`]}`)
	synctest.Test(t, func(t *testing.T) {
		meta := &unreliable{added: map[string]bool{}, rejected: map[string]bool{}}
		deps := actiontest.Deps(t, nil, env)
		deps.HTTP = &http.Client{Transport: meta}
		_, err := actiontest.New(t, fb.New, deps).Execute(t.Context(), actiontest.JSONDetail(t, request(nil), result.String()))
		const unidentified, rejected = rows / 4000, rows/1000 - 1 // 0 does not end in 000
		want := fmt.Sprintf("%d of %d rows delivered, %d failed. A row has no value that identifies a person. Facebook could not read all rows.",
			len(meta.added), rows, unidentified+rejected)
		if action.MessageOf(err) != want {
			t.Errorf("message %q\nwant    %q", action.MessageOf(err), want)
		}
		if len(meta.added) != rows-unidentified-rejected || len(meta.rejected) != rejected {
			t.Errorf("%d added, %d rejected", len(meta.added), len(meta.rejected))
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
	rows := bytes.Count(text, []byte(`["`)) - 1 // one is the schema
	d.rows += rows
	return answer(200, fmt.Sprintf(`{"num_received":%d}`, rows)), nil
}

// The memory does not depend on the number of rows. Not parallel: it measures the heap.
func TestMemory(t *testing.T) {
	const rows, most = 200_000, 96 << 20
	req := actiontest.Download(t, request(nil), func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"fields":{"dimensions":[{"name":"u.external_id"},{"name":"u.email"}]},"data":[`)
		for i := range rows {
			_, _ = fmt.Fprintf(w, `{"u.external_id":{"value":%d},"u.email":{"value":"u%d@example.com"}},`, i, i)
		}
		_, _ = io.WriteString(w, `{"u.external_id":{"value":"last"}}]}`)
	})
	meta := &discarding{}
	deps := actiontest.Deps(t, nil, env)
	deps.HTTP = &http.Client{Transport: meta}
	res, err := actiontest.New(t, fb.New, deps).Execute(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := res.Message, fmt.Sprintf("%d rows sent to the audience, by EXTERN_ID, EMAIL.", rows+1); got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	if got, want := meta.rows, rows+1; got != want {
		t.Errorf("%d rows arrived, want %d", got, want)
	}
	if meta.heap > most {
		t.Errorf("%d MiB of heap", meta.heap>>20)
	}
}
