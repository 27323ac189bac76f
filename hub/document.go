package hub

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"sync"
	"time"
)

// document is a rendered response, plain and compressed.
type document struct {
	contentType, etag string
	plain, gzip       []byte
}

func newDocument(contentType string, body []byte) document {
	sum := sha256.Sum256(body)
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(body) // a buffer never fails
	_ = w.Close()
	return document{contentType, base64.RawURLEncoding.EncodeToString(sum[:12]), body, b.Bytes()}
}

// ServeHTTP serves the document. Clients must revalidate it, because it may change at any time. The
// encodings have different tags (RFC 9110, section 8.8.3.3).
func (d document) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", d.contentType)
	h.Set("X-Content-Type-Options", "nosniff")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-cache")
	}
	h.Add("Vary", "Accept-Encoding")
	body, etag := d.plain, `"`+d.etag+`"`
	if acceptsGzip(r.Header.Get("Accept-Encoding")) && len(d.gzip) < len(d.plain) {
		body, etag = d.gzip, `"`+d.etag+`-gzip"`
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("ETag", etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// cachedDocument is a document that is rendered again only after a change.
type cachedDocument struct {
	mu  sync.Mutex
	key string
	document
}

// get returns the document for a key, which identifies everything that may change in it.
func (c *cachedDocument) get(key string, render func() ([]byte, error)) (document, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.etag != "" && c.key == key {
		return c.document, nil
	}
	html, err := render()
	if err != nil {
		return document{}, err
	}
	c.key, c.document = key, newDocument("text/html; charset=utf-8", html)
	return c.document, nil
}
