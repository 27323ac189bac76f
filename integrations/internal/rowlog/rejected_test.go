package rowlog_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/rowlog"
)

func unzip(t *testing.T, object []byte) string {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(object))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The rows that the hub or the destination rejected are stored with the reason.
func TestRejectedRows(t *testing.T) {
	t.Parallel()
	bucket := newMemory()
	l := rowlog.NewIn(bucket, true)
	d := &destination{records: map[string]string{}, fails: map[string]bool{"bad": true, `=1+"2"`: true}}
	_, err := run(t.Context(), l, request("no"), d, []record{{"a", "1"}, {"b", "bad"}, {"", "x"}, {"-5", `=1+"2"`}, {"e", "1"}}, keyOf)
	names := bucket.names()
	if len(names) != 1 || !regexp.MustCompile(`^rejected/acme_crm/\d{4}-\d\d-\d\d/\d{6}-[0-9a-f-]{36}\.csv\.gz$`).MatchString(names[0]) {
		t.Fatalf("objects %v", names)
	}
	want := "2 of 5 rows delivered, 3 rejected. A row has no ID. The content is bad. The rows that were not delivered are stored in mem://bucket/" + names[0] + "."
	if got := action.MessageOf(err); got != want || action.KindOf(err) != action.Invalid {
		t.Errorf("message %q, want %q", got, want)
	}
	lines := strings.Split(strings.TrimSpace(unzip(t, bucket.objects[names[0]])), "\n")
	wantLines := []string{"id,'=Content,Reason", ",x,A row has no ID.", "b,bad,The content is bad.", `-5,"'=1+""2""",The content is bad.`}
	if diff := cmp.Diff(wantLines, lines); diff != "" {
		t.Errorf("file (-want +got):\n%s", diff)
	}
}

func TestNothingRejected(t *testing.T) {
	t.Parallel()
	bucket := newMemory()
	d := &destination{records: map[string]string{}}
	message, err := run(t.Context(), rowlog.NewIn(bucket, true), request("no"), d, parse("a=1"), keyOf)
	if err != nil || message != "1 rows sent." || len(bucket.names()) != 0 {
		t.Errorf("message %q, error %v, stored %v", message, err, bucket.names())
	}
}

// The file's size is bounded, and the message says that it is not complete.
func TestManyRejectedRows(t *testing.T) {
	t.Parallel()
	bucket := newMemory()
	random := rand.New(rand.NewPCG(1, 2))
	all := make([]record, 300)
	d := &destination{records: map[string]string{}, fails: map[string]bool{}}
	for n := range all {
		content := make([]byte, 64<<10)
		for i := range content {
			content[i] = byte('0' + random.IntN(64))
		}
		all[n] = record{"k", string(content)}
		d.fails[string(content)] = true
	}
	_, err := run(t.Context(), rowlog.NewIn(bucket, true), request("no"), d, all, keyOf)
	message := regexp.MustCompile(`The first (\d+) of 300 rows that were not delivered are stored in`).FindStringSubmatch(action.MessageOf(err))
	if message == nil {
		t.Fatalf("error %v", err)
	}
	object := bucket.objects[bucket.names()[0]]
	if len(object) > 6<<20 {
		t.Errorf("%d bytes", len(object))
	}
	if rows := strings.Count(unzip(t, object), "\n") - 1; message[1] != strconv.Itoa(rows) {
		t.Errorf("%d rows stored, message %q", rows, message[0])
	}
}

// Rows that failed are not hidden by a bucket that cannot be written.
func TestRejectedRowsCannotBeStored(t *testing.T) {
	t.Parallel()
	bucket := newMemory()
	bucket.err = action.Errorf(action.Forbidden, "Amazon S3 denied access.")
	d := &destination{records: map[string]string{}, fails: map[string]bool{"bad": true}}
	manual := request("no")
	manual.Plan.ID = ""
	_, err := run(t.Context(), rowlog.NewIn(bucket, true), manual, d, parse("a=bad"), keyOf)
	const want = "The content is bad. The rows that were not delivered could not be stored: Amazon S3 denied access."
	if got := action.MessageOf(err); got != want || action.KindOf(err) != action.Invalid {
		t.Errorf("message %q, want %q", got, want)
	}
}

// A destination that gets all rows keeps those that were not delivered. A row may have several items, and the
// destination may not name an item that failed.
func TestKeep(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		unnamed []int
		file    []string
		note    string
	}{
		"all are named": {
			file: []string{"id,'=Content,Reason", "b,2,Item 2 is bad.", "b,2,Item 3 is bad."},
			note: "The rows that were not delivered are stored in mem://bucket/",
		},
		"some are not": {
			unnamed: []int{3}, file: []string{"id,'=Content,Reason", "b,2,Item 2 is bad."},
			note: "1 of the rows that were not delivered are stored in mem://bucket/",
		},
		"none is": {unnamed: []int{2, 3}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bucket := newMemory()
			d := rowlog.NewIn(bucket, true).Keep(table(parse("a=1 b=2")))
			for row, err := range d.Rows() {
				if err != nil {
					t.Fatal(err)
				}
				d.Item(row)
				d.Item(row)
			}
			for _, i := range tt.unnamed {
				d.Unnamed(i)
			}
			for i := range 4 {
				var err error
				if i > 1 {
					err = action.Errorf(action.Invalid, "Item %d is bad.", i)
				}
				d.Outcome(i, err)
			}
			if note := d.Store(t.Context(), "rows"); !strings.HasPrefix(note, tt.note) || tt.note == "" && note != "" {
				t.Errorf("note %q, want %q", note, tt.note)
			}
			var got []string
			for _, object := range bucket.names() {
				got = strings.Split(strings.TrimSpace(unzip(t, bucket.objects[object])), "\n")
			}
			if diff := cmp.Diff(tt.file, got); diff != "" {
				t.Errorf("file (-want +got):\n%s", diff)
			}
		})
	}
}

// Without a bucket, or a setting for rejected rows, nothing is kept.
func TestKeepNothing(t *testing.T) {
	t.Parallel()
	for name, l := range map[string]*rowlog.Log{"no bucket": nil, "no setting": rowlog.NewIn(newMemory(), false)} {
		d := l.Keep(table(parse("a=1")))
		d.Item(action.Row{})
		d.Unnamed(0)
		d.Outcome(0, action.Errorf(action.Invalid, "Bad."))
		if note := d.Store(t.Context(), "rows"); note != "" {
			t.Errorf("%s: note %q", name, note)
		}
	}
}
