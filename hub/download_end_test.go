package hub_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"integrationhub.dev/hub"
	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/tray"
)

// These tests end each of the connections of a delivery by download at each point where it can
// end: Looker's download URL, the destination, Looker's own connection, and the hub. All
// connections are in memory, so that the order of events is the test's.
//
// What must hold at every one of them: the destination has the whole body if and only if the source
// was read to its end, a success was confirmed by the destination, and "ended before" is only said
// of what the destination does not have.

const (
	downloaded    = "a,b\n1,2\n"
	streamTimeout = 100 * time.Second
	brokeOff      = "The download from Looker ended before the data was complete."
)

// peers are the other ends of a delivery. source gets the connection to the download URL once the
// request was read, destination the body as far as it was read, with the error that ended it.
type peers struct {
	source      func(c net.Conn)
	destination func(c net.Conn, body string, err error)

	mu      sync.Mutex
	arrived []arrived
}

// arrived is what the destination got.
type arrived struct {
	body  string
	whole bool
}

// said answers and hangs up.
func said(answer string) func(net.Conn, string, error) {
	return func(c net.Conn, _ string, err error) {
		if err == nil {
			_, _ = io.WriteString(c, answer)
		}
	}
}

const (
	accepted      = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
	chunkedHead   = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	chunkedData   = "8\r\n" + downloaded + "\r\n"
	lengthHead    = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n"
	untilEOFHead  = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
	confirmChunks = chunkedHead + chunkedData + "0\r\n\r\n"
)

// sends makes a source that writes pieces, one write each, and hangs up.
func sends(pieces ...string) func(net.Conn) {
	return func(c net.Conn) {
		for _, p := range pieces {
			if _, err := io.WriteString(c, p); err != nil {
				return
			}
		}
	}
}

// stays is a source that does not hang up after its pieces.
func stays(pieces ...string) func(net.Conn) {
	return func(c net.Conn) {
		sends(pieces...)(c)
		_, _ = io.Copy(io.Discard, c)
	}
}

// handler is a hub with tray, which streams a download to its destination.
func (p *peers) handler(t *testing.T, env map[string]string) http.Handler {
	t.Helper()
	all := map[string]string{"ACTION_HUB_STREAM_REQUEST_TIMEOUT": fmt.Sprint(streamTimeout.Milliseconds())}
	maps.Copy(all, env)
	destination := pipeClient(t, func(c net.Conn) { p.take(c) })
	looker := pipeClient(t, func(c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			p.source(c)
		}
	})
	return newHub(t, all, hub.Parts{Looker: looker}, action.Registration{Name: "tray", New: func(d action.Deps) (action.Integration, error) {
		d.HTTP = destination
		return tray.New(d)
	}}).Handler()
}

// pipeClient is a client whose connections are served in memory. They are closed after serve.
func pipeClient(t *testing.T, serve func(net.Conn)) *http.Client {
	t.Helper()
	var serving sync.WaitGroup
	t.Cleanup(serving.Wait) // none may be left in a bubble of synctest
	dial := func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		serving.Go(func() {
			serve(there)
			_ = there.Close()
		})
		return here, nil
	}
	transport := &http.Transport{DialContext: dial, DialTLSContext: dial, DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func (p *peers) take(c net.Conn) {
	req, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return
	}
	body, err := io.ReadAll(req.Body)
	p.mu.Lock()
	p.arrived = append(p.arrived, arrived{string(body), err == nil})
	p.mu.Unlock()
	p.destination(c, string(body), err)
}

// executeDownload is a whole execute request.
func executeDownload() string {
	body := `{"type":"query","form_params":{"url":"https://a.trayapp.io/x"},"scheduled_plan":{"download_url":"https://looker.example.com/d"}}`
	return "POST /actions/tray/execute HTTP/1.1\r\nHost: hub\r\nUser-Agent: LookerOutgoingWebhook/24.0.0\r\nContent-Type: application/json\r\n" +
		fmt.Sprintf("Authorization: Token token=%q\r\nContent-Length: %d\r\n\r\n", goodToken, len(body)) + body
}

