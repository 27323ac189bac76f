// Package inbox receives deliveries on a developer's machine and shows what came. It keeps
// the last ones, in bounded space, for as long as it runs.
package inbox

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"integrationhub.dev/hub/payload"
)

// The bounds of what is kept. Older deliveries go first; a single one may use half of the bytes.
const (
	maxDeliveries = 100
	maxBytes      = 2 << 30
)

// Delivery is a request that the inbox received.
type Delivery struct {
	ID       int         `json:"id"`
	Received time.Time   `json:"received"`
	Method   string      `json:"method"`
	Path     string      `json:"path"`
	Header   http.Header `json:"header"`
	// Size and SHA256 are the body's.
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	// Problem says why the body is not here whole, or is empty.
	Problem string `json:"problem,omitempty"`

	body  *payload.Blob
	users int  // readers of the body
	gone  bool // closed when the last reader ends
}

// Inbox keeps deliveries. Its methods may be called at once.
type Inbox struct {
	key   string
	spool *payload.Spool
	now   func() time.Time

	mu         sync.Mutex
	deliveries []*Delivery // the oldest first
	lastID     int
	arrived    chan struct{} // closed by the next delivery
}

// New makes an empty inbox that spools to a folder; empty is the system's temporary one.
func New(dir string) *Inbox {
	return &Inbox{
		key: rand.Text(), spool: &payload.Spool{Dir: dir, Limit: maxBytes},
		now: time.Now, arrived: make(chan struct{}),
	}
}

// Path is below what the page is served. It holds a secret, so that no other user of the
// machine, and no page in a browser, reads what was delivered.
func (i *Inbox) Path() string { return "/" + i.key + "/" }

// Servers are a running inbox: one address takes deliveries over TLS, the other shows them.
type Servers struct {
	// Deliveries and Page are listeners' addresses.
	Deliveries, Page net.Addr
	close            func() error
}

// Close ends both.
func (s *Servers) Close() error { return s.close() }

// Serve starts an inbox. Deliveries come with the certificate; the page is plain HTTP, since
// browsers do not trust the certificate, and never leaves the machine.
func (i *Inbox) Serve(deliveries, page net.Listener, cert tls.Certificate, log *slog.Logger) *Servers {
	errorLog := slog.NewLogLogger(log.Handler(), slog.LevelDebug)
	receiver := &http.Server{
		Handler: i.receiver(), ReadHeaderTimeout: 10 * time.Second, ErrorLog: errorLog,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12},
	}
	viewer := &http.Server{Handler: i.viewer(), ReadHeaderTimeout: 10 * time.Second, ErrorLog: errorLog}
	go func() { _ = receiver.ServeTLS(deliveries, "", "") }()
	go func() { _ = viewer.Serve(page) }()
	return &Servers{
		Deliveries: deliveries.Addr(), Page: page.Addr(),
		close: func() error {
			err := errors.Join(receiver.Close(), viewer.Close())
			i.clear()
			return err
		},
	}
}

// add keeps a delivery, and lets go of the oldest where there are too many.
func (i *Inbox) add(d *Delivery) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.lastID++
	d.ID = i.lastID
	i.deliveries = append(i.deliveries, d)
	if len(i.deliveries) > maxDeliveries {
		i.dropOldest()
	}
	close(i.arrived)
	i.arrived = make(chan struct{})
}

// dropOldest reports whether there was one. The caller holds the lock.
func (i *Inbox) dropOldest() bool {
	if len(i.deliveries) == 0 {
		return false
	}
	d := i.deliveries[0]
	i.deliveries = i.deliveries[1:]
	d.gone = true
	i.closeUnused(d)
	return true
}

func (i *Inbox) closeUnused(d *Delivery) {
	if d.gone && d.users == 0 && d.body != nil {
		_ = d.body.Close()
	}
}

func (i *Inbox) clear() {
	i.mu.Lock()
	defer i.mu.Unlock()
	for i.dropOldest() {
	}
}

// since returns the deliveries after an ID, the oldest first, and what is closed when another
// one arrives.
func (i *Inbox) since(id int) ([]*Delivery, <-chan struct{}) {
	i.mu.Lock()
	defer i.mu.Unlock()
	found := []*Delivery{}
	for _, d := range i.deliveries {
		if d.ID > id {
			found = append(found, d)
		}
	}
	return found, i.arrived
}

// open returns a delivery and what ends its use. Until then its body can be read.
func (i *Inbox) open(id int) (*Delivery, func(), bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, d := range i.deliveries {
		if d.ID != id {
			continue
		}
		d.users++
		return d, func() {
			i.mu.Lock()
			defer i.mu.Unlock()
			d.users--
			i.closeUnused(d)
		}, true
	}
	return nil, nil, false
}

// room lets go of the oldest delivery when the spool is full, and reports whether there was one.
func (i *Inbox) room() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.dropOldest()
}

func hexSum(sum []byte) string { return hex.EncodeToString(sum) }

// problem is a sentence on why a body is not whole.
func problem(what string, err error) string {
	return what + ": " + strings.TrimSuffix(err.Error(), ".") + "."
}
