package chunk_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/integrations/internal/chunk"
)

func TestReader(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text string
		want []string
	}{
		"nothing":           {"", []string{""}},
		"less than a piece": {"ab", []string{"ab"}},
		"a piece":           {"abc", []string{"abc"}},
		"one byte more":     {"abcd", []string{"abc", "d"}},
		"several":           {"abcdefghi", []string{"abc", "def", "ghi"}},
	} {
		for kind, source := range map[string]func(io.Reader) io.Reader{
			"at once":       func(r io.Reader) io.Reader { return r },
			"byte by byte":  iotest.OneByteReader,
			"end with data": iotest.DataErrReader,
		} {
			t.Run(name+", "+kind, func(t *testing.T) {
				t.Parallel()
				r := chunk.NewReader(source(strings.NewReader(tt.text)), 3)
				var got []string
				for last := false; !last; {
					var piece []byte
					var err error
					if piece, last, err = r.Next(); err != nil {
						t.Fatal(err)
					}
					got = append(got, string(piece))
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("pieces (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// The end of a truncated source is an error, not the last chunk.
func TestBrokenSource(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]error{"error": errors.New("broken"), "unexpected EOF": io.ErrUnexpectedEOF} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := chunk.NewReader(io.MultiReader(strings.NewReader("abcd"), iotest.ErrReader(broken)), 3)
			first, last, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			if string(first) != "abc" {
				t.Errorf("first chunk %q, want abc", first)
			}
			if last {
				t.Error("the first chunk is the last one")
			}
			for range 2 {
				rest, last, err := r.Next()
				if !errors.Is(err, broken) {
					t.Errorf("error %v, want %v", err, broken)
				}
				if rest != nil {
					t.Errorf("chunk %q after the error", rest)
				}
				if last {
					t.Error("the error looks like the end")
				}
			}
		})
	}
}
