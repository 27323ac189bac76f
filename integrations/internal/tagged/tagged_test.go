package tagged_test

import (
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/tagged"
)

var kind = tagged.Kind{Tag: "thing", Valid: regexp.MustCompile(`^[1-9][0-9]*$`), Noun: "thing's number", NoCell: "No cell."}

const head = `{"fields":{"dimensions":[{"name":"a"},{"name":"b","tags":["x","thing"]}]},"data":[`

func TestRead(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		result  string
		want    []string
		message string
	}{
		"several, one twice": {head + `{"b":{"value":" 12 "}},{"b":{"value":12}},{"b":{"value":12345678901234567890}}]}`, []string{"12", "12345678901234567890"}, ""},
		"no rows":            {head + `]}`, nil, ""},
		"odd ones": {
			head + `{"b":{"value":1}},{"b":{"value":null}},{"b":{"value":"1/2"}},{"b":{"value":1.5}},{}]}`, nil,
			"4 of 5 rows hold no thing's number in the field tagged thing. Nothing was done.",
		},
		"broken off": {head + `{"b":{"value":1}},`, nil, "The data ended before the result was complete."},
		"no column":  {`{"fields":{"dimensions":[{"name":"a"}]},"data":[]}`, nil, "Query requires a field tagged thing."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := kind.Read(t.Context(), actiontest.JSONDetail(t, actiontest.Query(nil, nil), tt.result))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("identifiers (-want +got):\n%s", diff)
			}
			if (err != nil) != (tt.message != "") || err != nil && action.MessageOf(err) != tt.message {
				t.Errorf("error %v, want %q", err, tt.message)
			}
		})
	}
	if _, err := kind.Read(t.Context(), actiontest.Query(nil, nil)); action.MessageOf(err) != "Couldn't get data from attachment." {
		t.Errorf("without data: %v", err)
	}
}

func TestCell(t *testing.T) {
	t.Parallel()
	for value, tt := range map[string]struct {
		want    []string
		message string
	}{
		" 17\n":  {[]string{"17"}, ""},
		"":       {nil, "No cell."},
		"17, 18": {nil, "The cell's value is no thing's number. Nothing was done."},
	} {
		req := actiontest.Query(map[string]string{"value": value}, nil)
		req.Type = action.TypeCell
		got, err := kind.Read(t.Context(), req)
		if diff := cmp.Diff(tt.want, got); diff != "" || (err != nil) != (tt.message != "") || err != nil && action.MessageOf(err) != tt.message {
			t.Errorf("%q: error %v, want %q; (-want +got):\n%s", value, err, tt.message, diff)
		}
	}
}