// answered reads an answer to its end, and the document in it.
func answered(t *testing.T, r *bufio.Reader) (success bool, message, text string) {
	t.Helper()
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatalf("the answer: %v", err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("the answer broke off after %q: %v", body, err)
	}
	var doc struct {
		Looker *struct {
			Success bool
			Message string
		}
	}
	if err := json.Unmarshal(bytes.TrimSpace(body), &doc); err != nil || doc.Looker == nil {
		t.Fatalf("the answer is %q: %v", body, err)
	}
	return doc.Looker.Success, doc.Looker.Message, string(body)
}

// holds checks what must hold wherever a delivery ends.
func (p *peers) holds(t *testing.T, success bool, message string) {
	t.Helper()
	synctest.Wait() // the destination has seen how its connection ended
	p.mu.Lock()
	defer p.mu.Unlock()
	whole := 0
	for _, a := range p.arrived {
		if a.whole {
			whole++
			if a.body != downloaded {
				t.Errorf("%q arrived as if it were whole", a.body)
			}
		}
	}
	if success && whole != 1 || whole > 1 {
		t.Errorf("success %t, and it arrived whole %d times: %s", success, whole, message)
	}
	if whole > 0 && (strings.Contains(message, "ended before") || strings.Contains(message, "stalled")) {
		t.Errorf("it arrived whole, and the hub says: %s", message)
	}
}

func zipped(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, downloaded)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The source and the destination end at each point of their answers.
func TestEndsOfDownload(t *testing.T) {
	t.Parallel()
	zip := zipped(t)
	zipHead := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n", len(zip))
	zipChunk := fmt.Sprintf("%x\r\n%s\r\n", len(zip), zip)
	whole := sends(confirmChunks)
	const failed = "The connection to Tray failed."
	for _, tt := range []struct {
		name        string
		source      func(net.Conn)
		destination func(net.Conn, string, error)
		message     string // "" is a success
		whole       bool   // at the destination
	}{
		{"source: chunks, and it stays", stays(confirmChunks), said(accepted), "", true},
		{"source: chunks, and it hangs up", whole, said(accepted), "", true},
		{"source: each piece by itself", sends(chunkedHead, "8\r\n", downloaded, "\r\n", "0\r\n", "\r\n"), said(accepted), "", true},
		{"source: the end follows by itself", sends(chunkedHead+chunkedData, "0\r\n\r\n"), said(accepted), "", true},
		{"source: the end follows in two pieces", sends(chunkedHead+chunkedData+"0\r\n", "\r\n"), said(accepted), "", true},
		{"source: chunks without an end", sends(chunkedHead + chunkedData), said(accepted), brokeOff, false},
		{"source: an end without its last line", sends(chunkedHead + chunkedData + "0\r\n"), said(accepted), brokeOff, false},
		{"source: half of the last line", sends(chunkedHead + chunkedData + "0\r\n\r"), said(accepted), brokeOff, false},
		{"source: half of the end", sends(chunkedHead + chunkedData + "0"), said(accepted), brokeOff, false},
		{"source: a chunk without its last line", sends(chunkedHead + "8\r\n" + downloaded), said(accepted), brokeOff, false},
		{"source: half of a chunk", sends(chunkedHead + "8\r\na,b"), said(accepted), brokeOff, false},
		{"source: a trailer that breaks off", sends(chunkedHead + chunkedData + "0\r\nA: b\r\n"), said(accepted), brokeOff, false},
		{"source: a trailer", sends(chunkedHead + chunkedData + "0\r\nA: b\r\n\r\n"), said(accepted), "", true},
		{"source: more after the end", sends(confirmChunks + "more"), said(accepted), "", true},
		{"source: a length", sends(lengthHead + downloaded), said(accepted), "", true},
		{"source: a length, and it stays", stays(lengthHead, downloaded), said(accepted), "", true},
		{"source: a length, and more", sends(lengthHead + downloaded + "more"), said(accepted), "", true},
		{"source: a byte too few", sends(lengthHead + downloaded[:7]), said(accepted), brokeOff, false},
		{"source: no data after the head", sends(lengthHead), said(accepted), brokeOff, false},
		{"source: the end of the connection", sends(untilEOFHead + downloaded), said(accepted), "", true},
		{"source: no answer", sends(), said(accepted), "The hub cannot reach Looker's download URL.", false},
		{"source: half of the head", sends("HTTP/1.1 200 OK\r\nContent"), said(accepted), "The hub cannot reach Looker's download URL.", false},
		{"source: gzip", sends(zipHead + zip), said(accepted), "", true},
		{"source: gzip without its last byte", sends(zipHead + zip[:len(zip)-1]), said(accepted), brokeOff, false},
		{"source: gzip in chunks without an end", sends(chunkedHead[:17] + "Content-Encoding: gzip\r\n" + chunkedHead[17:] + zipChunk), said(accepted), brokeOff, false},
		{"source: gzip that stops before its checksum", sends(chunkedHead[:17] + "Content-Encoding: gzip\r\nConnection: close\r\n\r\n" + zip[:len(zip)-8]), said(accepted), "The download from Looker is not valid gzip.", false},
		{"source: stalls before the end", stays(chunkedHead + chunkedData), said(accepted), "The download from Looker stalled before the data was complete.", false},
		{"source: stalls before the last line", stays(chunkedHead + chunkedData + "0\r\n"), said(accepted), "The download from Looker stalled before the data was complete.", false},

		{"destination: stays", whole, func(c net.Conn, _ string, _ error) {
			_, _ = io.WriteString(c, accepted)
			_, _ = io.Copy(io.Discard, c)
		}, "", true},
		{"destination: an answer without its end", whole, said("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"), "", true},
		{"destination: chunks without an end", whole, said(chunkedHead + "5\r\n{"), "", true},
		{"destination: no answer", whole, said(""), failed, true},
		{"destination: half of an answer's head", whole, said("HTTP/1.1 200"), failed, true},
		{"destination: refuses", whole, said("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"), "Tray returned 503 Service Unavailable.", true},
		{"destination: refuses, and breaks off", whole, said("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 9\r\n\r\n{"), "Tray returned 503 Service Unavailable.", true},
		{"both: the source breaks off, and the destination answers nevertheless", sends(chunkedHead + chunkedData), func(c net.Conn, _ string, _ error) {
			_, _ = io.WriteString(c, accepted)
		}, brokeOff, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := &peers{source: tt.source, destination: tt.destination}
				c := dialServer(t, hub.NewHTTPServer(p.handler(t, nil), 32<<10))
				go c.say(executeDownload())
				success, message, _ := answered(t, bufio.NewReader(c))
				if success != (tt.message == "") || !strings.Contains(message, tt.message) {
					t.Errorf("success %t, %q, want %q", success, message, tt.message)
				}
				p.holds(t, success, message)
				if whole := len(p.arrived) == 1 && p.arrived[0].whole; whole != tt.whole {
					t.Errorf("%+v arrived, want whole %t", p.arrived, tt.whole)
				}
			})
		})
	}
}

