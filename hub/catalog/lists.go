package catalog

import (
	"bytes"
	"compress/gzip"
	"slices"
	"sync"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/wire"
)

// lists caches the responses to a list request. Versions of Looker share them: there is one for
// each set of integrations and formats that some version gets, so that a client that makes up
// versions neither causes work nor fills the memory.
type lists struct {
	mu     sync.RWMutex
	cached map[string]List
}

// List is the response to a list request, plain and compressed.
type List struct{ Plain, Gzip []byte }

// List returns the list of integrations for a version of Looker.
func (c *Catalog) List(v action.Version) List { return c.current.Load().list(v, "") }

// ListForHub returns the list for another hub: each integration has the IDs of the hubs through which this hub
// offers it, and the ID of this hub, so that loops are found.
func (c *Catalog) ListForHub(v action.Version, id string) List { return c.current.Load().list(v, id) }

func (o *offer) list(v action.Version, id string) List {
	key := append(o.listKey(v), id...)
	l := &o.lists
	l.mu.RLock()
	list, ok := l.cached[string(key)]
	l.mu.RUnlock()
	if ok {
		return list
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if list, ok := l.cached[string(key)]; ok {
		return list
	}
	plain := o.renderList(v, id)
	list = List{Plain: plain, Gzip: compress(plain)}
	l.cached[string(key)] = list
	return list
}

// listKey identifies the list of a version by what it contains: for each integration whether it
// is there, and its formats where they depend on the version.
func (o *offer) listKey(v action.Version) []byte {
	key := make([]byte, 0, 512)
	for i := range o.entries {
		e := &o.entries[i]
		if !e.supports(v) {
			key = append(key, '-')
			continue
		}
		key = append(key, '+')
		if e.Definition.FormatsFor == nil {
			continue
		}
		for _, f := range e.Definition.FormatsFor(v) {
			key = append(key, f...)
			key = append(key, ' ')
		}
	}
	return key
}

func (o *offer) renderList(v action.Version, id string) []byte {
	var b bytes.Buffer
	b.WriteString(`{"integrations":[`)
	first := true
	for i := range o.entries {
		e := &o.entries[i]
		if !e.supports(v) {
			continue
		}
		if !first {
			b.WriteByte(',')
		}
		first = false
		item := e.DefinitionJSON(v)
		if id != "" {
			item = e.withVia(item, id)
		}
		b.Write(item)
	}
	b.WriteString(`],"label":`)
	b.Write(wire.Marshal(o.label))
	b.WriteByte('}')
	return b.Bytes()
}

// withVia adds the hubs between a list and the integration to its definition.
func (e *Entry) withVia(definition []byte, id string) []byte {
	via := []string{id}
	if e.Remote != nil {
		via = append(via, e.Remote.Via...)
	}
	out := append(slices.Clone(bytes.TrimSuffix(definition, []byte("}"))), `,"via":`...)
	return append(append(out, wire.Marshal(via)...), '}')
}

func compress(plain []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // fails only for an invalid level
	_, _ = w.Write(plain)                                 // a buffer never fails
	_ = w.Close()
	return b.Bytes()
}
