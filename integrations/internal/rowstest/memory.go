package rowstest

import (
	"io"
	"net/http"
	"runtime"
	"sync"
	"testing"

	"integrationhub.dev/hub/action/actiontest"
)

// Sink is a destination that accepts everything and measures the heap. A test that asks for the heap
// must not run in parallel.
type Sink struct {
	// Answer is the response to each call.
	Answer Answer

	mu    sync.Mutex
	calls int
	heap  uint64
}

// measureInterval is the number of calls between measurements, which stop the program briefly.
const measureInterval = 16

// RoundTrip implements [http.RoundTripper].
func (s *Sink) RoundTrip(req *http.Request) (*http.Response, error) {
	_, err := io.Copy(io.Discard, req.Body)
	_ = req.Body.Close()
	if err != nil {
		return nil, err
	}
	wrote(req)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls++; s.calls%measureInterval == 1 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		s.heap = max(s.heap, m.HeapInuse)
	}
	return s.Answer.response(req), nil
}

// Heap is the maximum heap size during calls, in bytes. It refuses a test that runs beside others.
func (s *Sink) Heap(t testing.TB) uint64 {
	t.Helper()
	actiontest.Serial(t)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.heap
}

// Calls is the number of calls so far.
func (s *Sink) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}
