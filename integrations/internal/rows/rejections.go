package rows

import (
	"strings"
	"sync"

	"integrationhub.dev/hub/action"
)

// maxReasons bounds the memory for different reasons. A message shows only a few.
const maxReasons = 50

// Rejections makes the errors for rows that a destination rejected. Rows that were rejected for
// the same reason get the same message, which names the first of them. The zero value is ready,
// and can be used concurrently.
type Rejections struct {
	mu    sync.Mutex
	first map[string]string
}

// Rejected returns an error of kind Invalid. reason is a sentence without the row's data. row
// names the row, such as "contact 17".
func (r *Rejections) Rejected(reason, row string) *action.Error {
	r.mu.Lock()
	defer r.mu.Unlock()
	first, known := r.first[reason]
	switch {
	case known:
		row = first
	case len(r.first) == maxReasons:
		return action.Errorf(action.Invalid, "%s", reason)
	case r.first == nil:
		r.first = map[string]string{}
		fallthrough
	default:
		r.first[reason] = row
	}
	return action.Errorf(action.Invalid, "%s (first: %s).", strings.TrimSuffix(reason, "."), row)
}
