package rows_test

import (
	"context"
	"testing"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/rows"
)

func TestResponse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		err  error // of the second of two rows
		want string
	}{
		{name: "delivered", want: "2 rows sent to There."},
		{name: "partly delivered", err: action.Errorf(action.Invalid, "There rejected a row."), want: "1 of 2 rows delivered, 1 rejected. There rejected a row."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			send := func(_ context.Context, batch []error) error { return batch[0] }
			result := deliver.Batches(t.Context(), deliver.Items([]error{nil, tt.err}), deliver.Options[error]{Size: 1}, send)
			res, err := rows.Response(result, "rows", "%d rows sent to There.")
			var got string
			if err == nil {
				got = res.Message
			} else {
				got = action.MessageOf(err)
			}
			if got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
			if (err != nil) != (tt.err != nil) {
				t.Errorf("error %v, want %v", err, tt.err)
			}
		})
	}
}
