package tracing_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"integrationhub.dev/hub/telemetry/tracing"
)

// collector records what it is sent, and answers from a script; then always 200.
type collector struct {
	*httptest.Server
	mu       sync.Mutex
	statuses []int
	got      []received
}

type received struct {
	Path, ContentType, Encoding, Key string
	Spans                            []string
}

func newCollector(t *testing.T, statuses ...int) *collector {
	t.Helper()
	c := &collector{statuses: statuses}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.got = append(c.got, received{r.URL.Path, r.Header.Get("Content-Type"), r.Header.Get("Content-Encoding"), r.Header.Get("Api-Key"), spans(body)})
		if len(c.statuses) > 0 {
			w.WriteHeader(c.statuses[0])
			c.statuses = c.statuses[1:]
		}
	}))
	t.Cleanup(c.Close)
	return c
}

func spans(body []byte) []string {
	if z, err := gzip.NewReader(bytes.NewReader(body)); err == nil {
		body, _ = io.ReadAll(z)
	}
	var data tracepb.TracesData
	if err := proto.Unmarshal(body, &data); err != nil {
		return []string{err.Error()}
	}
	var names []string
	for _, r := range data.ResourceSpans {
		for _, s := range r.ScopeSpans {
			for _, span := range s.Spans {
				names = append(names, span.Name)
			}
		}
	}
	return names
}

func TestExport(t *testing.T) {
	t.Parallel()
	const proto = "application/x-protobuf"
	whole := received{Path: "/v1/traces", ContentType: proto, Spans: []string{"request"}}
	for _, tt := range []struct {
		name     string
		env      map[string]string
		statuses []int
		want     []received
		lost     string
	}{
		{name: "by one name for all signals", env: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "URL"}, want: []received{whole}},
		{name: "with a slash", env: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "URL/"}, want: []received{whole}},
		{
			name: "below a path", env: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "URL/otlp"},
			want: []received{{Path: "/otlp/v1/traces", ContentType: proto, Spans: []string{"request"}}},
		},
		{
			name: "names for traces win", env: map[string]string{
				"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "URL/here",
				"OTEL_EXPORTER_OTLP_HEADERS": "api-key=all", "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "other=x, api-key=a%20b=c",
				"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
				"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip", "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": "",
			},
			want: []received{{Path: "/here", ContentType: proto, Encoding: "gzip", Key: "a b=c", Spans: []string{"request"}}},
		},
		{
			name: "again when it is busy", env: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "URL"}, statuses: []int{503},
			want: []received{whole, whole},
		},
		{
			name: "not again when it is refused", env: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "URL"}, statuses: []int{400},
			want: []received{whole}, lost: "returned 400",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCollector(t, tt.statuses...)
			env := map[string]string{}
			for k, v := range tt.env {
				env[k] = strings.ReplaceAll(v, "URL", c.URL)
			}
			var log bytes.Buffer
			traces, err := tracing.Start(t.Context(), tracing.Options{Env: env, Log: slog.New(slog.NewTextHandler(&log, nil))})
			if err != nil {
				t.Fatal(err)
			}
			_, span := traces.Request(t.Context(), httptest.NewRequest(http.MethodGet, "/", nil))
			span.End()
			if err := traces.Stop(t.Context()); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(tt.want, c.got); diff != "" {
				t.Errorf("the collector was sent (-want +got):\n%s", diff)
			}
			if text := log.String(); strings.Contains(text, "exporting traces failed") != (tt.lost != "") || !strings.Contains(text, tt.lost) {
				t.Errorf("the log says %s", text)
			}
		})
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
	for _, tt := range []struct {
		name string
		env  map[string]string
		want string // "", "off" or what the error says
	}{
		{"nothing", nil, "off"},
		{"an empty endpoint", map[string]string{endpoint: ""}, "off"},
		{"switched off", map[string]string{endpoint: "http://c:4318", "OTEL_SDK_DISABLED": "TRUE"}, "off"},
		{"no exporter", map[string]string{endpoint: "http://c:4318", "OTEL_TRACES_EXPORTER": "none"}, "off"},
		{"only what may be ignored", map[string]string{"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "off"},
		{"the exporter by name", map[string]string{"OTEL_TRACES_EXPORTER": "otlp"}, ""},
		{"another exporter", map[string]string{"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER is zipkin"},
		{"gRPC", map[string]string{endpoint: "http://c:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "OTEL_EXPORTER_OTLP_PROTOCOL is grpc"},
		{"another compression", map[string]string{endpoint: "http://c:4318", "OTEL_EXPORTER_OTLP_COMPRESSION": "zstd"}, "OTEL_EXPORTER_OTLP_COMPRESSION is zstd"},
		{"no URL", map[string]string{endpoint: "c:4318"}, "OTEL_EXPORTER_OTLP_ENDPOINT must be a URL"},
		{"no number", map[string]string{endpoint: "http://c:4318", "OTEL_EXPORTER_OTLP_TIMEOUT": "10s"}, `reading OTEL_EXPORTER_OTLP_*: env: parse error on field "TimeoutMillis"`},
		{"headers that are none", map[string]string{endpoint: "http://c:4318", "OTEL_EXPORTER_OTLP_HEADERS": "s3cret"}, "OTEL_EXPORTER_OTLP_HEADERS must be"},
		{"a missing certificate", map[string]string{endpoint: "https://c:4318", "OTEL_EXPORTER_OTLP_CERTIFICATE": "/nowhere"}, "/nowhere"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			traces, err := tracing.Start(t.Context(), tracing.Options{Env: tt.env, Log: slog.New(slog.DiscardHandler)})
			if tt.want != "" && tt.want != "off" {
				if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "s3cret") {
					t.Fatalf("started with %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			_, span := traces.Request(t.Context(), httptest.NewRequest(http.MethodGet, "/", nil))
			if on := span.IsRecording(); on != (tt.want == "") {
				t.Errorf("traces are made: %v", on)
			}
			if err := traces.Stop(t.Context()); err != nil { // nothing is left to export
				t.Error(err)
			}
		})
	}
}

// Whose trace a request belongs to is its caller's word, unless the hub is told not to listen.
func TestCallersTrace(t *testing.T) {
	t.Parallel()
	const caller = "0af7651916cd43dd8448eb211c80319c"
	for propagators, want := range map[string]bool{"": true, "tracecontext,baggage": true, "baggage": false, "none": false} {
		traces, err := tracing.Start(t.Context(), tracing.Options{
			Env: map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_PROPAGATORS": propagators}, Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Traceparent", "00-"+caller+"-b7ad6b7169203331-01")
		_, span := traces.Request(t.Context(), r)
		if got := span.SpanContext().TraceID().String() == caller; got != want || !span.IsRecording() {
			t.Errorf("with OTEL_PROPAGATORS=%s the request belongs to its caller's trace: %v", propagators, got)
		}
		if err := traces.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
