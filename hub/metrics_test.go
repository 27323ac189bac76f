package hub_test

import (
	"context"
	"fmt"
	"io"
	"iter"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
)

// series are what a hub exposes, by name and labels as they are written.
func (r *hubRun) series() map[string]float64 {
	r.t.Helper()
	status, text := r.adminGet("/metrics")
	if status != http.StatusOK {
		r.t.Fatalf("metrics: %d", status)
	}
	all := map[string]float64{}
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "} ")
		if ok {
			name += "}"
		} else if name, value, ok = strings.Cut(strings.TrimSpace(line), " "); !ok {
			continue
		}
		if n, err := strconv.ParseFloat(value, 64); err == nil && strings.HasPrefix(name, "integrationhub_") {
			all[name] = n
		}
	}
	return all
}

// rows sends each row of a result to a destination by itself, as integrations do.
func rows(destination string) action.Registration {
	return made("rows", func(ctx context.Context, d action.Deps, r *action.Request) error {
		table, err := r.Data.Table(ctx)
		if err != nil {
			return err
		}
		numbers := func(yield func(string, error) bool) {
			for row, err := range table.Rows() {
				if !yield(row.Cell(0).Text(), err) {
					return
				}
			}
		}
		o := deliver.Options[string]{Size: 1, Retry: deliver.Retry{MaxAttempts: 2, InitialBackoff: time.Millisecond, MaxBackoff: time.Millisecond}}
		return deliver.Batches(ctx, iter.Seq2[string, error](numbers), o, func(ctx context.Context, batch []string) error {
			req, err := http.NewRequestWithContext(ctx, http.MethodPut, destination+"/"+batch[0], http.NoBody)
			if err != nil {
				return err
			}
			return outbound.JSON(d.HTTP, req, "There", nil)
		}).Err("rows")
	})
}

