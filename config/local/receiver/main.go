// Command receiver stands for the other sides of a hub in the demo and the end-to-end
// tests: a destination that records what is delivered to it, and Looker's download address.
package main

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"integrationhub.dev/config/local/servingcert"
)

// maxBody is how much of a body is kept. The size and the hash are those of all of it.
const maxBody = 64 << 20

// delivery is one request as it arrived.
type delivery struct {
	Method      string      `json:"method"`
	Path        string      `json:"path"`
	Header      http.Header `json:"header"`
	ContentType string      `json:"content_type"`
	Size        int64       `json:"size"`
	SHA256      string      `json:"sha256"`
	Complete    bool        `json:"complete"`
	At          time.Time   `json:"at"`
	// Body is listed only where it is asked for.
	Body []byte `json:"body,omitempty"`
}

// receiver keeps what arrived, and what waits to be downloaded.
type receiver struct {
	mu         sync.Mutex
	deliveries []delivery
	downloads  map[string][]byte
}

func main() {
	address := flag.String("address", ":8443", "address to listen at")
	cert := flag.String("cert", "", "certificate file, PEM; without one it serves plain HTTP")
	key := flag.String("key", "", "key file, PEM")
	flag.Parse()
	srv := &http.Server{
		Addr: *address, Handler: newReceiver().handler(), ReadHeaderTimeout: 10 * time.Second,
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12},
	}
	serve := srv.ListenAndServe
	if *cert != "" {
		srv.TLSConfig.GetCertificate = servingcert.New(*cert, *key).Current
		serve = func() error { return srv.ListenAndServeTLS("", "") }
	}
	slog.Info("listening", "address", *address, "tls", *cert != "")
	if err := serve(); err != nil {
		slog.Error("serving", "error", err)
		os.Exit(1)
	}
}

func newReceiver() *receiver { return &receiver{downloads: map[string][]byte{}} }

// handler takes deliveries at /hooks/…, and misbehaves at /status/CODE, /slow/DURATION and
// /reset. Deliveries are listed at /deliveries; ?path=/hooks/… selects, and ?bodies=true adds
// the bodies. Looker's download address is /downloads/ID: PUT a body there, GET it once.
func (r *receiver) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /hooks/", func(_ http.ResponseWriter, req *http.Request) { r.record(req) })
	mux.HandleFunc("POST /slow/{duration}", func(w http.ResponseWriter, req *http.Request) {
		wait, err := time.ParseDuration(req.PathValue("duration"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.record(req)
		select {
		case <-time.After(wait):
		case <-req.Context().Done():
		}
	})
	mux.HandleFunc("POST /status/{code}", func(w http.ResponseWriter, req *http.Request) {
		r.record(req)
		w.WriteHeader(status(req.PathValue("code"), http.StatusBadRequest))
	})
	mux.HandleFunc("POST /reset", reset)
	// The kubelet asks every second: the answer must not depend on how much has arrived.
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
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

// status is the status code in text, or another one if that is none to end an answer with.
func status(text string, otherwise int) int {
	if code, err := strconv.Atoi(text); err == nil && code >= 200 && code <= 599 {
		return code
	}
	return otherwise
}

// record keeps a delivery, also one that broke off; that one gets no answer.
func (r *receiver) record(req *http.Request) {
	hash := sha256.New()
	whole := io.TeeReader(req.Body, hash)
	body, err := io.ReadAll(io.LimitReader(whole, maxBody))
	size := int64(len(body))
	if err == nil {
		var rest int64
		rest, err = io.Copy(io.Discard, whole)
		size += rest
	}
	r.mu.Lock()
	r.deliveries = append(r.deliveries, delivery{
		Method: req.Method, Path: req.URL.Path, Header: req.Header, ContentType: req.Header.Get("Content-Type"),
		Size: size, SHA256: hex.EncodeToString(hash.Sum(nil)), Complete: err == nil, At: time.Now(), Body: body,
	})
	r.mu.Unlock()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
}

// reset breaks the connection when the delivery has begun to arrive.
func reset(_ http.ResponseWriter, req *http.Request) {
	_, _ = req.Body.Read(make([]byte, 1)) // an empty body is as good
	panic(http.ErrAbortHandler)
}

func (r *receiver) list(w http.ResponseWriter, req *http.Request) {
	query := req.URL.Query()
	listed := []delivery{}
	r.mu.Lock()
	for _, d := range r.deliveries {
		if query.Has("path") && d.Path != query.Get("path") {
			continue
		}
		if query.Get("bodies") != "true" {
			d.Body = nil
		}
		listed = append(listed, d)
	}
	r.mu.Unlock() // deliveries go on while a long list is written
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(listed) // the client may be gone
}

// show returns the body of a delivery.
func (r *receiver) show(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, err := strconv.Atoi(req.PathValue("n"))
	if err != nil || n < 0 || n >= len(r.deliveries) {
		http.NotFound(w, req)
		return
	}
	_, _ = w.Write(r.deliveries[n].Body)
}

func (r *receiver) offer(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.downloads[req.PathValue("id")] = body
}

// download answers once, like Looker. With ?status=CODE it refuses, with a page of HTML as
// Looker does; with ?cut=N it breaks off after N bytes.
func (r *receiver) download(w http.ResponseWriter, req *http.Request) {
	query := req.URL.Query()
	if query.Has("status") {
		http.Error(w, "<html>This download is refused.</html>", status(query.Get("status"), http.StatusBadRequest))
		return
	}
	r.mu.Lock()
	body, ok := r.downloads[req.PathValue("id")]
	delete(r.downloads, req.PathValue("id"))
	r.mu.Unlock()
	if !ok {
		http.Error(w, "<html>This download is no longer there.</html>", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if cut, err := strconv.Atoi(query.Get("cut")); err == nil && cut >= 0 && cut < len(body) {
		_, _ = w.Write(body[:cut])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(body)
}