// waits is a source that waits between two pieces, and stays.
func waits(wait time.Duration, first, second string) func(net.Conn) {
	return func(c net.Conn) {
		sends(first)(c)
		time.Sleep(wait)
		stays(second)(c)
	}
}

// The end of the source, a newline, the timeouts and the deadline of a write come at the same
// moment, in whatever order.
func TestEndsAtTheSameMoment(t *testing.T) {
	t.Parallel()
	slowly := func(wait time.Duration) func(net.Conn, string, error) {
		return func(c net.Conn, _ string, err error) {
			time.Sleep(wait)
			said(accepted)(c, "", err)
		}
	}
	for _, tt := range []struct {
		name        string
		env         map[string]string
		source      func(net.Conn)
		destination func(net.Conn, string, error)
		// either means that both outcomes are right, as long as they agree with what arrived.
		either   bool
		newlines int // at least
	}{
		{name: "the source's end and the first newline", source: waits(30*time.Second, chunkedHead+chunkedData, "0\r\n\r\n"), destination: said(accepted)},
		{name: "the answer and a newline", source: sends(confirmChunks), destination: slowly(30 * time.Second)},
		{name: "the answer and the tenth newline", source: sends(confirmChunks), destination: slowly(300 * time.Second), newlines: 9},
		{
			name: "the source's end and its timeout", source: waits(streamTimeout, chunkedHead+chunkedData, "0\r\n\r\n"),
			destination: said(accepted), either: true,
		},
		{
			name: "the source's end and its timeout, with the last data", source: waits(streamTimeout-time.Nanosecond, chunkedHead+"8\r\n", downloaded+"\r\n0\r\n\r\n"),
			destination: said(accepted), newlines: 3,
		},
		{
			name: "the source's end and the delivery's timeout", env: map[string]string{"ACTION_HUB_DELIVERY_TIMEOUT": "20s"},
			source: waits(20*time.Second, chunkedHead+chunkedData, "0\r\n\r\n"), destination: said(accepted), either: true,
		},
		{
			name: "the answer and the delivery's timeout", env: map[string]string{"ACTION_HUB_DELIVERY_TIMEOUT": "20s"},
			source: sends(confirmChunks), destination: slowly(20 * time.Second), either: true,
		},
		{
			name: "the document and the deadline of the newline before it", env: map[string]string{"ACTION_HUB_JSON_KEEPALIVE_SEC": "100"},
			source: sends(confirmChunks), destination: slowly(160 * time.Second), newlines: 1,
		},
		{
			name: "the document long after that deadline", env: map[string]string{"ACTION_HUB_JSON_KEEPALIVE_SEC": "100"},
			source: sends(confirmChunks), destination: slowly(199 * time.Second), newlines: 1,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for range 20 { // the order of what is due at one moment is left to the scheduler
				synctest.Test(t, func(t *testing.T) {
					p := &peers{source: tt.source, destination: tt.destination}
					c := dialServer(t, hub.NewHTTPServer(p.handler(t, tt.env), 32<<10))
					go c.say(executeDownload())
					success, message, text := answered(t, bufio.NewReader(c))
					p.holds(t, success, message)
					if !success && !tt.either {
						t.Errorf("failed: %s", message)
					}
					if n := strings.Count(text, "\n"); n < tt.newlines || strings.TrimLeft(text, "\n")[0] != '{' {
						t.Errorf("%d newlines, want %d: %q", n, tt.newlines, text)
					}
				})
			}
		})
	}
}

