package hub

import (
	"bytes"
	"compress/gzip"
	"strconv"
	"strings"
	"sync"

	"integrationhub.dev/hub/action"
)

// lists are the answers to a list request, plain and compressed. Looker's versions share
// them: there is one for each set of integrations and formats that some version gets, so
// that a client that invents versions can neither make the hub work nor fill its memory.
type lists struct {
	catalog *Catalog
	baseURL string
	label   string

	mu   sync.RWMutex
	made map[string]list
}

// list is one answer, ready to be sent.
type list struct{ plain, gzip []byte }

func newLists(c *Catalog, baseURL, label string) *lists {
	return &lists{catalog: c, baseURL: baseURL, label: label, made: map[string]list{}}
}

// answer returns the list for a version of Looker.
func (l *lists) answer(v action.Version) list {
	key := l.key(v)
	l.mu.RLock()
	d, ok := l.made[string(key)]
	l.mu.RUnlock()
	if ok {
		return d
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if d, ok := l.made[string(key)]; ok {
		return d
	}
	plain := l.render(v)
	d = list{plain: plain, gzip: compress(plain)}
	l.made[string(key)] = d
	return d
}

// key says what the list for a version holds: for each integration whether it is there, and
// its formats where they depend on the version.
func (l *lists) key(v action.Version) []byte {
	key := make([]byte, 0, 512)
	for i := range l.catalog.offered {
		o := &l.catalog.offered[i]
		if !o.supports(v) {
			key = append(key, '-')
			continue
		}
		key = append(key, '+')
		if o.Definition.FormatsFor == nil {
			continue
		}
		for _, f := range o.Definition.FormatsFor(v) {
			key = append(key, f...)
			key = append(key, ' ')
		}
	}
	return key
}

func (l *lists) render(v action.Version) []byte {
	var b bytes.Buffer
	b.WriteString(`{"integrations":[`)
	first := true
	for i := range l.catalog.offered {
		o := &l.catalog.offered[i]
		if !o.supports(v) {
			continue
		}
		if !first {
			b.WriteByte(',')
		}
		first = false
		b.Write(o.describe(l.baseURL, v))
	}
	b.WriteString(`],"label":`)
	b.Write(marshal(l.label))
	b.WriteByte('}')
	return b.Bytes()
}

func compress(plain []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // fails on a bad level only
	_, _ = w.Write(plain)                                 // a buffer takes everything
	_ = w.Close()
	return b.Bytes()
}

// acceptsGzip reads an Accept-Encoding header (RFC 9110, section 12.5.3).
func acceptsGzip(header string) bool {
	for coding := range strings.SplitSeq(header, ",") {
		name, parameter, _ := strings.Cut(coding, ";")
		if !strings.EqualFold(strings.TrimSpace(name), "gzip") {
			continue
		}
		weight, weighted := strings.CutPrefix(strings.ToLower(strings.TrimSpace(parameter)), "q=")
		q, err := strconv.ParseFloat(weight, 64)
		return !weighted || err != nil || q > 0
	}
	return false
}
