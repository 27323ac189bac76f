package hub_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
)

// collector records what it is sent.
type collector struct {
	*httptest.Server
	mu     sync.Mutex
	bodies [][]byte
	paths  []string
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.bodies, c.paths = append(c.bodies, body), append(c.paths, r.URL.Path)
	}))
	t.Cleanup(c.Close)
	return c
}

// spans are what the collector has, and the service that they are of.
func (c *collector) spans(t *testing.T) (service string, spans []*tracepb.Span) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, body := range c.bodies {
		var data tracepb.TracesData
		if err := proto.Unmarshal(body, &data); err != nil {
			t.Fatal(err)
		}
		for _, r := range data.ResourceSpans {
			for _, a := range r.Resource.Attributes {
				if a.Key == "service.name" || a.Key == "service.version" {
					service += a.Value.GetStringValue() + " "
				}
			}
			for _, s := range r.ScopeSpans {
				spans = append(spans, s.Spans...)
			}
		}
	}
	return service, spans
}

// told is a span as a test compares it: all but times and ids.
func told(s *tracepb.Span) string {
	attributes := map[string]string{}
	for _, a := range s.Attributes {
		value := a.Value.GetStringValue()
		if value == "" {
			value = fmt.Sprint(a.Value.GetIntValue())
		}
		attributes[a.Key] = value
	}
	if attributes["integrationhub.request_id"] != "" {
		attributes["integrationhub.request_id"] = "some"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", strings.TrimPrefix(s.Kind.String(), "SPAN_KIND_"), s.Name)
	if s.Status.GetMessage() != "" {
		fmt.Fprintf(&b, " (%s)", s.Status.Message)
	}
	for _, k := range slices.Sorted(maps.Keys(attributes)) {
		fmt.Fprintf(&b, " %s=%s", k, attributes[k])
	}
	for _, e := range s.Events {
		fmt.Fprintf(&b, " event %s %s", e.Name, e.Attributes[0].Value.GetStringValue())
	}
	return b.String()
}

func TestTraces(t *testing.T) {
	t.Parallel()
	const secret, trace, parent = "s3cret", "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	headers := make(chan http.Header, 3)
	busy := make(chan struct{}, 1)
	busy <- struct{}{}
	dest := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		headers <- r.Header
		if r.Method == http.MethodGet {
			_, _ = io.WriteString(w, secret)
			return
		}
		select {
		case <-busy:
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	t.Cleanup(dest.Close)
	c := newCollector(t)
	h := runHub(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL}, made("a", func(ctx context.Context, d action.Deps, r *action.Request) error {
		data, err := r.Data.Open(ctx)
		if err != nil {
			return err
		}
		defer data.Close()
		if _, err := io.Copy(io.Discard, data); err != nil {
			return err
		}
		d.Log.InfoContext(ctx, "half way")
		return deliver.Retry{MaxAttempts: 2, InitialBackoff: time.Millisecond, MaxBackoff: time.Millisecond}.Do(ctx, func(ctx context.Context) error {
			req, err := http.NewRequestWithContext(ctx, http.MethodPut, dest.URL+"/"+secret+"?q="+secret, strings.NewReader(secret))
			if err != nil {
				return err
			}
			req.Header.Set("Authorization", secret)
			return outbound.JSON(d.HTTP, req, "There", nil)
		})
	}))
	h.post("/actions/a/execute", `{"type":"query","data":{"key":"`+secret+`"},"scheduled_plan":{"title":"`+secret+`","download_url":"`+dest.URL+"/"+secret+`"}}`,
		"X-Looker-Webhook-Id", "wh-7", "X-Looker-Instance", "inst-1", "Traceparent", "00-"+trace+"-"+parent+"-01", "Baggage", "k="+secret)
	if err := h.stop(); err != nil { // sends what has not been sent yet
		t.Fatal(err)
	}
	service, spans := c.spans(t)
	if service != "integration-hub v1.2.3 " || c.paths[0] != "/v1/traces" {
		t.Errorf("spans of %q were sent to %s", service, c.paths)
	}
	children := map[string][]string{}
	ids := map[string]string{parent: "Looker"}
	for _, s := range spans {
		ids[fmt.Sprintf("%x", s.SpanId)], _, _ = strings.Cut(s.Name, " /")
		if got := fmt.Sprintf("%x", s.TraceId); got != trace {
			t.Errorf("span %s is of trace %s", s.Name, got)
		}
	}
	for _, s := range spans {
		above := ids[fmt.Sprintf("%x", s.ParentSpanId)]
		children[above] = append(children[above], told(s))
	}
	const call = "CLIENT PUT (%s) http.request.method=PUT http.response.status_code=%d server.address=127.0.0.1"
	want := map[string][]string{
		"Looker": {"SERVER POST /actions/{name}/execute (forbidden) http.request.method=POST http.response.status_code=200 http.route=/actions/{name}/execute " +
			"integrationhub.integration=a integrationhub.outcome=forbidden integrationhub.request_id=some looker.instance_id=inst-1 looker.webhook_id=wh-7"},
		"POST": {"INTERNAL deliver a event retry unavailable"},
		"deliver a": {
			"CLIENT GET http.request.method=GET http.response.status_code=200 server.address=127.0.0.1",
			fmt.Sprintf(call, "unavailable", 503), fmt.Sprintf(call, "forbidden", 403),
		},
	}
	if diff := cmp.Diff(want, children); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
	for _, body := range c.bodies {
		if strings.Contains(string(body), secret) {
			t.Errorf("a secret was sent to the collector: %q", body)
		}
	}
	for range cap(headers) {
		for name := range <-headers {
			if slices.Contains([]string{"Traceparent", "Tracestate", "Baggage"}, name) {
				t.Errorf("%s was sent on", name)
			}
		}
	}
	line := h.log.lines(t, "half way")[0]
	if line["trace_id"] != trace || ids[fmt.Sprint(line["span_id"])] != "deliver a" {
		t.Errorf("the integration's line is of trace %v, span %v", line["trace_id"], line["span_id"])
	}
}

// Without OpenTelemetry's variables, or with those that the hub cannot meet, it delivers all
// the same and sends nothing.
func TestNoTraces(t *testing.T) {
	t.Parallel()
	for name, env := range map[string]map[string]string{
		"not wanted":   {},
		"switched off": {"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "COLLECTOR"},
		"no exporter":  {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "COLLECTOR"},
		"gRPC":         {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_ENDPOINT": "COLLECTOR"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCollector(t)
			for k, v := range env {
				env[k] = strings.ReplaceAll(v, "COLLECTOR", c.URL)
			}
			h := runHub(t, env, made("a", func(context.Context, action.Deps, *action.Request) error { return nil }))
			_, answer := h.post("/actions/a/execute", `{"type":"query","data":{"key":"k"}}`, "Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
			if err := h.stop(); err != nil || !strings.Contains(answer, `"success":true`) {
				t.Errorf("answered %s, ended with %v", answer, err)
			}
			if len(c.paths) != 0 || strings.Contains(h.log.String(), "trace_id") {
				t.Errorf("the collector was sent %d requests; the log:\n%s", len(c.paths), h.log)
			}
			if refused := h.log.lines(t, "traces are disabled"); (len(refused) == 1) != (name == "gRPC") {
				t.Errorf("the log says %v", refused)
			}
		})
	}
}