// The same deadline over TLS, where a write that times out ends the connection for good.
func TestDocumentAfterTheDeadlineOfANewlineOverTLS(t *testing.T) {
	t.Parallel()
	pair := selfSigned(t, "localhost")
	cert, err := tls.X509KeyPair([]byte(pair.cert), []byte(pair.key))
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		p := &peers{source: sends(confirmChunks), destination: func(c net.Conn, _ string, err error) {
			time.Sleep(199 * time.Second)
			said(accepted)(c, "", err)
		}}
		srv := hub.NewHTTPServer(p.handler(t, map[string]string{"ACTION_HUB_JSON_KEEPALIVE_SEC": "100"}), 32<<10)
		l := pipes{make(chan net.Conn), make(chan struct{})}
		go func() { _ = srv.Serve(tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}})) }()
		there, here := net.Pipe()
		l.conns <- there
		c := tls.Client(here, &tls.Config{InsecureSkipVerify: true})
		t.Cleanup(func() { _ = here.Close(); _ = srv.Close() })
		go func() { _, _ = io.WriteString(c, executeDownload()) }()
		success, message, text := answered(t, bufio.NewReader(c))
		p.holds(t, success, message)
		if !success || !strings.HasPrefix(text, "\n{") {
			t.Errorf("answer %q", text)
		}
	})
}

// Looker hangs up at each point of a delivery. There is no answer to compare then, but nothing
// arrives as if it were whole that the source did not end, and nothing twice.
func TestLookerHangsUp(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name        string
		source      func(release chan struct{}) func(net.Conn)
		destination func(release chan struct{}) func(net.Conn, string, error)
		after       time.Duration
		whole       bool
	}{
		{name: "before the source's end", whole: false, source: func(release chan struct{}) func(net.Conn) {
			return func(c net.Conn) {
				_, _ = io.WriteString(c, chunkedHead+chunkedData)
				<-release
				_, _ = io.WriteString(c, "0\r\n\r\n")
			}
		}},
		{name: "between a newline and the source's end", after: 31 * time.Second, whole: false, source: func(release chan struct{}) func(net.Conn) {
			return func(c net.Conn) {
				_, _ = io.WriteString(c, chunkedHead+chunkedData)
				<-release
				_, _ = io.WriteString(c, "0\r\n\r\n")
			}
		}},
		{name: "between the source's end and the answer", whole: true, destination: func(release chan struct{}) func(net.Conn, string, error) {
			return func(c net.Conn, _ string, err error) {
				<-release
				said(accepted)(c, "", err)
			}
		}},
		{name: "between a newline and the document", after: 31 * time.Second, whole: true, destination: func(release chan struct{}) func(net.Conn, string, error) {
			return func(c net.Conn, _ string, err error) {
				<-release
				said(accepted)(c, "", err)
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				p := &peers{source: sends(confirmChunks), destination: said(accepted)}
				if tt.source != nil {
					p.source = tt.source(release)
				}
				if tt.destination != nil {
					p.destination = tt.destination(release)
				}
				c := dialServer(t, hub.NewHTTPServer(p.handler(t, nil), 32<<10))
				c.say(executeDownload())
				go func() { _, _ = io.Copy(io.Discard, c) }()
				time.Sleep(tt.after)
				synctest.Wait()
				_ = c.Close()
				synctest.Wait()
				close(release)
				<-c.hung
				p.holds(t, false, "")
				if whole := len(p.arrived) == 1 && p.arrived[0].whole; whole != tt.whole {
					t.Errorf("%+v arrived, want whole %t", p.arrived, tt.whole)
				}
			})
		})
	}
}

