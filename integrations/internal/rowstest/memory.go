package rowstest

import (
	"io"
	"net/http"
	"runtime"
	"sync"
)

// Sink is a destination that takes everything and keeps nothing but the largest heap that
// it saw. A test that asks for the heap must not run beside others: no t.Parallel.
type Sink struct {
	// Answer is what it says to a call.
	Answer Answer

	mu    sync.Mutex
	calls int
	heap  uint64
}

// every so many calls the heap is looked at, which stops the program for a moment.
const every = 16

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
	if s.calls++; s.calls%every == 1 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		s.heap = max(s.heap, m.HeapInuse)
	}
	return s.Answer.response(req), nil
}

// Heap is the largest heap seen while calls were served, in bytes.
func (s *Sink) Heap() uint64 {
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