// statuses answers each request with the status that its path names.
func statuses(t *testing.T) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
		if err != nil {
			status = http.StatusTeapot
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

func result(cells ...int) string {
	var rows []string
	for _, c := range cells {
		rows = append(rows, fmt.Sprintf(`{"n":{"value":%d}}`, c))
	}
	return `{"fields":{"dimensions":[{"name":"n"}]},"data":[` + strings.Join(rows, ",") + `]}`
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	data := result(200, 201, 400, 413, 404, 503)
	looker := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, data) }))
	t.Cleanup(looker.Close)
	began, finish, watched := make(chan struct{}), make(chan struct{}), make(chan struct{})
	h := runHub(t, map[string]string{"ACTION_HUB_MAX_DELIVERIES": "1", "ACTION_HUB_MAX_QUEUED_DELIVERIES": "1", "ACTION_HUB_MAX_JOBS": "1", "ACTION_HUB_SPOOL_BYTES": "1000000"},
		rows(statuses(t)), made("slow", func(ctx context.Context, d action.Deps, _ *action.Request) error {
			began <- struct{}{}
			select {
			case <-finish:
			case <-ctx.Done():
				return ctx.Err()
			}
			_ = d.StartJob(ctx, func(context.Context) (action.Job, error) { // there is room for the first
				return action.Job{Follow: func(context.Context) error { <-watched; return nil }}, nil
			})
			return nil
		}))
	t.Cleanup(func() { close(watched) })

	h.post("/actions/rows/execute", `{"type":"query","data":{"key":"k"},"scheduled_plan":{"download_url":"`+looker.URL+`/x"}}`)

	// One runs, one waits with its data in a file, and one is refused.
	ended := make(chan string, 2)
	execute := func(body string) { _, answer := h.post("/actions/slow/execute", body); ended <- answer }
	go execute(`{"type":"query","data":{"key":"k"}}`)
	<-began
	large := strings.Repeat("x", 300<<10)
	go execute(`{"type":"query","data":{"key":"k"},"attachment":{"mimetype":"text/plain","data":"` + large + `"}}`)
	var busy map[string]float64
	for busy = h.series(); busy["integrationhub_spool_bytes"] < float64(len(large)); busy = h.series() {
		if t.Context().Err() != nil {
			t.Fatal("nothing was ever spooled")
		}
	}
	if status, _ := h.post("/actions/slow/execute", `{}`); status != http.StatusServiceUnavailable {
		t.Errorf("a third delivery was answered with %d", status)
	}
	busy = h.series()
	close(finish)
	<-began
	<-ended
	<-ended

	for _, path := range []string{"/made-up", "/actions/made-up/execute", "/actions/slow/made-up"} {
		h.post(path, "{}", "X-Looker-Webhook-Id", "made-up", "X-Looker-Instance", "made-up", "User-Agent", "made-up")
	}
	h.ask("MADE-UP", "/made-up", "")
	calm := h.series()

	for name, want := range map[string]float64{
		`integrationhub_deliveries_in_flight{integration="slow"}`: 1,
		`integrationhub_deliveries_queued`:                        1,
		`integrationhub_deliveries_refused_total`:                 1,
		`integrationhub_spool_bytes`:                              float64(len(large)),
		`integrationhub_spool_limit_bytes`:                        1000000,
	} {
		if busy[name] != want {
			t.Errorf("while busy %s is %v, want %v", name, busy[name], want)
		}
	}
	for _, tt := range []struct {
		name string
		want float64
	}{
		{`integrationhub_build_info{goversion="` + runtime.Version() + `",version="v1.2.3"}`, 1},
		{`integrationhub_data_bytes_total{integration="rows"}`, float64(len(data))},
		{`integrationhub_deliveries_in_flight{integration="slow"}`, 0},
		{`integrationhub_deliveries_queued`, 0},
		{`integrationhub_deliveries_refused_total`, 1},
		{`integrationhub_deliveries_total{integration="rows",outcome="invalid"}`, 1},
		{`integrationhub_deliveries_total{integration="slow",outcome="delivered"}`, 2},
		{`integrationhub_deliveries_total{integration="slow",outcome="timeout"}`, 0},
		{`integrationhub_delivery_duration_seconds_count{integration="slow"}`, 2},
		{`integrationhub_outbound_request_duration_seconds_count{integration="rows",peer="destination"}`, 7},
		{`integrationhub_outbound_requests_total{integration="rows",outcome="ok",peer="destination"}`, 2},
		{`integrationhub_outbound_requests_total{integration="rows",outcome="invalid",peer="destination"}`, 1},
		{`integrationhub_outbound_requests_total{integration="rows",outcome="too_large",peer="destination"}`, 1},
		{`integrationhub_outbound_requests_total{integration="rows",outcome="not_found",peer="destination"}`, 1},
		{`integrationhub_outbound_requests_total{integration="rows",outcome="unavailable",peer="destination"}`, 2},
		{`integrationhub_outbound_requests_total{integration="rows",outcome="ok",peer="looker"}`, 1},
		{`integrationhub_reloads_total{outcome="failed",what="secrets"}`, 0},
		{`integrationhub_request_duration_seconds_count{route="/actions/{name}/execute"}`, 5},
		{`integrationhub_requests_total{route="/actions/{name}/execute",status="503"}`, 1},
		{`integrationhub_requests_total{route="other",status="404"}`, 2},
		{`integrationhub_retries_total{integration="rows",reason="unavailable"}`, 1},
		{`integrationhub_rows_read_total{integration="rows"}`, 6},
		{`integrationhub_rows_total{integration="rows",outcome="sent"}`, 2},
		{`integrationhub_rows_total{integration="rows",outcome="rejected"}`, 2},
		{`integrationhub_rows_total{integration="rows",outcome="failed"}`, 2},
		{`integrationhub_spool_bytes`, 0},
		{`integrationhub_jobs_in_flight{integration="slow"}`, 1},
		{`integrationhub_jobs_total{integration="slow",outcome="refused"}`, 1},
	} {
		if got, ok := calm[tt.name]; !ok || got != tt.want {
			t.Errorf("at the end %s is %v, want %v", tt.name, got, tt.want)
		}
	}
	for name := range calm {
		if strings.Contains(strings.ToLower(name), "made-up") {
			t.Errorf("a client chose a label: %s", name)
		}
	}
	if t.Failed() {
		for _, name := range slices.Sorted(maps.Keys(calm)) {
			if !strings.Contains(name, "_bucket") {
				t.Logf("%s %v", name, calm[name])
			}
		}
	}
	sums := h.log.lines(t, "request")[0]
	got := fmt.Sprint(sums["bytes"], sums["rows_read"], sums["rows_sent"], sums["rows_rejected"], sums["rows_failed"], sums["retries"])
	if want := fmt.Sprint(len(data), 6, 2, 2, 2, 1); got != want {
		t.Errorf("the delivery's line says %s, want %s", got, want)
	}
	documented(t, calm)
}

