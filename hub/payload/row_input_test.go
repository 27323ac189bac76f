package payload_test

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/payload"
)

// Rows that do not fit into the buffer, or are nested deeply, are decoded in another way than those between
// which they are; none may get lost there.
func TestRowsOfAnySize(t *testing.T) {
	t.Parallel()
	const head, columns = `{"fields":{"dimensions":[{"name":"a"},{"name":"b"}]}`, `{"a":{"value":1},"b":{"value":2}},`
	large := strings.Repeat("x", 100_000)
	deep := strings.Repeat("[", 500) + strings.Repeat("]", 500)
	for name, values := range map[string][]string{
		"a large one first":     {`"` + large + `"`, "1", "2"},
		"a large one last":      {"1", "2", `"` + large + `"`},
		"large ones":            {`"` + large + `"`, `"` + large + `y"`, "1", `"` + large + `z"`, "2", "3"},
		"larger than a piece":   {"1", `"` + large + large + large + large + large + large + large + large + large + large + large + large + `"`, "2"},
		"deep ones":             {"1", deep, "2", deep, deep},
		"of any length":         stringsOf(2000, 3000),
		"rows over many blocks": stringsOf(3000, 3),
	} {
		var detail, label strings.Builder
		var want [][]string
		detail.WriteString(columns)
		label.WriteString(`{"a":1,"b":2},`)
		want = append(want, []string{"1", "2"})
		for _, v := range values {
			detail.WriteString(`{"b":{"rendered":"r","value":` + v + `} , "skipped":` + v + ` },` + "\n")
			label.WriteString(`{"b":` + v + "}\n,")
			want = append(want, []string{"", strings.Trim(v, `"`)})
		}
		rows := strings.TrimRight(detail.String(), ",\n")
		for format, text := range map[string]string{
			"columns first": head + `,"data":[` + rows + `],"ran_at":""}`,
			"columns last":  `{"data":[` + rows + `],` + strings.TrimPrefix(head, "{") + "}",
			"labels":        "[" + strings.TrimRight(label.String(), ",") + "]",
		} {
			t.Run(name+", "+format, func(t *testing.T) {
				t.Parallel()
				tab, err := blobTable(t, []byte(text))
				if err != nil {
					t.Fatal(err)
				}
				got, err := texts(tab)
				if diff := cmp.Diff(want, got); diff != "" || err != nil {
					t.Errorf("%v, (-want +got):\n%.1000s", err, diff)
				}
			})
		}
	}
}

// A hub with a small limit reads the input in pieces that are larger than the limit.
func TestRowsNearTheLimit(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	var want [][]string
	for _, v := range stringsOf(40, 30_000) {
		text.WriteString(`,{"a":{"value":` + v + `}}`)
		want = append(want, []string{strings.Trim(v, `"`)})
	}
	e := decode(t, `{"attachment":{"mimetype":"application/json","data":{"fields":{"dimensions":[{"name":"a"}]},"data":[`+text.String()[1:]+`]}}}`)
	e.MaxValueBytes = 40_000
	tab, err := e.Data(nil).Table(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rows, err := texts(tab)
	if diff := cmp.Diff(want, rows); diff != "" || err != nil {
		t.Errorf("%v, (-want +got):\n%.1000s", err, diff)
	}
}

// stringsOf returns n strings of up to a maximum length.
func stringsOf(n, maxLength int) (values []string) {
	for i := range n {
		values = append(values, `"`+strings.Repeat("é", i*67%(maxLength+1)/len("é"))+`"`)
	}
	return values
}

// The log says where a result is not valid, however the rows before that were read.
func TestPositionOfInvalidRows(t *testing.T) {
	t.Parallel()
	const head = `{"fields":{"dimensions":[{"name":"a"}]},"data":[`
	for name, tt := range map[string]struct{ before, invalid, after, within string }{
		"the first row":         {head + `{"a":{"value":`, `!`, `}}]}`, `"/data/0/a/value"`},
		"a later row":           {head + strings.Repeat(`{"a":{"value":1}},`, 10_000) + `{"a":{"value":[0,`, `!`, `]}}]}`, `"/data/10000/a/value/1"`},
		"after a large row":     {head + `{"a":{"value":"` + strings.Repeat("x", 100_000) + `"}},{},{"a":`, `!`, `}]}`, `"/data/2/a"`},
		"behind the rows":       {head + `{"a":{"value":1}},{}],"b":`, `!`, `}`, `"/b"`},
		"a labelled row":        {`[{"a":1},{"a":2},{"a":`, `!`, `}]`, `"/2/a"`},
		"the second label row":  {`[{"a":1},{"a":`, `!`, `}]`, `"/1/a"`},
		"between labelled rows": {`[{"a":1},{"a":2}`, `!`, `{"a":3}]`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tab, err := blobTable(t, []byte(tt.before+tt.invalid+tt.after))
			if err != nil {
				t.Fatal(err)
			}
			_, err = texts(tab)
			if err == nil {
				t.Fatal("no error")
			}
			want := tt.within
			if want != "" {
				want = " within " + want
			}
			if want += " after offset " + strconv.Itoa(len(tt.before)); !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want it to contain %q", err.Error(), want)
			}
		})
	}
}

// onceBroken is the body of a download that breaks off, and does not say so when it is read again.
type onceBroken struct {
	io.Reader
	broken bool
}

func (b *onceBroken) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if errors.Is(err, io.EOF) && !b.broken {
		b.broken = true
		return n, errors.New("connection reset")
	}
	return n, err
}

func (b *onceBroken) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(b)}, nil
}

func TestRowsOfBrokenDownload(t *testing.T) {
	t.Parallel()
	body := &onceBroken{Reader: strings.NewReader(`{"fields":{"dimensions":[{"name":"a"}]},"data":[{"a":{"value":1}},{"a":{"val`)}
	e := &payload.Envelope{Plan: payload.ScheduledPlan{DownloadURL: "http://looker.example/"}}
	tab, err := e.Data(&payload.Downloader{Client: &http.Client{Transport: body}, Timeout: time.Minute}).Table(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rows, err := texts(tab)
	if want := "The download from Looker ended before the data was complete."; action.MessageOf(err) != want || len(rows) != 1 {
		t.Errorf("%d rows, then %v, want %q", len(rows), err, want)
	}
}
