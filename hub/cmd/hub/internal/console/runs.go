package console

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"integrationhub.dev/hub/looker"
)

// maxRuns limits the runs that are kept.
const maxRuns = 20

// run is a delivery that was sent.
type run struct {
	ID          int
	Integration looker.Definition
	User        string
	Started     time.Time
	// Sent is the delivery without its data, which has Bytes bytes.
	Sent  looker.Action
	Bytes int
	// Draft is what it was made of, without the file's data.
	Draft draft

	progress *looker.Progress
	cancel   context.CancelFunc
	// first and last are the numbers of requests between which it ran.
	first, last int
	ended       time.Time
	result      looker.Result
	err         error
}

// Outcome is how far a run is. Its texts have no secrets.
type Outcome struct {
	run
	Running     bool
	Elapsed     time.Duration
	Result      looker.Result
	Problem     string
	Transferred looker.Transferred
}

// runs are the last runs.
type runs struct {
	mu   sync.Mutex
	last int
	list []*run
}

// start runs a delivery in the background, and returns its ID. A delivery ends when the console does.
func (s *Server) start(ctx context.Context, d looker.Definition, n draft, a looker.Action) int {
	ctx, cancel := context.WithCancel(ctx)
	r := &run{
		Integration: d, User: a.User, Started: time.Now(), Sent: a, Bytes: len(a.Data), Draft: n,
		progress: &looker.Progress{}, cancel: cancel, first: s.session.lastNumber(),
	}
	r.Sent.Data = nil
	if n.File != nil {
		r.Draft.File = &file{Name: n.File.Name}
	}
	a.Progress = r.progress
	s.runs.mu.Lock()
	s.runs.last++
	r.ID = s.runs.last
	s.runs.list = append(s.runs.list, r)
	if len(s.runs.list) > maxRuns {
		s.runs.list[0].cancel()
		s.runs.list = s.runs.list[1:]
	}
	s.runs.mu.Unlock()
	s.running.Go(func() {
		defer cancel()
		result, err := s.session.Run(ctx, a)
		s.runs.mu.Lock()
		r.result, r.err, r.ended, r.last = result, err, time.Now(), s.session.lastNumber()
		s.runs.mu.Unlock()
		s.drafts.setErrors(r.User, d.Name, result.ValidationErrors)
	})
	return r.ID
}

// find returns a run as it is now.
func (s *Server) find(id string) (Outcome, bool) {
	number, err := strconv.Atoi(id)
	if err != nil {
		return Outcome{}, false
	}
	s.runs.mu.Lock()
	defer s.runs.mu.Unlock()
	for _, r := range s.runs.list {
		if r.ID == number {
			return s.outcome(r), true
		}
	}
	return Outcome{}, false
}

// recent returns the runs of an integration, the newest first.
func (s *Server) recent(integration string) []Outcome {
	s.runs.mu.Lock()
	defer s.runs.mu.Unlock()
	var list []Outcome
	for _, r := range slices.Backward(s.runs.list) {
		if r.Integration.Name == integration {
			list = append(list, s.outcome(r))
		}
	}
	return list
}

// outcome needs the lock.
func (s *Server) outcome(r *run) Outcome {
	o := Outcome{run: *r, Running: r.ended.IsZero(), Result: r.result, Transferred: r.progress.Transferred()}
	end := r.ended
	if o.Running {
		end = time.Now()
	}
	o.Elapsed = end.Sub(r.Started).Round(time.Millisecond)
	if r.err != nil {
		o.Problem = s.shown(r.err.Error())
	}
	o.Result.Message = s.shown(r.result.Message)
	return o
}

// maxShown limits what is shown of a message of the hub.
const maxShown = 16 << 10

// shown is a message without secrets, as far as it is shown.
func (s *Server) shown(message string) string {
	message = s.session.Redact(message)
	if len(message) > maxShown {
		return strings.ToValidUTF8(message[:maxShown], "") + "…"
	}
	return message
}

// Word says in one word how a run ended.
func (o Outcome) Word() string {
	switch {
	case o.Running:
		return "Running"
	case o.Result.Success && o.Problem == "":
		return "Succeeded"
	}
	return "Failed"
}

// Hint says what to do about a download that the hub did not start, or is empty.
func (o Outcome) Hint() string {
	if o.Running {
		return ""
	}
	return downloadHint(o.Integration, o.Sent, o.Result, o.Transferred)
}

// Type is the action type.
func (o Outcome) Type() string { return o.Sent.Type }

// Way is push or url.
func (o Outcome) Way() string { return way(o.Integration, o.Sent) }
