package message_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/message"
)

const plain = `{"fields":{"dimensions":[{"name":"o.day","label_short":"Day"}],"measures":[{"name":"o.sum","label":"Orders Sum"}],
"filters":[{"name":"o.f"}],"table_calculations":[{"name":"calc"}]},
"data":[{"o.day":{"value":"2026-11-23"},"o.sum":{"value":17.5,"rendered":"€17.50"},"calc":{"value":null}},
{"o.day":{"value":"a\nb\tc"},"o.sum":{"value":12345678901234567890},"calc":{"value":"x` + "`" + `y"}},
{"o.day":{"value":"last"},"calc":{"value":"0123456789012345678901234567890123456789+"}}]}`

const pivoted = `{"fields":{"dimensions":[{"name":"o.day"}],"measures":[{"name":"o.n"}]},
"pivots":[{"key":"paid|FIELD|EU"},{"key":"open"}],
"data":[{"o.day":{"value":"Mon"},"o.n":{"paid|FIELD|EU":{"value":1},"open":{"value":null,"rendered":"none"}}}]}`

func TestReadPreview(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		result string
		most   int
		want   message.Preview
	}{
		"all": {plain, 3, message.Preview{
			Titles: []string{"Day", "Orders Sum", "calc"},
			Rows: [][]string{
				{"2026-11-23", "€17.50", ""},
				{"a b c", "12345678901234567890", "x`y"},
				{"last", "", "0123456789012345678901234567890123456789+"},
			},
			Total: 3,
		}},
		"the first": {plain, 1, message.Preview{
			Titles: []string{"Day", "Orders Sum", "calc"}, Rows: [][]string{{"2026-11-23", "€17.50", ""}}, Total: 3,
		}},
		"pivots": {pivoted, 9, message.Preview{
			Titles: []string{"o.day", "o.n (paid, EU)", "o.n (open)"}, Rows: [][]string{{"Mon", "1", "none"}}, Total: 1,
		}},
		"no rows": {`{"fields":{"dimensions":[{"name":"a"}]},"data":[]}`, 9, message.Preview{Titles: []string{"a"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := actiontest.JSONDetail(t, actiontest.Query(nil, nil), tt.result)
			got, err := message.ReadPreview(t.Context(), req.Data, tt.most)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("preview (-want +got):\n%s", diff)
			}
		})
	}
}

// A result is read to its end, past the rows that are kept.
func TestReadPreviewBreaksOff(t *testing.T) {
	t.Parallel()
	req := actiontest.JSONDetail(t, actiontest.Query(nil, nil), plain[:len(plain)-3])
	if got, err := message.ReadPreview(t.Context(), req.Data, 1); action.KindOf(err) != action.Invalid {
		t.Errorf("%v, %v", got, err)
	}
}

func TestPreviewText(t *testing.T) {
	t.Parallel()
	p := message.Preview{
		Titles: []string{"Day", "Größe"},
		Rows:   [][]string{{"Mon", "1"}, {"`Tue`", "0123456789012345678901234567890123456789+"}},
		Total:  4,
	}
	for rows, want := range map[int]string{
		0: "Day  Größe\n… and 4 more of 4 rows\n",
		9: "Day    Größe\nMon    1\n'Tue'  012345678901234567890123456789012345678…\n… and 2 more of 4 rows\n",
	} {
		if got := p.Text(rows); got != want {
			t.Errorf("%d rows:\n%s\nwant\n%s", rows, got, want)
		}
	}
}

func TestPreviewTextWithoutRows(t *testing.T) {
	t.Parallel()
	if got, want := (message.Preview{Titles: []string{"Day"}}).Text(9), "Day\nno rows\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
