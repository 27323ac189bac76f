package rows_test

import (
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/rows"
)

var thing = rows.IDKind{Tag: "thing", Valid: regexp.MustCompile(`^[1-9][0-9]*$`), Noun: "thing ID", NoCell: "No cell."}

const idsHead = `{"fields":{"dimensions":[{"name":"a"},{"name":"b","tags":["x","thing"]}]},"data":[`

func TestIDs(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		result  string
		want    []string
		message string
	}{
		"several, one twice": {idsHead + `{"b":{"value":" 12 "}},{"b":{"value":12}},{"b":{"value":12345678901234567890}}]}`, []string{"12", "12345678901234567890"}, ""},
		"no rows":            {idsHead + `]}`, nil, ""},
		"invalid ones": {
			idsHead + `{"b":{"value":1}},{"b":{"value":null}},{"b":{"value":"1/2"}},{"b":{"value":1.5}},{}]}`, nil,
			"4 of 5 rows have no valid thing ID in the field tagged thing. Nothing was done.",
		},
		"truncated": {idsHead + `{"b":{"value":1}},`, nil, "The data ended before the result was complete."},
		"no column": {`{"fields":{"dimensions":[{"name":"a"}]},"data":[]}`, nil, "Query requires a field tagged thing."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := thing.Read(t.Context(), actiontest.JSONDetail(t, actiontest.Query(nil, nil), tt.result))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("identifiers (-want +got):\n%s", diff)
			}
			if (err != nil) != (tt.message != "") || err != nil && action.MessageOf(err) != tt.message {
				t.Errorf("error %v, want %q", err, tt.message)
			}
		})
	}
	if _, err := thing.Read(t.Context(), actiontest.Query(nil, nil)); action.MessageOf(err) != "Couldn't get data from attachment." {
		t.Errorf("without data: %v", err)
	}
}

// messageOf returns the message of an error, and "" for none.
func messageOf(err error) string {
	if err == nil {
		return ""
	}
	return action.MessageOf(err)
}

func TestIDOfACell(t *testing.T) {
	t.Parallel()
	for value, tt := range map[string]struct {
		want    []string
		message string
	}{
		" 17\n":  {[]string{"17"}, ""},
		"":       {nil, "No cell."},
		"17, 18": {nil, "The cell's value is not a valid thing ID. Nothing was done."},
	} {
		req := actiontest.Query(map[string]string{"value": value}, nil)
		req.Type = action.TypeCell
		got, err := thing.Read(t.Context(), req)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%q: IDs (-want +got):\n%s", value, diff)
		}
		if message := messageOf(err); message != tt.message {
			t.Errorf("%q: error %q, want %q", value, message, tt.message)
		}
	}
}
