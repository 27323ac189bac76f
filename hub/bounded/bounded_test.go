package bounded_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/hub/bounded"
)

const mb = 1 << 20

// endless returns prefix, then n bytes made of unit, then suffix, without holding them.
func endless(prefix, unit string, n int, suffix string) io.Reader {
	return io.MultiReader(strings.NewReader(prefix), io.LimitReader(&repeat{unit: unit}, int64(n)), strings.NewReader(suffix))
}

type repeat struct {
	unit string
	at   int
}

func (r *repeat) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = r.unit[r.at]
		r.at = (r.at + 1) % len(r.unit)
	}
	return len(p), nil
}

var lenient = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

func TestJSONKeepsValues(t *testing.T) {
	for _, tt := range []struct {
		name   string
		length int
		unit   string
	}{
		{"short", 10, "A"},
		{"just below the scanned size", mb - 10, "A"},
		{"long", 7 * mb, "A"},
		{"long, of escapes", 6 * mb, `\"`},
		{"long, of surrogates", 12 * 200_000, `\ud83d\ude00`},
		{"up to the limit", 8*mb - 2, "A"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Repeat(tt.unit, tt.length/len(tt.unit))
			d := bounded.NewJSON(strings.NewReader(`["before", "`+text+`" , {"after": [1, "`+text+`"]}, 7]`), 9*mb, lenient...)
			var got []string
			_, _ = d.ReadToken()
			for d.PeekKind() != ']' {
				v, err := d.ReadValue()
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, string(v))
			}
			want := []string{`"before"`, `"` + text + `"`, `{"after": [1, "` + text + `"]}`, "7"}
			if diff := cmp.Diff(lengths(want), lengths(got)); diff != "" || got[1] != want[1] || got[2] != want[2] {
				t.Errorf("values (-want +got): %s", diff)
			}
		})
	}
}

func lengths(values []string) []int {
	n := make([]int, len(values))
	for i, v := range values {
		n[i] = len(v)
	}
	return n
}

func TestJSONSkipsValuesOfAnySize(t *testing.T) {
	actiontest.Serial(t)
	for _, tt := range []struct{ name, prefix, unit, suffix string }{
		{"a string", `"`, "A", `"`},
		{"a string of escapes", `"`, `\\`, `"`},
		{"a string of unicode escapes", `"`, `\u00e9`, `"`},
		{"a string of surrogates", `"`, `\ud83d\ude00`, `"`},
		{"a string of lone surrogates", `"`, `\ud83d`, `"`},
		{"a string of bytes that are no UTF-8", `"`, "\xff", `"`},
		{"a list", `[0`, `,"x"`, `]`},
		{"objects within each other", `{"a":[0`, `,{"b":"\"]}"}`, `]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := 12 * mb / len(tt.unit) * len(tt.unit)
			for _, first := range []string{"", "x", "xy", "xyz"} { // so that escapes are cut at every byte
				prefix := tt.prefix
				if prefix == `"` {
					prefix += first
				}
				d := bounded.NewJSON(io.MultiReader(endless(`{"skipped": `+prefix, tt.unit, n, tt.suffix), strings.NewReader(`, "kept": "whole"}`)), 2*mb, lenient...)
				_, _ = d.ReadToken()
				_, _ = d.ReadToken()
				before := allocated()
				if err := d.SkipValue(); err != nil {
					t.Fatalf("skipping: %v", err)
				}
				if got := allocated() - before; got > 9*mb {
					t.Errorf("skipping %d bytes allocated %d", n, got)
				}
				_, _ = d.ReadToken()
				if v, err := d.ReadValue(); err != nil || string(v) != `"whole"` {
					t.Errorf("after the skipped value: %s, %v", v, err)
				}
			}
		})
	}
}

