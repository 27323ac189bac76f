package deliver

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"integrationhub.dev/hub/action"
)

// maxReasons is how many different reasons are told; the rest is only counted.
const maxReasons = 3

// Account says what became of the items of a delivery.
type Account struct {
	mu      sync.Mutex
	read    int
	sent    int
	failed  int
	reasons []error
	source  error
}

// Sent is the number of items that the destination accepted.
func (a *Account) Sent() int { return a.sent }

// Failed is the number of items that were read but not accepted.
func (a *Account) Failed() int { return a.failed }

func (a *Account) count(n int, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err == nil {
		a.sent += n
		return
	}
	a.failed += n
	a.reason(err)
}

func (a *Account) reason(err error) {
	if len(a.reasons) == maxReasons {
		return
	}
	for _, r := range a.reasons {
		if action.MessageOf(r) == action.MessageOf(err) {
			return
		}
	}
	a.reasons = append(a.reasons, err)
}

// broke records that the source ended with an error.
func (a *Account) broke(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.source = err
}

// Err is nil when everything that the source had was accepted. Otherwise it says how many
// items went, how many did not, and the first reasons, of which the first gives its kind.
func (a *Account) Err(noun string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.source == nil && a.failed == 0 {
		return nil
	}
	reasons := a.reasons
	if a.source != nil {
		reasons = append([]error{a.source}, reasons...)
	}
	var messages []string
	for _, r := range reasons {
		if m := action.MessageOf(r); !slices.Contains(messages, m) {
			messages = append(messages, m)
		}
	}
	if a.sent == 0 && a.failed <= 1 {
		return action.Wrap(errors.Join(reasons...), action.KindOf(reasons[0]), "%s", strings.Join(messages, " "))
	}
	return action.Wrap(errors.Join(reasons...), action.KindOf(reasons[0]), "%s %s",
		fmt.Sprintf("%d of %d %s delivered, %d failed.", a.sent, a.read, noun, a.failed), strings.Join(messages, " "))
}
