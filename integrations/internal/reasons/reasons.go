// Package reasons words why a destination refused single rows: rows that were refused alike
// get the same message, so that they are told as one reason, and the message names the first
// of them, so that somebody can look it up.
package reasons

import (
	"strings"
	"sync"

	"integrationhub.dev/hub/action"
)

// most is how many different reasons are told apart; only a few are shown anyway.
const most = 50

// Reasons are those of one delivery. The zero value is ready, for several goroutines at once.
type Reasons struct {
	mu    sync.Mutex
	first map[string]string
}

// Refused is the error, of kind Invalid, for a row that was refused. reason is a sentence
// without data of the row; row says which one it was, such as "contact 17".
func (r *Reasons) Refused(reason, row string) *action.Error {
	r.mu.Lock()
	defer r.mu.Unlock()
	first, known := r.first[reason]
	switch {
	case known:
		row = first
	case len(r.first) == most:
		return action.Errorf(action.Invalid, "%s", reason)
	case r.first == nil:
		r.first = map[string]string{}
		fallthrough
	default:
		r.first[reason] = row
	}
	return action.Errorf(action.Invalid, "%s (first: %s).", strings.TrimSuffix(reason, "."), row)
}
