package attack_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// maxPeak is the most memory that a hub may take for an input that it refuses, in MiB.
const maxPeak = 96

var a = strings.Repeat("A", 1<<20)

// One value without an end: what is refused, and what is skipped, costs constant memory.
func TestValuesWithoutEnd(t *testing.T) {
	n := sized(100, 700)
	segment := delivery{name: "segment_track", params: map[string]string{"segment_write_key": "k"}, form: map[string]string{"event": "e"}}
	for _, tt := range []struct {
		name                 string
		delivery             delivery
		prefix, fill, suffix string
		gzip                 bool
		message              string
	}{
		{
			name: "a cell", delivery: segment,
			prefix: `{"fields":{"dimensions":[{"name":"a","tags":["email"]}]},"data":[{"a":{"value":"`, fill: a,
			suffix: `"}}]}`, message: "larger than 32 MB",
		},
		{
			name: "a cell in gzip", delivery: segment,
			prefix: `{"fields":{"dimensions":[{"name":"a","tags":["email"]}]},"data":[{"a":{"value":"`, fill: a,
			suffix: `"}}]}`, gzip: true, message: "compressed to less than",
		},
		{
			name: "a cell of links", delivery: segment,
			prefix: `{"fields":{"dimensions":[{"name":"a","tags":["email"]}]},"data":[{"a":{"value":1,"links":[0`,
			fill:   strings.Repeat(`,{"url":"x"}`, 85_000), suffix: `]}}]}`, message: "larger than 32 MB",
		},
		{
			name: "a tag", delivery: segment, prefix: `{"fields":{"dimensions":[{"name":"a","tags":["`, fill: a,
			suffix: `"]}]},"data":[]}`, message: "larger than 32 MB",
		},
		{
			name: "columns", delivery: segment, prefix: `{"fields":{"dimensions":[{"name":"a","tags":["email"]}`,
			fill: strings.Repeat(`,{"name":"a"}`, 80_000), suffix: `]},"data":[]}`, message: "columns",
		},
		{
			name: "an ignored member", delivery: segment, prefix: `{"skipped":"`, fill: a, suffix: `"}`,
			message: "complete result",
		},
		{
			name: "a row of unknown columns", delivery: segment,
			prefix: `{"fields":{"dimensions":[{"name":"a","tags":["email"]}]},"data":[{`,
			fill:   strings.Repeat(`"x":{"value":1},`, 65_536), suffix: `"a":{"value":"b"}}]}`,
		},
		{name: "a label", delivery: segment, prefix: `[{"`, fill: a, suffix: `":1}]`, message: "larger than 32 MB"},
		{
			name: "a CSV field",
			delivery: delivery{
				name: "twilio", params: map[string]string{"accountSid": "AC" + strings.Repeat("a", 32), "authToken": "x", "from": "+14155552671"},
				form: map[string]string{"message": "m", "to": "+14155552671"},
			},
			prefix: "a,b\n\"", fill: a, suffix: "\"\n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				out := io.Writer(w)
				if tt.gzip {
					w.Header().Set("Content-Encoding", "gzip")
					z := gzip.NewWriter(w)
					defer z.Close()
					out = z
				}
				_, _ = io.WriteString(out, tt.prefix)
				for range n {
					if _, err := io.WriteString(out, tt.fill); err != nil {
						return
					}
				}
				_, _ = io.WriteString(out, tt.suffix)
			}))
			defer srv.Close()
			h := start(t, nil)
			wait := h.bystander(2)
			d := tt.delivery
			d.url = srv.URL
			got := h.must(d)
			if got.Success || !strings.Contains(got.Message, tt.message) {
				t.Errorf("answer %+v", got)
			}
			if peak := h.peak(); peak >= maxPeak {
				t.Errorf("the hub took %d MiB", peak)
			} else {
				t.Logf("peak %d MiB: %s", peak, got.Message)
			}
			wait()
		})
	}
}

// A mail server whose greeting never ends.
func TestMailServerWithoutEnd(t *testing.T) {
	for name, text := range map[string]string{
		"lines": strings.Repeat("220-"+strings.Repeat("a", 70)+"\r\n", 1000), "a line": strings.Repeat("a", 64<<10),
	} {
		t.Run(name, func(t *testing.T) {
			address := serve(t, func(c net.Conn) {
				for {
					if _, err := io.WriteString(c, text); err != nil {
						return
					}
				}
			})
			host, port, _ := net.SplitHostPort(address)
			_ = host
			h := start(t, map[string]string{"EMAIL_SMTP_HOST": "localhost", "EMAIL_SMTP_PORT": port, "EMAIL_FROM": "a@example.com"})
			wait := h.bystander(2)
			if got := h.must(delivery{name: "email", form: map[string]string{"to": "b@example.com"}, data: "a"}); got.Success {
				t.Errorf("answer %+v", got)
			}
			if peak := h.peak(); peak >= maxPeak {
				t.Errorf("the hub took %d MiB", peak)
			}
			wait()
		})
	}
}

// Requests that wait for their last byte keep little more than what their settings may have.
func TestRequestsThatWait(t *testing.T) {
	part := strings.Repeat("x", 4_000_000)
	var parts []string
	for _, name := range []string{"type", "state", "state_url", "state_redir_url"} {
		parts = append(parts, fmt.Sprintf("%q:%q", name, part))
	}
	parts = append(parts, fmt.Sprintf(`"data":{"a":%q},"form_params":{"a":%q},"scheduled_plan":{"title":%q},"attachment":{"mimetype":%q,"extension":%q}`, part, part, part, part, part))
	body := "{" + strings.Join(parts, ",")
	for _, leg := range []string{"form", "execute"} {
		t.Run(leg, func(t *testing.T) {
			h := start(t, nil)
			wait := h.bystander(2)
			for range sized(20, 40) {
				c, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(h.url, "http://"))
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(time.Minute))
				name := map[string]string{"form": "debug", "execute": "queue_action"}[leg]
				_, _ = fmt.Fprintf(c, "POST /actions/%s/%s HTTP/1.1\r\nHost: l\r\nAuthorization: Token token=%q\r\nUser-Agent: LookerOutgoingWebhook/24.0.0\r\nContent-Length: %d\r\n\r\n", name, leg, h.token, len(body)+1)
				go func() { _, _ = io.WriteString(c, body) }()
				head := make([]byte, 12) // the hub answers before the last byte: the settings are too large
				if _, err := io.ReadFull(c, head); err != nil || string(head) != "HTTP/1.1 413" {
					t.Errorf("answer %q, %v", head, err)
				}
			}
			if peak := h.peak(); peak >= 2*maxPeak {
				t.Errorf("the hub took %d MiB", peak)
			} else {
				t.Logf("peak %d MiB", peak)
			}
			wait()
		})
	}
}
