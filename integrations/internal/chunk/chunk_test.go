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

// What a source gave before it broke off must not look like an end.
func TestBrokenSource(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]error{"an error": errors.New("broken"), "an early end": io.ErrUnexpectedEOF} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := chunk.NewReader(io.MultiReader(strings.NewReader("abcd"), iotest.ErrReader(broken)), 3)
			if piece, last, err := r.Next(); string(piece) != "abc" || last || err != nil {
				t.Errorf("first %q, %t, %v", piece, last, err)
			}
			for range 2 {
				if piece, last, err := r.Next(); piece != nil || last || !errors.Is(err, broken) {
					t.Errorf("then %q, %t, %v", piece, last, err)
				}
			}
		})
	}
}
