// Command receiver stands for the other sides of a hub in the demo and the end-to-end
// tests: a destination that records what is delivered to it, and Looker's download address.
package main

import (
	"crypto/tls"
	"encoding/json"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"
)

// maxBody is how much of a delivery is kept.
const maxBody = 64 << 20

// delivery is one request as it arrived.
type delivery struct {
	Method      string    `json:"method"`
	Path        string    `json:"path"`
	ContentType string    `json:"content_type"`
	Size        int       `json:"size"`
	Complete    bool      `json:"complete"`
	At          time.Time `json:"at"`
	body        []byte
}

// receiver keeps what arrived, and what waits to be downloaded.
type receiver struct {
	mu         sync.Mutex
	deliveries []delivery
	downloads  map[string][]byte
}

func main() {
	address := flag.String("address", ":8443", "address to listen at")
	cert := flag.String("cert", "", "certificate file, PEM")
	key := flag.String("key", "", "key file, PEM")
	flag.Parse()
	srv := &http.Server{
		Addr: *address, Handler: newReceiver().handler(), ReadHeaderTimeout: 10 * time.Second,
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12},
	}
	slog.Info("listening", "address", *address)
	if err := srv.ListenAndServeTLS(*cert, *key); err != nil {
		slog.Error("serving", "error", err)
		os.Exit(1)
	}
}

func newReceiver() *receiver { return &receiver{downloads: map[string][]byte{}} }

// handler takes deliveries at /hooks/…, and misbehaves at /status/CODE and /reset. What
// arrived is told at /deliveries. Looker's download address is /downloads/ID: PUT a body
// there, GET it once.
func (r *receiver) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /hooks/", func(w http.ResponseWriter, req *http.Request) {
		if !r.record(req).Complete {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(http.StatusOK)
	})
	mux.HandleFunc("POST /slow/{seconds}", func(_ http.ResponseWriter, req *http.Request) {
		n, _ := strconv.Atoi(req.PathValue("seconds"))
		select {
		case <-time.After(time.Duration(n) * time.Second):
			r.record(req)
		case <-req.Context().Done():
		}
	})
	mux.HandleFunc("POST /status/{code}", func(w http.ResponseWriter, req *http.Request) {
		code, err := strconv.Atoi(req.PathValue("code"))
		if err != nil || code < 200 || code > 599 {
			code = http.StatusBadRequest
		}
		r.record(req)
		w.WriteHeader(code)
	})
	mux.HandleFunc("POST /reset", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	mux.HandleFunc("GET /deliveries", r.list)
	mux.HandleFunc("GET /deliveries/{n}", r.show)
	mux.HandleFunc("DELETE /deliveries", func(http.ResponseWriter, *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.deliveries = nil
	})
	mux.HandleFunc("PUT /downloads/{id}", r.offer)
	mux.HandleFunc("GET /downloads/{id}", r.download)
	return mux
}

func (r *receiver) record(req *http.Request) delivery {
	body, err := io.ReadAll(io.LimitReader(req.Body, maxBody))
	d := delivery{
		Method: req.Method, Path: req.URL.Path, ContentType: req.Header.Get("Content-Type"),
		Size: len(body), Complete: err == nil, At: time.Now(), body: body,
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deliveries = append(r.deliveries, d)
	return d
}

func (r *receiver) list(w http.ResponseWriter, _ *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(append([]delivery{}, r.deliveries...)) // the client may be gone
}

func (r *receiver) show(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, err := strconv.Atoi(req.PathValue("n"))
	if err != nil || n < 0 || n >= len(r.deliveries) {
		http.NotFound(w, req)
		return
	}
	_, _ = w.Write(r.deliveries[n].body)
}

func (r *receiver) offer(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(io.LimitReader(req.Body, maxBody))
	if err != nil {
		http.Error(w, "the body broke off", http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.downloads[req.PathValue("id")] = body
}

// download answers once, like Looker. ?cut=N breaks off after N bytes.
func (r *receiver) download(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	body, ok := r.downloads[req.PathValue("id")]
	delete(r.downloads, req.PathValue("id"))
	r.mu.Unlock()
	if !ok {
		http.Error(w, "<html>This download is no longer there.</html>", http.StatusForbidden)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if cut, err := strconv.Atoi(req.URL.Query().Get("cut")); err == nil && cut < len(body) {
		_, _ = w.Write(body[:cut])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(body)
}
