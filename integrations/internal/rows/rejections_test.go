package rows_test

import (
	"fmt"
	"testing"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/rows"
)

func TestRejected(t *testing.T) {
	t.Parallel()
	var r rows.Rejections
	for i, tt := range []struct{ reason, row, want string }{
		{"It is unknown.", "contact 1", "It is unknown (first: contact 1)."},
		{"It is unknown.", "contact 2", "It is unknown (first: contact 1)."},
		{"It is read-only", "contact 3", "It is read-only (first: contact 3)."},
		{"It is unknown.", "contact 4", "It is unknown (first: contact 1)."},
	} {
		if err := r.Rejected(tt.reason, tt.row); err.Message != tt.want || err.Kind != action.Invalid {
			t.Errorf("%d: %v (%v), want %q", i, err, err.Kind, tt.want)
		}
	}
}

// The number of different reasons does not increase the memory without a limit.
func TestManyReasons(t *testing.T) {
	t.Parallel()
	var r rows.Rejections
	for i := range 100 {
		reason := fmt.Sprintf("Reason %d.", i)
		want := fmt.Sprintf("Reason %d (first: row %d).", i, i)
		if i >= 50 {
			want = reason
		}
		if err := r.Rejected(reason, fmt.Sprintf("row %d", i)); err.Message != want {
			t.Errorf("message %q, want %q", err.Message, want)
		}
	}
}
