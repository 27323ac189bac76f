package looker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"slices"
	"sync"
	"time"

	"integrationhub.dev/hub/looker/api"
)

// Fault is a failure of Looker's API that is injected into matching requests.
type Fault struct {
	// Method and Path select requests. Path is a pattern of [path.Match], such as
	// /api/4.0/integration_hubs/*. Empty means every method, and every path of the API.
	Method string `json:"method,omitempty"`
	Path   string `json:"path,omitempty"`
	// Times is how many requests get the fault; 0 means all until the faults are cleared.
	Times int `json:"times,omitempty"`

	// Delay is before the request is handled, or the fault's own response is sent.
	Delay Duration `json:"delay,omitempty"`
	// Status replaces the response; 0 handles the request.
	Status int `json:"status,omitempty"`
	// Message replaces the text of the status, Errors are those of a 422.
	Message string                      `json:"message,omitempty"`
	Errors  []api.ValidationErrorDetail `json:"errors,omitempty"`
	// RetryAfter is the header's value: seconds or a date.
	RetryAfter string `json:"retry_after,omitempty"`
	// HangUp closes the connection without a response.
	HangUp HangUp `json:"hang_up,omitempty"`
}

// HangUp is when a fault closes the connection.
type HangUp string

// HangUpBefore closes it before the request is handled, HangUpAfter afterwards: the request had its
// effect, and the client does not learn of it.
const (
	HangUpBefore HangUp = "before"
	HangUpAfter  HangUp = "after"
)

// Duration is a [time.Duration] that JSON has as text, such as 1m30s.
type Duration time.Duration

// MarshalText implements [encoding.TextMarshaler].
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = Duration(parsed)
	return err
}

func (f *Fault) validate() error {
	if _, err := path.Match(f.Path, ""); err != nil {
		return fmt.Errorf("the fault's path %q is not a pattern", f.Path)
	}
	switch {
	case f.Status != 0 && (f.Status < 400 || f.Status > 599):
		return fmt.Errorf("a fault's status is between 400 and 599, not %d", f.Status)
	case !slices.Contains([]HangUp{"", HangUpBefore, HangUpAfter}, f.HangUp):
		return fmt.Errorf("a fault's hang_up is before or after, not %q", f.HangUp)
	case f.Status != 0 && f.HangUp != "":
		return errors.New("a fault has a status or hangs up, not both")
	case f.Status == 0 && f.HangUp == "" && f.Delay == 0:
		return errors.New("a fault needs a status, a delay or hang_up")
	case f.Times < 0 || f.Delay < 0:
		return errors.New("a fault's times and delay are not negative")
	}
	return nil
}

func (f *Fault) matches(r *http.Request) bool {
	if f.Method != "" && f.Method != r.Method {
		return false
	}
	if f.Path == "" {
		return true
	}
	ok, _ := path.Match(f.Path, r.URL.Path) // the pattern was validated
	return ok
}

// wait waits for the fault's delay, or until the client has gone.
func (f *Fault) wait(ctx context.Context) {
	if f.Delay == 0 {
		return
	}
	timer := time.NewTimer(time.Duration(f.Delay))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (f *Fault) reply() reply {
	message := cmp.Or(f.Message, http.StatusText(f.Status), "Error")
	p := errorReply(f.Status, message)
	if f.Status == http.StatusUnprocessableEntity {
		p = unprocessable(message, f.Errors...)
	}
	p.retryAfter = f.RetryAfter
	return p
}

// faults are the faults that are injected, in order: the first that matches counts.
type faults struct {
	mu   sync.Mutex
	list []*Fault
}

// next returns the fault of a request, or nil, and counts it.
func (f *faults) next(r *http.Request) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, fault := range f.list {
		if !fault.matches(r) {
			continue
		}
		found := *fault
		if fault.Times == 1 {
			f.list = slices.Delete(f.list, i, i+1)
		} else if fault.Times > 1 {
			fault.Times--
		}
		return &found
	}
	return nil
}

// InjectFault adds a fault.
func (l *Looker) InjectFault(f Fault) error {
	if err := f.validate(); err != nil {
		return err
	}
	l.faults.mu.Lock()
	defer l.faults.mu.Unlock()
	l.faults.list = append(l.faults.list, &f)
	return nil
}

// Faults returns the faults that are still injected.
func (l *Looker) Faults() []Fault {
	l.faults.mu.Lock()
	defer l.faults.mu.Unlock()
	list := []Fault{}
	for _, f := range l.faults.list {
		list = append(list, *f)
	}
	return list
}

// ClearFaults removes all faults.
func (l *Looker) ClearFaults() {
	l.faults.mu.Lock()
	defer l.faults.mu.Unlock()
	l.faults.list = nil
}
