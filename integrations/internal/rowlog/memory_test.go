package rowlog_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/rowbucket"
	"integrationhub.dev/integrations/internal/rowlog"
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

// disk is a bucket with one object, in a file. It measures the heap while the object is written.
type disk struct {
	path    string
	version int
	heap    uint64
}

func (d *disk) Get(context.Context, string, int64) ([]byte, rowbucket.Version, error) {
	object, err := os.ReadFile(d.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", rowbucket.ErrAbsent
	}
	return object, rowbucket.Version(fmt.Sprint(d.version)), err
}

func (d *disk) Put(_ context.Context, _, _ string, _ rowbucket.Version, body []byte) (rowbucket.Version, error) {
	d.heap = max(d.heap, actiontest.LiveHeap())
	d.version++
	return rowbucket.Version(fmt.Sprint(d.version)), os.WriteFile(d.path, body, 0o600)
}

func (d *disk) URL(string) string { return d.path }

// A million rows need less than 32 MiB, whether it is their first delivery, nothing or everything changed, or there are
// more of them than before.
func TestMemory(t *testing.T) { //nolint:paralleltest // measures the heap
	actiontest.Serial(t)
	const total, most = 1_000_000, 32 << 20
	d := &disk{path: filepath.Join(t.TempDir(), "object")}
	l := rowlog.NewIn(d, false)
	columns := table(nil).Columns
	for _, tt := range []struct {
		name            string
		from, to        int
		content, unsent int
	}{
		{name: "first", to: total * 9 / 10, content: 1},
		{name: "more rows", to: total, content: 1, unsent: total * 9 / 10},
		{name: "all changed", to: total, content: 2},
		{name: "others", from: total / 2, to: total * 3 / 2, content: 2, unsent: total / 2},
	} {
		d.heap = 0
		delivery, err := l.Begin(t.Context(), request("yes"), action.NewTable(columns, nil, func(yield func(action.Row, error) bool) {
			for n := tt.from; n < tt.to; n++ {
				cells := []action.Cell{action.NewCell(fmt.Appendf(nil, `{"value":%d}`, n)), action.NewCell(fmt.Appendf(nil, `{"value":%d}`, tt.content))}
				if !yield(action.NewRow(cells), nil) {
					return
				}
			}
		}), keyOf)
		if err != nil {
			t.Fatal(err)
		}
		sent := 0
		for _, err := range delivery.Rows() {
			if err != nil {
				t.Fatal(err)
			}
			delivery.Outcome(sent, nil)
			sent++
		}
		if note := delivery.Store(t.Context(), "rows"); strings.Contains(note, "could not be stored") {
			t.Errorf("%s: note %q", tt.name, note)
		}
		if want := tt.to - tt.from - tt.unsent; sent != want {
			t.Errorf("%s: %d rows were sent, want %d", tt.name, sent, want)
		}
		if d.heap > most {
			t.Errorf("%s: the heap grew to %d MiB, more than %d", tt.name, d.heap>>20, most>>20)
		}
		t.Logf("%s: heap at most %.1f MiB", tt.name, float64(d.heap)/(1<<20))
	}
}
