package bounded_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/go-json-experiment/json/jsontext"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/bounded"
)

const fuzzLimit = 64

// FuzzJSON: a bounded decoder says what an unbounded one says, except that it refuses values
// beyond the limit; and skipping a value leads to the same next one as reading it.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		`["short", {"a": [1, "\"]}"]}, "` + string(bytes.Repeat([]byte(`\u00e9`), 40)) + `", 7]`,
		`["` + string(bytes.Repeat([]byte(`\\`), 80)) + `", "next"]`, `[[[[[]]]]]`, `["\ud83d\ude00`, `[1111111111111111111111111111111111111111111111111111111111111111111111111111]`,
	} {
		f.Add([]byte(seed), uint8(0))
		f.Add([]byte(seed), uint8(0xff))
	}
	f.Fuzz(func(t *testing.T, text []byte, skip uint8) {
		plain := jsontext.NewDecoder(bytes.NewReader(text), lenient...)
		d := bounded.NewJSON(iotest.HalfReader(bytes.NewReader(text)), fuzzLimit, lenient...)
		if want, err := plain.ReadToken(); err != nil || want.Kind() != '[' {
			return
		}
		if _, err := d.ReadToken(); err != nil {
			t.Fatalf("the opening bracket: %v", err)
		}
		for n := range 20 {
			if plain.PeekKind() == ']' {
				break
			}
			want, wantErr := plain.ReadValue()
			if skip>>(n%8)&1 == 1 {
				if err := d.SkipValue(); (err == nil) != (wantErr == nil) && !tooLong(want, err) {
					t.Fatalf("skipping value %d of %q: %v, want %v", n, text, err, wantErr)
				} else if err != nil {
					return
				}
				continue
			}
			got, err := d.ReadValue()
			switch {
			case tooLong(want, err) && wantErr == nil, err != nil && wantErr != nil:
				return
			case err != nil || wantErr != nil || !bytes.Equal(got, want):
				t.Fatalf("value %d of %q: %q, %v, want %q, %v", n, text, got, err, want, wantErr)
			}
		}
	})
}

// tooLong reports that a value was refused with reason. With the blanks before it, a shorter one
// may be, too.
func tooLong(value []byte, err error) bool {
	return action.KindOf(err) == action.TooLarge && (len(value) > fuzzLimit/2 || value == nil)
}

// FuzzCSV: a bounded reader gives the records that an unbounded one gives, up to one that is
// beyond the limit.
func FuzzCSV(f *testing.F) {
	f.Add([]byte("a,b\n1,\"x\ny\"\n" + string(bytes.Repeat([]byte("z"), 80)) + ",2\n3,4\n"))
	f.Add([]byte("\"" + string(bytes.Repeat([]byte("\n"), 80))))
	f.Fuzz(func(t *testing.T, text []byte) {
		plain, r := csv.NewReader(bytes.NewReader(text)), csv.NewReader(bounded.NewCSV(iotest.HalfReader(bytes.NewReader(text)), fuzzLimit))
		plain.FieldsPerRecord, r.FieldsPerRecord = -1, -1
		for {
			want, wantErr := plain.Read()
			got, err := r.Read()
			switch {
			case action.KindOf(err) == action.TooLarge && !errors.Is(err, wantErr):
				if !longLine(text) {
					t.Fatalf("%q was refused: %v", text, err)
				}
				return
			case err != nil && wantErr != nil:
				return
			case err != nil || wantErr != nil || !slices.Equal(got, want):
				t.Fatalf("%q: %q, %v, want %q, %v", text, got, err, want, wantErr)
			}
		}
	})
}

// longLine reports whether some record may be beyond the limit.
func longLine(text []byte) bool { return len(text) > fuzzLimit }