// The hub is shut down at each point of a delivery: whoever was let in gets an answer to its end.
func TestShutdownDuringADownload(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		// reads is how much of the answer Looker has read when the shutdown begins; -1 is before the
		// source's end, 0 before the destination's answer.
		reads int
	}{{"before the source's end", -1}, {"before the destination's answer", 0}, {"while the answer's first byte is read", 1}, {"while the document is read", 150}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				sourceEnds, destinationAnswers := make(chan struct{}), make(chan struct{})
				p := &peers{source: func(c net.Conn) {
					_, _ = io.WriteString(c, chunkedHead+chunkedData)
					<-sourceEnds
					_, _ = io.WriteString(c, "0\r\n\r\n")
				}, destination: func(c net.Conn, _ string, err error) {
					<-destinationAnswers
					said(accepted)(c, "", err)
				}}
				if tt.reads >= 0 {
					close(sourceEnds)
				}
				if tt.reads > 0 {
					close(destinationAnswers)
				}
				srv := hub.NewHTTPServer(p.handler(t, nil), 32<<10)
				c := dialServer(t, srv)
				c.say(executeDownload())
				begun := make([]byte, max(tt.reads, 0))
				if _, err := io.ReadFull(c, begun); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				down := make(chan error, 1)
				go func() { down <- srv.Shutdown(t.Context()) }()
				time.Sleep(time.Minute / 2) // Shutdown looks again and again by then
				synctest.Wait()
				select {
				case err := <-down:
					t.Fatalf("the shutdown ended before the answer: %v", err)
				default:
				}
				if tt.reads < 0 {
					close(sourceEnds)
				}
				if tt.reads <= 0 {
					close(destinationAnswers)
				}
				success, message, _ := answered(t, bufio.NewReader(io.MultiReader(bytes.NewReader(begun), c)))
				p.holds(t, success, message)
				if err := <-down; !success || err != nil {
					t.Errorf("success %t, %s; the shutdown: %v", success, message, err)
				}
			})
		})
	}
}

// A request that comes on an open connection while the hub shuts down is answered, or it is not
// carried out: its bytes can be in the hub's buffer when the connection is closed.
func TestRequestMeetsShutdown(t *testing.T) {
	t.Parallel()
	for _, state := range []http.ConnState{http.StateIdle, http.StateActive} {
		t.Run(state.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := &peers{source: sends(confirmChunks), destination: said(accepted)}
				srv := hub.NewHTTPServer(p.handler(t, nil), 32<<10)
				down := make(chan error, 1)
				seen := 0
				srv.ConnState = func(_ net.Conn, s http.ConnState) {
					if s != state {
						return
					}
					if seen++; seen != map[http.ConnState]int{http.StateIdle: 1, http.StateActive: 2}[state] {
						return // the first request is let in
					}
					go func() { down <- srv.Shutdown(t.Context()) }()
					time.Sleep(time.Second) // the hub does not go on before the shutdown has begun
				}
				c := dialServer(t, srv)
				r := bufio.NewReader(c)
				go c.say(executeDownload() + executeDownload())
				success, message, _ := answered(t, r)
				p.holds(t, success, message)
				_, err := http.ReadResponse(r, nil)
				if !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
					t.Errorf("the second request: %v", err)
				}
				if err := <-down; err != nil {
					t.Error(err)
				}
				<-c.hung
				if n := len(p.arrived); n != 1 {
					t.Errorf("%d deliveries arrived, and one was answered", n)
				}
			})
		})
	}
}
