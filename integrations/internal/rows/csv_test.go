package rows_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/rows"
)

type blob struct{ *strings.Reader }

func (blob) Close() error                  { return nil }
func (blob) Table() (*action.Table, error) { return nil, errors.ErrUnsupported }
func (blob) MaxValueBytes() int64          { return 2 << 20 }

// failing is a blob whose reading fails.
type failing struct{ blob }

var errDisk = errors.New("the disk is gone")

func (failing) ReadAt([]byte, int64) (int, error) { return 0, errDisk }

var (
	_ action.Blob = blob{}
	_ io.ReaderAt = failing{}
)

func TestEachCSV(t *testing.T) {
	t.Parallel()
	errStop := errors.New("enough")
	for name, tt := range map[string]struct {
		text string
		want [][]string
		kind action.Kind
		err  bool
	}{
		"rows":                   {"a,b\n1,\"x,\ny\"\r\n", [][]string{{"a", "b"}, {"1", "x,\ny"}}, 0, false},
		"nothing":                {"", nil, 0, false},
		"a mark":                 {"\ufeffa\n", [][]string{{"a"}}, 0, false},
		"ragged rows":            {"a,b\n1\n1,2,3\n", [][]string{{"a", "b"}, {"1"}, {"1", "2", "3"}}, 0, false},
		"a field past the limit": {"a,b\n1,\"" + strings.Repeat("x", 3<<20) + "\"\n", [][]string{{"a", "b"}}, action.TooLarge, true},
		"an open quote":          {"a\n\"x\n", [][]string{{"a"}}, action.Invalid, true},
		"stopped by text":        {"a\nstop\nb\n", [][]string{{"a"}, {"stop"}}, action.Internal, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got [][]string
			err := rows.EachCSV(blob{strings.NewReader(tt.text)}, func(number int64, record []string) error {
				if number != int64(len(got)) {
					t.Errorf("record %d came as number %d", len(got), number)
				}
				if got = append(got, slices.Clone(record)); record[0] == "stop" {
					return errStop
				}
				return nil
			})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if failed := err != nil; failed != tt.err {
				t.Errorf("error %v, want an error: %t", err, tt.err)
			}
			if got, want := action.KindOf(err), tt.kind; got != want {
				t.Errorf("kind %v, want %v", got, want)
			}
		})
	}
	if err := rows.EachCSV(failing{blob{strings.NewReader("a\n")}}, func(int64, []string) error { return nil }); !errors.Is(err, errDisk) {
		t.Errorf("error %v", err)
	}
}
