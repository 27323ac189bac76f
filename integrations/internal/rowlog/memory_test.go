package rowlog_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/rowbucket"
)

// memory is a bucket in memory.
type memory struct {
	mu      sync.Mutex
	objects map[string][]byte
	version map[string]int
	// err fails all calls.
	err error
	// beforePut is called without the lock.
	beforePut func(name string)
}

func newMemory() *memory { return &memory{objects: map[string][]byte{}, version: map[string]int{}} }

func (m *memory) current(name string) rowbucket.Version {
	if _, ok := m.objects[name]; !ok {
		return ""
	}
	return rowbucket.Version(fmt.Sprint(m.version[name]))
}

func (m *memory) Get(_ context.Context, name string, maxBytes int64) ([]byte, rowbucket.Version, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	object, ok := m.objects[name]
	switch {
	case m.err != nil:
		return nil, "", m.err
	case !ok:
		return nil, "", rowbucket.ErrAbsent
	case int64(len(object)) > maxBytes:
		return nil, "", action.Errorf(action.TooLarge, "The object is too large.")
	}
	return slices.Clone(object), m.current(name), nil
}

func (m *memory) Put(ctx context.Context, name, _ string, match rowbucket.Version, body []byte) (rowbucket.Version, error) {
	if m.beforePut != nil {
		m.beforePut(name)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.err != nil:
		return "", m.err
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case m.current(name) != match:
		return "", rowbucket.ErrChanged
	}
	m.objects[name] = slices.Clone(body)
	m.version[name]++
	return m.current(name), nil
}

func (m *memory) URL(name string) string { return "mem://bucket/" + name }

func (m *memory) names() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.objects))
}
