package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// receiver is both ends of a delivery beside the hub: the webhook that it goes to, and
// Looker's download address that it comes from. It speaks HTTP/1.1 over TLS.
type receiver struct {
	url    string
	server *http.Server

	mu       sync.Mutex
	arrivals map[string][]arrival // by the delivery's identifier
	sources  map[string]source
	idle     map[net.Conn]struct{} // connections that a hub keeps
}

// arrival is one request of the hub's, whole or not.
type arrival struct {
	digest digest
	whole  bool
	status int // what it was answered; 0 when it was not
	lines  lineDigest
}

// source is a document that waits at Looker's download address.
type source struct {
	document document
	fault    string
}

// What the receiver and the download address do wrong on demand.
const (
	faultReset  = "reset"  // break the connection in the middle
	faultStall  = "stall"  // stop in the middle, until the hub gives up
	faultLate   = "late"   // take everything, then break the connection without an answer
	faultStatus = "status" // answer 500, or 429, before or after the body
)

func startReceiver(ctx context.Context, cert *certificate) (*receiver, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	r := &receiver{url: "https://" + address, arrivals: map[string][]arrival{}, sources: map[string]source{}, idle: map[net.Conn]struct{}{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /hook", r.take)
	mux.HandleFunc("POST /lines", r.takeLines)
	mux.HandleFunc("GET /download", r.give)
	r.server = &http.Server{
		Addr: address, Handler: mux, ReadHeaderTimeout: time.Minute, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
		TLSConfig:    &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{cert.pair}},
		ConnState:    r.watch,
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}, // no HTTP/2
	}
	listener, err := tls.Listen("tcp", address, r.server.TLSConfig)
	if err != nil {
		return nil, fmt.Errorf("listening for deliveries: %w", err)
	}
	go func() { _ = r.server.Serve(listener) }() // ends with Close
	return r, nil
}

// watch remembers idle connections.
func (r *receiver) watch(c net.Conn, state http.ConnState) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if state == http.StateIdle {
		r.idle[c] = struct{}{}
	} else {
		delete(r.idle, c)
	}
}

// closeIdle closes the connections that hubs keep.
func (r *receiver) closeIdle() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.idle {
		_ = c.Close()
	}
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 256<<10); return &b }}

// copyBuffered copies without [io.WriterTo] and [io.ReaderFrom], whose buffers are small.
func copyBuffered(w io.Writer, r io.Reader) error {
	b := buffers.Get().(*[]byte) //nolint:errcheck,forcetypeassert // the pool holds nothing else
	defer buffers.Put(b)
	_, err := io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{r}, *b)
	return err
}

// take takes a delivery, as well as its fault allows.
func (r *receiver) take(w http.ResponseWriter, req *http.Request) {
	query := req.URL.Query()
	id, fault := query.Get("id"), query.Get("fault")
	a := arrival{status: http.StatusOK}
	if fault == faultReset || fault == faultStall {
		_ = copyBuffered(&a.digest, io.LimitReader(req.Body, 100))
		if fault == faultStall {
			<-req.Context().Done()
		}
		a.status = 0
		r.record(id, a)
		panic(http.ErrAbortHandler)
	}
	a.whole = copyBuffered(&a.digest, req.Body) == nil
	switch {
	case !a.whole || fault == faultLate:
		a.status = 0
	case fault == faultStatus:
		a.status = http.StatusInternalServerError
		if a.digest.Sum%2 == 0 {
			a.status = http.StatusTooManyRequests
		}
	}
	r.record(id, a)
	if a.status == 0 {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(a.status)
}

// takeLines takes a batch of rows, one a line, and answers after a while.
func (r *receiver) takeLines(_ http.ResponseWriter, req *http.Request) {
	if after, err := time.ParseDuration(req.URL.Query().Get("after")); err == nil {
		defer func() {
			select {
			case <-time.After(after):
			case <-req.Context().Done():
			}
		}()
	}
	body, err := io.ReadAll(req.Body)
	a := arrival{whole: err == nil, status: http.StatusOK}
	for line := range bytes.Lines(body) {
		a.lines.add(line)
	}
	r.record(req.URL.Query().Get("id"), a)
}

// lineDigest is a digest of lines in any order.
type lineDigest struct {
	lines int
	sum   uint64
}

func (l *lineDigest) add(line []byte) {
	l.lines++
	l.sum += uint64(crc32.Checksum(line, castagnoli))
}

func (r *receiver) record(id string, a arrival) {
	if id == "" { // the many small ones
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.arrivals[id] = append(r.arrivals[id], a)
}

// arrived returns what came of a delivery, and forgets it.
func (r *receiver) arrived(id string) []arrival {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.arrivals[id]
	delete(r.arrivals, id)
	return a
}

// saw reports that something of a delivery has arrived.
func (r *receiver) saw(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.arrivals[id]) > 0
}

// hook is the address of a delivery.
func (r *receiver) hook(id, fault string) string {
	return fmt.Sprintf("%s/hook?id=%s&fault=%s", r.url, id, fault)
}

// offer makes a document available once at the address that it returns.
func (r *receiver) offer(id string, d document, fault string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sources[id] = source{d, fault}
	return r.url + "/download?id=" + id
}

// withdraw takes a document back that was not fetched.
func (r *receiver) withdraw(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.sources, id)
}

// give answers as Looker's download address does: once, in chunks.
func (r *receiver) give(w http.ResponseWriter, req *http.Request) {
	id := req.URL.Query().Get("id")
	r.mu.Lock()
	s, ok := r.sources[id]
	delete(r.sources, id)
	r.mu.Unlock()
	if !ok {
		http.Error(w, "<html>This download is no longer there.</html>", http.StatusNotFound)
		return
	}
	if s.fault == faultStatus {
		http.Error(w, "<html>The query failed.</html>", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", s.document.format.mime)
	if s.fault == "" {
		_, _ = s.document.WriteTo(w) // the hub may be gone
		return
	}
	half := &limitedWriter{w: w, left: s.document.digest().Size / 2}
	_, _ = s.document.WriteTo(half)
	_ = http.NewResponseController(w).Flush()
	if s.fault == faultStall {
		<-req.Context().Done()
	}
	panic(http.ErrAbortHandler)
}

// limitedWriter fails once it has taken a number of bytes.
type limitedWriter struct {
	w    io.Writer
	left int64
}

var errLimit = errors.New("the limit is reached")

func (l *limitedWriter) Write(p []byte) (int, error) {
	if int64(len(p)) <= l.left {
		l.left -= int64(len(p))
		return l.w.Write(p)
	}
	n, _ := l.w.Write(p[:l.left])
	l.left = 0
	return n, errLimit
}
