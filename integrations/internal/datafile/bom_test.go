package datafile_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/datafile"
)

const bom = "\ufeff"

// both returns data as it is streamed and as it is spooled.
func both(t *testing.T, data func() action.Data) (streamed, spooled string) {
	t.Helper()
	src, err := data().Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	a, err := io.ReadAll(iotest.OneByteReader(src))
	if err != nil {
		t.Fatal(err)
	}
	blob, err := data().Spool(t.Context(), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer blob.Close()
	b, err := io.ReadAll(io.NewSectionReader(blob, 0, blob.Size()))
	if err != nil {
		t.Fatal(err)
	}
	return string(a), string(b)
}

func TestBOM(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä,ö\n", 100_000)
	for name, tt := range map[string]struct {
		choice, mime, extension, format, content, want string
	}{
		"default": {mime: "text/csv", extension: "csv", format: "csv", content: "ä,b", want: "ä,b"},
		"no": {
			choice: "no", mime: "text/csv", extension: "csv", format: "csv", content: "ä,b", want: "ä,b",
		},
		"yes": {
			choice: "yes", mime: "text/csv", extension: "csv", format: "csv", content: "ä,b", want: bom + "ä,b",
		},
		"long": {
			choice: "yes", mime: "text/csv", extension: "csv", format: "csv", content: long, want: bom + long,
		},
		"shorter than a mark": {
			choice: "yes", mime: "text/csv", extension: "csv", format: "csv", content: "a", want: bom + "a",
		},
		"there already": {
			choice: "yes", mime: "text/csv", extension: "csv", format: "csv", content: bom + "a", want: bom + "a",
		},
		"only a mark": {
			choice: "yes", mime: "text/csv", extension: "csv", format: "csv", content: bom, want: bom,
		},
		"with a character set": {
			choice: "yes", mime: "text/csv; charset=utf-8", extension: "csv", format: "csv", content: "a",
			want: bom + "a",
		},
		"no type": {
			choice: "yes", mime: "application/octet-stream", format: "csv", content: "a", want: bom + "a",
		},
		"text": {
			choice: "yes", mime: "text/plain", extension: "txt", format: "txt", content: "ä\tb", want: "ä\tb",
		},
		"JSON": {
			choice: "yes", mime: "application/json", extension: "json", format: "json", content: "[]", want: "[]",
		},
		"a ZIP file": {
			choice: "yes", mime: "application/zip", extension: "zip", format: "csv_zip", content: "PK", want: "PK",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			streamed, spooled := both(t, func() action.Data {
				req := actiontest.Inline(t, actiontest.Query(nil, map[string]string{"byte_order_mark": tt.choice, "format": tt.format}), tt.mime, tt.extension, []byte(tt.content))
				if _, err := datafile.Prepare(req); err != nil {
					t.Fatal(err)
				}
				return req.Data
			})
			if streamed != tt.want {
				t.Errorf("streamed: %.20q, want %.20q", streamed, tt.want)
			}
			if spooled != tt.want {
				t.Errorf("spooled: %.20q, want %.20q", spooled, tt.want)
			}
		})
	}
}

// A download is read the same way. Without data there is no mark either.
func TestBOMOfDownload(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{"": "", "ä": bom + "ä"} {
		streamed, spooled := both(t, func() action.Data {
			req := actiontest.Download(t, actiontest.Query(nil, map[string]string{"byte_order_mark": "yes", "format": "csv"}), func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, content)
			})
			if _, err := datafile.Prepare(req); err != nil {
				t.Fatal(err)
			}
			return req.Data
		})
		if streamed != want {
			t.Errorf("%q streamed: %q, want %q", content, streamed, want)
		}
		if spooled != want {
			t.Errorf("%q spooled: %q, want %q", content, spooled, want)
		}
	}
}

// A request without data stays one.
func TestBOMWithoutData(t *testing.T) {
	t.Parallel()
	req := actiontest.Query(nil, map[string]string{"byte_order_mark": "yes", "format": "csv"})
	if _, err := datafile.Prepare(req); err != nil || !req.Data.Empty() {
		t.Errorf("error %v; empty: %v", err, req.Data.Empty())
	}
}

// Data that breaks off within the mark's length breaks off.
func TestBOMBreaksOff(t *testing.T) {
	t.Parallel()
	req := actiontest.Download(t, actiontest.Query(nil, map[string]string{"byte_order_mark": "yes", "format": "csv"}), actiontest.BrokenDownload("a"))
	if _, err := datafile.Prepare(req); err != nil {
		t.Fatal(err)
	}
	src, err := req.Data.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	if _, err := io.Copy(io.Discard, src); action.KindOf(err) != action.Unavailable {
		t.Errorf("error %v", err)
	}
}

// A part of a blob is what the same part of the whole would be.
func TestBOMReadAt(t *testing.T) {
	t.Parallel()
	req := actiontest.Inline(t, actiontest.Query(nil, map[string]string{"byte_order_mark": "yes"}), "text/csv", "csv", []byte("abcdef"))
	if _, err := datafile.Prepare(req); err != nil {
		t.Fatal(err)
	}
	blob, err := req.Data.Spool(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	defer blob.Close()
	whole := bytes.NewReader([]byte(bom + "abcdef"))
	for from := int64(0); from <= 10; from++ {
		for size := range 11 {
			want, got := make([]byte, size), make([]byte, size)
			wantN, wantErr := whole.ReadAt(want, from)
			gotN, gotErr := blob.ReadAt(got, from)
			if gotN != wantN || !bytes.Equal(got, want) {
				t.Errorf("%d bytes from %d: %q, want %q", size, from, got[:gotN], want[:wantN])
			}
			if size > 0 && (gotErr == nil) != (wantErr == nil) {
				t.Errorf("%d bytes from %d: error %v, want %v", size, from, gotErr, wantErr)
			}
		}
	}
}

// The options are checked.
func TestPrepareErrors(t *testing.T) {
	t.Parallel()
	req := actiontest.Query(nil, map[string]string{"byte_order_mark": "perhaps", "time_zone": "Nowhere"})
	_, err := datafile.Prepare(req)
	const want = `"time_zone" must be the name of a time zone in the IANA database, such as Europe/Berlin or America/New_York. ` +
		`"byte_order_mark" must be yes or no.`
	if action.MessageOf(err) != want {
		t.Errorf("error %v, want %q", err, want)
	}
}
