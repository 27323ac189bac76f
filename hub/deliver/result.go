package deliver

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"integrationhub.dev/hub/action"
)

// maxReasons is the maximum number of different reasons in an error. The rest is only counted.
const maxReasons = 3

// Result counts the items of a delivery.
type Result struct {
	mu     sync.Mutex
	read   int
	sent   int
	failed int
	// rejected are those of failed that were wrong themselves.
	rejected int
	reasons  []error
	// cause is why items were left unread.
	cause error
}

// Sent is the number of items that the destination accepted.
func (r *Result) Sent() int { return r.sent }

// Complete reports whether all items of the source were read. Some of them may have failed.
func (r *Result) Complete() bool { return r.cause == nil }

// Failed is the number of items that were read but not accepted.
func (r *Result) Failed() int { return r.failed }

func (r *Result) count(n int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		r.sent += n
		return
	}
	r.failed += n
	if isRejection(err) {
		r.rejected += n
	}
	r.addReason(err)
}

// isRejection reports whether an item would fail again: it is wrong itself, or refers to a record that does
// not exist. Other items fail because of the destination, the account or the time.
func isRejection(err error) bool {
	switch action.KindOf(err) {
	case action.Invalid, action.TooLarge, action.NotFound:
		return !Stopped(err)
	default:
		return false
	}
}

func (r *Result) addReason(err error) {
	if len(r.reasons) == maxReasons {
		return
	}
	for _, reason := range r.reasons {
		if action.MessageOf(reason) == action.MessageOf(err) {
			return
		}
	}
	r.reasons = append(r.reasons, err)
}

// abort ends the reading of items. The first error counts.
func (r *Result) abort(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cause == nil {
		r.cause = err
	}
}

func (r *Result) aborted() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cause != nil
}

// shortfall says how many items were rejected and how many failed.
func (r *Result) shortfall() string {
	text := ""
	if r.rejected > 0 {
		text += fmt.Sprintf(", %d rejected", r.rejected)
	}
	if other := r.failed - r.rejected; other > 0 || r.rejected == 0 {
		text += fmt.Sprintf(", %d failed", other)
	}
	return text
}

// Err returns nil if the destination accepted all items. Otherwise its message has the number of
// items that were delivered, that were rejected because they are wrong, and that failed for another
// reason, and the first reasons. The first of them decides the kind. itemName is the plural of an item, such as "rows".
func (r *Result) Err(itemName string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cause == nil && r.failed == 0 {
		return nil
	}
	reasons := r.reasons
	if r.cause != nil {
		reasons = append([]error{r.cause}, reasons...)
	}
	var messages []string
	for _, reason := range reasons {
		if m := action.MessageOf(reason); !slices.Contains(messages, m) {
			messages = append(messages, m)
		}
	}
	message := strings.Join(messages, " ")
	if r.sent > 0 || r.failed > 1 {
		message = fmt.Sprintf("%d of %d %s delivered%s. %s", r.sent, r.read, itemName, r.shortfall(), message)
	}
	return action.Wrap(errors.Join(reasons...), action.KindOf(reasons[0]), "%s", message)
}