// documented compares the metrics with the README's table.
func documented(t *testing.T, series map[string]float64) {
	t.Helper()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	exposed, told := map[string]bool{}, map[string]bool{}
	for name := range series {
		name, _, _ = strings.Cut(name, "{")
		for _, suffix := range []string{"_bucket", "_count", "_sum"} {
			name = strings.TrimSuffix(name, suffix)
		}
		exposed[name] = true
	}
	exposed["integrationhub_upstream_list_timestamp_seconds"] = true         // only with an upstream: TestRemoteDown
	exposed["integrationhub_certificate_not_after_timestamp_seconds"] = true // only where the hub ends TLS: TestCertificateMetric
	exposed["integrationhub_api_end_of_life_timestamp_seconds"] = true       // only of APIs that end: TestAPIEndMetric
	for _, row := range regexp.MustCompile("(?m)^\\| `(integrationhub_[a-z_]+)`").FindAllStringSubmatch(string(readme), -1) {
		told[row[1]] = true
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(exposed)), slices.Sorted(maps.Keys(told))); diff != "" {
		t.Errorf("README.md tells of other metrics (-exposed +told):\n%s", diff)
	}
}

// The certificate's end is told only by a hub that has one: 0 would raise an alarm.
func TestCertificateMetric(t *testing.T) {
	t.Parallel()
	const name = "integrationhub_certificate_not_after_timestamp_seconds"
	if _, told := runHub(t, nil).series()[name]; told {
		t.Error("a hub without a certificate tells when it ends")
	}
	dir, pair := t.TempDir(), selfSigned(t, "hub")
	h := runHub(t, map[string]string{
		"ACTION_HUB_TLS_CERT_FILE": writeFile(t, dir, "tls.crt", pair.cert), "ACTION_HUB_TLS_KEY_FILE": writeFile(t, dir, "tls.key", pair.key),
	})
	if end := time.Unix(int64(h.series()[name]), 0); end.Before(time.Now()) {
		t.Errorf("the certificate ends at %v", end)
	}
}

// The end of an API is exported for available integrations and known dates only: 0 would raise an
// alarm.
func TestAPIEndMetric(t *testing.T) {
	t.Parallel()
	ends := []action.API{{Name: "A", Version: "v1", EndOfLife: "2027-08-31"}, {Name: "B", Version: "v2"}}
	ending, setElsewhere, absent := entry(&fake{definition: definition("a")}), entry(&fake{definition: definition("b")}), lacking("c", "C_KEY")
	ending.APIs, absent.APIs = ends, ends
	setElsewhere.APIs = []action.API{{Name: "A", Version: "v1", EndOfLife: "2027-08-31", Setting: "B_API_VERSION"}}
	h := runHub(t, map[string]string{"B_API_VERSION": "v9"}, ending, setElsewhere, absent)
	got := map[string]float64{}
	for name, value := range h.series() {
		if strings.HasPrefix(name, "integrationhub_api_end_of_life_timestamp_seconds") {
			got[name] = value
		}
	}
	want := map[string]float64{
		`integrationhub_api_end_of_life_timestamp_seconds{api="A",integration="a",version="v1"}`: float64(time.Date(2027, 8, 31, 0, 0, 0, 0, time.UTC).Unix()),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("series (-want +got):\n%s", diff)
	}
}

func TestProfilesOnDemand(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]int{"": http.StatusNotFound, "true": http.StatusOK} {
		h := runHub(t, map[string]string{"ACTION_HUB_PPROF": setting})
		for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap?debug=1"} {
			if status, _ := h.adminGet(path); status != want {
				t.Errorf("with ACTION_HUB_PPROF=%s %s answers %d", setting, path, status)
			}
		}
		if status, _ := h.ask(http.MethodGet, "/debug/pprof/", ""); status != http.StatusNotFound {
			t.Errorf("profiles at the address for Looker: %d", status)
		}
	}
}
