package payload_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/payload"
)

func decode(t testing.TB, text string) *payload.Envelope {
	t.Helper()
	e, err := payload.Decode(iotest.OneByteReader(strings.NewReader(text)), (&payload.Spool{Dir: t.TempDir()}).Share(t.Context()))
	if err != nil {
		t.Fatalf("decoding %s: %v", text, err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

func body(t testing.TB, e *payload.Envelope) string {
	t.Helper()
	r, err := e.Data(nil).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestDecode(t *testing.T) {
	t.Parallel()
	e := decode(t, `{"type":"query","scheduled_plan":{"scheduled_plan_id":12,"title":"T","query_id":"17","unknown":[1,{"a":"]"}],"query":{"model":"shop","view":"orders","limit":"500"}},
		"attachment":{"extension":"csv","data":"a,b\n\"\u00e4\ud83d\ude00\",\u0000x","mimetype":"text/csv"},
		"data":{"value":null,"n":5,"flag":true,"s":"x"},"form_params":null,"state_url":"https://looker.example.com/s"} `)
	if *e.Type != "query" {
		t.Errorf("type %q", *e.Type)
	}
	plan := map[string]string{"id": string(e.Plan.ID), "query": string(e.Plan.QueryID), "title": e.Plan.Title, "model": e.Plan.Query.Model, "view": e.Plan.Query.View}
	if diff := cmp.Diff(map[string]string{"id": "12", "query": "17", "title": "T", "model": "shop", "view": "orders"}, plan); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
	want := map[string]string{"n": "5", "flag": "true", "s": "x", "state_url": "https://looker.example.com/s"}
	if diff := cmp.Diff(want, e.Params); diff != "" {
		t.Errorf("params (-want +got):\n%s", diff)
	}
	if got := body(t, e); got != "a,b\n\"ä😀\",\x00x" {
		t.Errorf("data %q", got)
	}
}

func TestHiddenFields(t *testing.T) {
	t.Parallel()
	for config, want := range map[string][]string{
		`{"type":"table","hidden_fields":["o.day","o.n"]}`: {"o.day", "o.n"},
		`{"hidden_fields":null}`:                           nil,
		`{"hidden_fields":{"o.day":true}}`:                 nil,
		`null`:                                             nil,
		`"table"`:                                          nil,
	} {
		e := decode(t, `{"scheduled_plan":{"query":{"vis_config":`+config+`,"view":"orders"},"title":"T"}}`)
		if diff := cmp.Diff(want, e.Plan.Query.VisConfig.HiddenFields); diff != "" || e.Plan.Query.View != "orders" || e.Plan.Title != "T" {
			t.Errorf("%s: plan %+v (-want +got):\n%s", config, e.Plan, diff)
		}
	}
}

func TestDecodeTypes(t *testing.T) {
	t.Parallel()
	if e := decode(t, `{}`); e.Type != nil {
		t.Errorf("absent type is %q", *e.Type)
	}
	if e := decode(t, `{"type":null}`); e.Type == nil || *e.Type != "" {
		t.Errorf("null type is %v", e.Type)
	}
	if e := decode(t, `{"attachment":null,"scheduled_plan":null,"data":"text"}`); e.Attachment != nil || len(e.Params) != 0 {
		t.Errorf("nulls gave %+v", e)
	}
}

func TestBinaryBeforeItsType(t *testing.T) {
	t.Parallel()
	want := strings.Repeat("\x00\xff binary ", 100_000) // past the memory threshold
	text := base64.StdEncoding.EncodeToString([]byte(want))
	for _, order := range []string{
		`{"attachment":{"mimetype":"application/pdf;base64","extension":"pdf","data":"` + text + `"}}`,
		`{"attachment":{"data":"` + text + `","extension":"pdf","mimetype":"application/pdf;base64"}}`,
		`{"attachment":{"data":"` + strings.TrimRight(text, "=") + `","mimetype":"application/pdf;base64"}}`,
	} {
		dir := t.TempDir()
		spool := &payload.Spool{Dir: dir}
		e, err := payload.Decode(strings.NewReader(order), spool.Share(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		if got := body(t, e); got != want {
			t.Errorf("%d bytes arrived, want %d", len(got), len(want))
		}
		if files, _ := os.ReadDir(dir); len(files) != 0 {
			t.Errorf("the spool left %v", files)
		}
		if spool.Used() == 0 {
			t.Error("the data was not spooled to a file")
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		if spool.Used() != 0 {
			t.Errorf("%d bytes of the spool were not given back", spool.Used())
		}
	}
}

func TestBase64(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"+/+/": "\xfb\xff\xbf", "-_-_": "\xfb\xff\xbf", "YQ==": "a", "YQ": "a", `YW\r\nJj \tZA`: "abcd", "": "",
	} {
		if got := body(t, decode(t, `{"attachment":{"mimetype":"application/pdf;base64","data":"`+text+`"}}`)); got != want {
			t.Errorf("%q gave %q, want %q", text, got, want)
		}
	}
	for _, text := range []string{"AAAA*AAA", "AAAAA", `AAAA\u0000`, "AAAAé"} {
		r, err := decode(t, `{"attachment":{"mimetype":"application/pdf;base64","data":"`+text+`"}}`).Data(nil).Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(r); action.KindOf(err) != action.Invalid {
			t.Errorf("%q was taken for whole data: %v", text, err)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		``, ` `, `null`, `[]`, `"x"`, `{`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,}`, `{"a":1}x`, `{a:1}`, `{"a" 1}`,
		`{"type":}`, `{"type":tru}`, `{"data":{"a":}}`, `{"attachment":{"data":"abc`, `{"attachment":{"data":"a\x"}}`,
		"{\"attachment\":{\"data\":\"a\nb\"}}", `{"attachment":{"data":"\u12g4"}}`, `{"scheduled_plan":{"title":"x"]}`,
		`{"x":` + strings.Repeat("[", 5000),
	} {
		spool := &payload.Spool{Dir: t.TempDir()}
		_, err := payload.Decode(strings.NewReader(text), spool.Share(t.Context()))
		if _, ok := errors.AsType[*payload.SyntaxError](err); !ok {
			t.Errorf("%.40q: error %v, want a syntax error", text, err)
		}
	}
}

func TestDecodeLimits(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("x", 5<<20)
	spool := &payload.Spool{Dir: t.TempDir(), Limit: 1 << 20}
	if _, err := payload.Decode(strings.NewReader(`{"data":{"a":"`+big+`"}}`), spool.Share(t.Context())); !errors.Is(err, payload.ErrTooLarge) {
		t.Errorf("large settings: %v", err)
	}
	if _, err := payload.Decode(strings.NewReader(`{"attachment":{"mimetype":"text/csv","data":"`+big+`"}}`), spool.Share(t.Context())); action.KindOf(err) != action.TooLarge {
		t.Errorf("more than the spool holds: %v", err)
	}
	if spool.Used() != 0 {
		t.Errorf("%d bytes were not given back", spool.Used())
	}
	broken := io.MultiReader(strings.NewReader(`{"attachment":{"data":"`+big[:400<<10]), iotest.ErrReader(io.ErrClosedPipe))
	if _, err := payload.Decode(broken, spool.Share(t.Context())); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a broken connection: %v", err)
	}
	if spool.Used() != 0 {
		t.Errorf("%d bytes were not given back", spool.Used())
	}
}

// FuzzDecode holds the scanner against encoding/json: what the library accepts the scanner
// accepts, with the same data; what the scanner accepts and the library refuses may only be
// in parts that nobody looks at.
func FuzzDecode(f *testing.F) {
	f.Add(`{"type":"query","attachment":{"mimetype":"text/csv","data":"a\u00e4\ud83d\ude00\ud800x"}}`)
	f.Add(`{"attachment":{"data":{"a":[1,"]"]},"mimetype":"application/json"},"data":{"a":1}}`)
	f.Add(`{"attachment":{"data":null},"attachment":{"data":"\\\"\/\b","mimetype":"x"}}`)
	f.Add(`{"form_params":{"a":"b"},"state_url":5}`)
	f.Fuzz(func(t *testing.T, text string) {
		e, err := payload.Decode(strings.NewReader(text), (&payload.Spool{Dir: t.TempDir()}).Share(t.Context()))
		if err == nil {
			defer e.Close()
		}
		var want struct {
			Attachment map[string]json.RawMessage `json:"attachment"`
		}
		if json.Unmarshal([]byte(text), &want) != nil || !json.Valid([]byte(text)) {
			return
		}
		var keys map[string]json.RawMessage
		if json.Unmarshal([]byte(text), &keys) != nil || keys == nil {
			return
		}
		if err != nil {
			if errors.Is(err, payload.ErrTooLarge) || strings.Count(text, "[")+strings.Count(text, "{") > 1000 || len(text) > 400 {
				return
			}
			t.Fatalf("the library takes %q, the scanner says %v", text, err)
		}
		// Looking keys up without regard to case is the library's habit alone.
		var data string
		raw, ok := keys["attachment"]
		if !ok || strings.Count(strings.ToLower(text), "attachment") != 1 || strings.Count(strings.ToLower(text), `data"`) != 1 {
			return
		}
		var attachment map[string]json.RawMessage
		if json.Unmarshal(raw, &attachment) != nil || json.Unmarshal(attachment["data"], &data) != nil || e.Attachment == nil || e.Attachment.Data == nil {
			return
		}
		got, err := io.ReadAll(e.Attachment.Data.Reader())
		if err != nil {
			t.Fatal(err)
		}
		if valid := bytes.ToValidUTF8(got, []byte("\ufffd")); string(valid) != string(bytes.ToValidUTF8([]byte(data), []byte("\ufffd"))) && bytes.Equal(valid, got) {
			t.Errorf("%q: data %q, the library says %q", text, got, data)
		}
	})
}

func BenchmarkDecodeCSV(b *testing.B) {
	benchmark(b, "text/csv", strings.Repeat("2026-11-23,ACME,1234.50,some text here\\n", 500_000))
}

func BenchmarkDecodeJSONDetail(b *testing.B) {
	benchmark(b, "application/json", strings.Repeat(`{\"orders.day\":{\"value\":\"2026-11-23\"},\"orders.count\":{\"value\":17,\"rendered\":\"17\"}},`, 200_000))
}

func benchmark(b *testing.B, mime, data string) {
	b.Helper()
	text := `{"type":"query","attachment":{"mimetype":"` + mime + `","extension":"x","data":"` + data + `"}}`
	spool := &payload.Spool{Dir: b.TempDir()}
	perCore(b, len(text))
	b.ReportAllocs()
	for b.Loop() {
		e, err := payload.Decode(strings.NewReader(text), spool.Share(b.Context()))
		if err != nil {
			b.Fatal(err)
		}
		_ = e.Close()
	}
}

// TestSpoolStops: a payload larger than the destination takes is refused, however it came,
// and gives its space back; one of just that size is not.
func TestSpoolStops(t *testing.T) {
	t.Parallel()
	const size = 1 << 20
	body := strings.Repeat("x", size)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }))
	t.Cleanup(srv.Close)
	for name, envelope := range map[string]string{
		"text":     `{"attachment":{"mimetype":"text/csv","data":"` + body + `"}}`,
		"base64":   `{"attachment":{"mimetype":"text/csv;base64","data":"` + base64.StdEncoding.EncodeToString([]byte(body)) + `"}}`,
		"download": `{"scheduled_plan":{"download_url":"` + srv.URL + `"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for most, fits := range map[int64]bool{size: true, size - 1: false} {
				spool := &payload.Spool{Dir: t.TempDir()}
				e, err := payload.Decode(strings.NewReader(envelope), spool.Share(t.Context()))
				if err != nil {
					t.Fatal(err)
				}
				before := spool.Used()
				blob, err := e.Data(&payload.Downloader{Client: srv.Client(), Timeout: time.Minute}).Spool(t.Context(), most)
				switch {
				case fits && err != nil:
					t.Errorf("at most %d bytes: %v", most, err)
				case fits && blob.Size() != size:
					t.Errorf("at most %d bytes: %d arrived", most, blob.Size())
				case !fits && action.KindOf(err) != action.TooLarge:
					t.Errorf("at most %d bytes: error %v, want too large", most, err)
				case !fits && spool.Used() != before:
					t.Errorf("at most %d bytes: %d bytes of the spool were not given back", most, spool.Used()-before)
				}
			}
		})
	}
}

// TestSpoolFullIsNoFault: the Looker user reads that there is no room, and that it may work later.
func TestSpoolFullIsNoFault(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", 3<<19))
	}))
	t.Cleanup(srv.Close)
	spool := &payload.Spool{Dir: t.TempDir(), Limit: 3 << 20}
	e, err := payload.Decode(strings.NewReader(`{"scheduled_plan":{"download_url":"`+srv.URL+`"}}`), spool.Share(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		other := spool.Share(t.Context()).Create()
		if _, err := other.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(other.Abort)
	}
	_, err = e.Data(&payload.Downloader{Client: srv.Client(), Timeout: time.Minute}).Spool(t.Context(), 1<<30)
	if action.KindOf(err) != action.Unavailable || !strings.Contains(action.MessageOf(err), "no storage left") {
		t.Errorf("error %v (%v)", err, action.KindOf(err))
	}
}

// perCore reports a rate by the processor time spent, which other programs on the machine do
// not change as they change the time that passes.
func perCore(b *testing.B, bytes int) {
	b.Helper()
	spent := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	begin := spent()
	b.Cleanup(func() { b.ReportMetric(float64(bytes)*float64(b.N)/1e6/(spent()-begin).Seconds(), "MB/cpu-s") })
}