func TestJSONRefusesWhatIsTooLarge(t *testing.T) {
	actiontest.Serial(t)
	for _, tt := range []struct{ name, prefix, unit, suffix string }{
		{"a string", `["`, "A", `"]`},
		{"a string that never ends", `["`, "A", ""},
		{"a list", `[[0`, ",1", "]]"},
		{"an object", `[{"a":0`, `,"a":"x"`, "}]"},
		{"a number", `[1`, "1", "]"},
		{"blanks", `[`, " ", "1]"},
		{"an escape at the limit", `["`, `\\`, `"]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, reader := range []func(io.Reader) io.Reader{func(r io.Reader) io.Reader { return r }, iotest.HalfReader} {
				d := bounded.NewJSON(reader(endless(tt.prefix, tt.unit, 40*mb, tt.suffix)), 4*mb, lenient...)
				_, _ = d.ReadToken()
				before := allocated()
				_, err := d.ReadValue()
				if action.KindOf(err) != action.TooLarge {
					t.Fatalf("got %v", err)
				}
				if got := allocated() - before; got > 20*mb {
					t.Errorf("refusing allocated %d MB", got/mb)
				}
			}
		})
	}
}

// A connection returns little at a time, which must not cost a whole piece of memory each.
func TestJSONOfSmallReads(t *testing.T) {
	actiontest.Serial(t)
	d := bounded.NewJSON(readsOf{endless(`["`, "A", 3*mb, `"]`), 1 << 10}, 4*mb, lenient...)
	_, _ = d.ReadToken()
	before := allocated()
	v, err := d.ReadValue()
	if err != nil || len(v) != 3*mb+2 {
		t.Errorf("%d bytes, %v", len(v), err)
	}
	if got := allocated() - before; got > 20*mb {
		t.Errorf("a value of 3 MB allocated %d MB", got/mb)
	}
}

// readsOf returns at most n bytes a time.
type readsOf struct {
	io.Reader
	n int
}

func (r readsOf) Read(p []byte) (int, error) { return r.Reader.Read(p[:min(len(p), r.n)]) }

// What was read beyond a value is not lost for a reader that continues behind it.
func TestJSONUnread(t *testing.T) {
	t.Parallel()
	text := `["` + strings.Repeat("A", 30_000) + `", "next", ` + strings.Repeat(" ", 90_000) + `7]`
	in := strings.NewReader(text)
	// The first read ends inside the value, and near the end of the decoder's buffer.
	d := bounded.NewJSON(io.MultiReader(io.LimitReader(in, 22_000), in), 40_000, lenient...)
	_, _ = d.ReadToken()
	if _, err := d.ReadValue(); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(io.MultiReader(bytes.NewReader(d.Unread()), in))
	if want := text[d.InputOffset():]; err != nil || string(rest) != want {
		t.Errorf("%d bytes are left, want %d: %v", len(rest), len(want), err)
	}
}

func TestJSONPassesErrors(t *testing.T) {
	broken := errors.New("broken")
	for _, n := range []int{10, 3 * mb} {
		source := io.MultiReader(endless(`["`, "A", n, ""), iotest.ErrReader(broken))
		d := bounded.NewJSON(source, 0, lenient...)
		_, _ = d.ReadToken()
		if _, err := d.ReadValue(); !errors.Is(err, broken) {
			t.Errorf("after %d bytes: got %v", n, err)
		}
		d = bounded.NewJSON(endless(`["`, "A", n, ""), 0, lenient...)
		_, _ = d.ReadToken()
		if _, err := d.ReadValue(); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("an end after %d bytes: got %v", n, err)
		}
	}
}

func TestCSV(t *testing.T) {
	actiontest.Serial(t)
	long := strings.Repeat("A", 3*mb)
	in := "a,b\n\"" + long + "\n\"\"x\"\"\",1\n" + strings.Repeat("1,2\n", mb) + long + ",\"\n\"\n3,4"
	r := csv.NewReader(bounded.NewCSV(iotest.HalfReader(strings.NewReader(in)), 4*mb))
	want, err := csv.NewReader(strings.NewReader(in)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.ReadAll()
	if err != nil || len(got) != len(want) {
		t.Fatalf("%d records of %d, %v", len(got), len(want), err)
	}
	for i := range want {
		if !cmp.Equal(want[i], got[i]) {
			t.Fatalf("record %d differs", i)
		}
	}
	for _, tt := range []struct{ name, prefix, unit string }{
		{"a quoted field", "a,b\n\"", "A"},
		{"a quoted field of lines", "a,b\n\"", "A\n"},
		{"a field", "a,b\n", "A"},
		{"a record of many fields", "a,b\n", "1,"},
		{"a record of very many fields", "a,b\n", ","},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := csv.NewReader(bounded.NewCSV(endless(tt.prefix, tt.unit, 40*mb, ""), 4*mb))
			r.FieldsPerRecord = -1
			_, _ = r.Read()
			before := allocated()
			if _, err := r.Read(); action.KindOf(err) != action.TooLarge {
				t.Errorf("got %v", err)
			}
			if got := allocated() - before; got > 20*mb {
				t.Errorf("refusing allocated %d MB", got/mb)
			}
		})
	}
}

// allocated is how many bytes were allocated since the program began.
func allocated() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.TotalAlloc)
}
