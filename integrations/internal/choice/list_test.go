package choice_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/choice"
)

func TestList(t *testing.T) {
	t.Parallel()
	list := choice.List{Name: "bucket", Label: "Bucket", Denied: "Not allowed.", Empty: "None."}
	for _, tt := range []struct {
		name  string
		names []string
		err   error
		want  action.Field
	}{
		{
			name: "names", names: []string{"b", "a"},
			want: action.Field{Type: action.Select, Default: "b", Options: []action.Option{{Name: "b", Label: "b"}, {Name: "a", Label: "a"}}},
		},
		{name: "no names", want: action.Field{Type: action.String, Description: "None."}},
		{name: "denied", err: fmt.Errorf("listing: %w", choice.ErrDenied), want: action.Field{Type: action.String, Description: "Not allowed."}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.want.Name, tt.want.Label, tt.want.Required = "bucket", "Bucket", true
			got, err := list.Field(tt.names, tt.err)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("field (-want +got):\n%s", diff)
			}
		})
	}
}

func TestListReturnsOtherErrors(t *testing.T) {
	t.Parallel()
	failed := errors.New("the destination is unavailable")
	if _, err := (choice.List{}).Field(nil, failed); !errors.Is(err, failed) {
		t.Errorf("error %v, want %v", err, failed)
	}
}
