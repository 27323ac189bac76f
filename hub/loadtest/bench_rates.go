package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// The targets are 20 times what the Node.js hub reaches on such a machine, which answers 650 lists, 560 forms
// or 250 small executes a second. Looker requests lists most often, so lists over TLS have a higher one.
const (
	targetLists    = 13_000
	targetListsTLS = 15_000
	targetForms    = 11_200
	targetExecutes = 5_000
)

const concurrency = 16

// rates measures many small requests over connections that are kept.
func (b *benchmark) rates(ctx context.Context) error {
	envelope := `{"type":"query","scheduled_plan":{"title":"Orders","type":"Look"},"data":{},` +
		`"form_params":{"url":"` + b.receiver.url + `/hook"}`
	attachment := `,"attachment":{"mimetype":"application/json","extension":"json",` +
		`"data":"{\"fields\":{\"dimensions\":[{\"name\":\"o.day\"}]},\"data\":[{\"o.day\":{\"value\":\"2026-11-23\"}}]}"}`
	plain := hubOptions{program: []string{b.program, "serve"}, plain: true}
	overTLS := hubOptions{program: b.serve()}
	for _, m := range []struct {
		what, path, body string
		hub              hubOptions
		target           int
		want             string
	}{
		{"lists, plain HTTP", "/", "{}", plain, targetLists, `"integrations":[`},
		{"lists, TLS", "/", "{}", overTLS, targetListsTLS, `"integrations":[`},
		{"forms, plain HTTP", "/actions/tray/form", envelope + "}", plain, targetForms, `"fields":[`},
		{"forms, TLS", "/actions/tray/form", envelope + "}", overTLS, targetForms, `"fields":[`},
		{"small executes to a webhook, TLS", "/actions/tray/execute", envelope + attachment + "}", overTLS, targetExecutes, `"success":true`},
	} {
		err := b.withHub(ctx, m.hub, func(h *hubProcess) error {
			r, err := b.measureRate(ctx, h, m.path, m.body, m.want)
			if err != nil {
				return fmt.Errorf("%s: %w", m.what, err)
			}
			b.add(r.perSecond >= float64(m.target), m.what, fmt.Sprintf(">= %d/s", m.target), "%s", r)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// rate is what one measurement found.
type rate struct {
	perSecond float64
	p50, p99  time.Duration
	// cpu is the hub's processor time for a request, and load that of this program, which is also the receiver.
	cpu, load time.Duration
}

func (r rate) String() string {
	return fmt.Sprintf("%.0f/s, p50 %s, p99 %s, %s CPU each, load %s",
		r.perSecond, r.p50.Round(time.Microsecond), r.p99.Round(time.Microsecond), r.cpu.Round(time.Microsecond), r.load.Round(time.Microsecond))
}

// measureRate sends the same request again and again. The client writes and reads bare
// connections: it shares the processors with the hub, and what it spends the hub lacks.
func (b *benchmark) measureRate(ctx context.Context, h *hubProcess, path, body, want string) (rate, error) {
	request := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Token token=%q\r\nContent-Type: application/json\r\n"+
		"User-Agent: LookerOutgoingWebhook/24.20.41\r\nX-Looker-Instance: load\r\nX-Looker-Webhook-Id: load\r\n"+
		"Content-Length: %d\r\n\r\n%s",
		path, h.token, len(body), body) // after a chunked request the hub closes the connection
	var mu sync.Mutex
	var all []time.Duration
	var errs []error
	var wait sync.WaitGroup
	begin, used, spent := time.Now(), h.cpuTime(), ownCPUTime()
	for range concurrency {
		wait.Go(func() {
			took, err := b.repeat(ctx, h, request, []byte(want), begin.Add(b.rate))
			mu.Lock()
			defer mu.Unlock()
			all, errs = append(all, took...), append(errs, err)
		})
	}
	wait.Wait()
	elapsed := time.Since(begin)
	used, spent = h.cpuTime()-used, ownCPUTime()-spent
	if err := errors.Join(errs...); err != nil {
		return rate{}, err
	}
	slices.Sort(all)
	n := time.Duration(len(all))
	return rate{float64(n) / elapsed.Seconds(), all[n/2], all[n*99/100], used / n, spent / n}, nil
}

// repeat sends one request after the other over one connection until the time is up, and
// looks at every answer.
func (b *benchmark) repeat(ctx context.Context, h *hubProcess, request, want []byte, until time.Time) ([]time.Duration, error) {
	conn, err := b.connect(ctx, h)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	defer conn.Close()
	reader := bufio.NewReaderSize(conn, 4<<10) // larger reads, of the body, pass by it
	var took []time.Duration
	var body bytes.Buffer
	for begin := time.Now(); begin.Before(until); {
		if _, err := conn.Write(request); err != nil {
			return nil, fmt.Errorf("asking: %w", err)
		}
		res, err := http.ReadResponse(reader, nil)
		if err != nil {
			return nil, fmt.Errorf("reading the answer: %w", err)
		}
		body.Reset()
		_, err = io.Copy(&body, res.Body)
		_ = res.Body.Close()
		if err != nil || res.StatusCode != http.StatusOK || !bytes.Contains(body.Bytes(), want) {
			return nil, fmt.Errorf("returned %s %.200s: %w", res.Status, body.Bytes(), errors.Join(err, errUnexpected))
		}
		now := time.Now()
		took, begin = append(took, now.Sub(begin)), now
	}
	return took, nil
}

var errUnexpected = errors.New("not the expected response")

func (b *benchmark) connect(ctx context.Context, h *hubProcess) (net.Conn, error) {
	address, plain := strings.CutPrefix(h.url, "http://")
	if plain {
		return new(net.Dialer).DialContext(ctx, "tcp", address)
	}
	d := tls.Dialer{Config: &tls.Config{RootCAs: b.cert.roots, MinVersion: tls.VersionTLS12}}
	return d.DialContext(ctx, "tcp", strings.TrimPrefix(h.url, "https://"))
}
