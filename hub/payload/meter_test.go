package payload_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/payload"
)

// taken is a meter that adds up.
type taken struct{ bytes, rows int }

func (m *taken) Bytes(n int) { m.bytes += n }
func (m *taken) Row()        { m.rows++ }

func TestMetered(t *testing.T) {
	t.Parallel()
	const result = `{"fields":{"dimensions":[{"name":"a"}]},"data":[{"a":{"value":1}},{"a":{"value":2}}]}`
	ways := map[string]struct {
		read func(*testing.T, action.Data) error
		want taken
	}{
		"opened": {func(t *testing.T, d action.Data) error {
			t.Helper()
			r, err := d.Open(t.Context())
			if err != nil {
				return err
			}
			defer r.Close()
			_, err = io.Copy(io.Discard, r)
			return err
		}, taken{bytes: len(result)}},
		"spooled and read twice": {func(t *testing.T, d action.Data) error {
			t.Helper()
			b, err := d.Spool(t.Context(), 1<<20)
			if err != nil {
				return err
			}
			defer b.Close()
			for range 2 {
				if _, err := io.Copy(io.Discard, io.NewSectionReader(b, 0, b.Size())); err != nil {
					return err
				}
			}
			return nil
		}, taken{bytes: len(result)}},
		"too large for the destination": {func(t *testing.T, d action.Data) error {
			t.Helper()
			if _, err := d.Spool(t.Context(), 3); err == nil {
				t.Error("more was spooled than the destination takes")
			}
			return nil
		}, taken{}},
		"as a table": {func(t *testing.T, d action.Data) error {
			t.Helper()
			table, err := d.Table(t.Context())
			if err != nil {
				return err
			}
			for _, err := range table.Rows() {
				if err != nil {
					return err
				}
			}
			return nil
		}, taken{bytes: len(result), rows: 2}},
	}
	for name, way := range ways {
		for source, envelope := range map[string]string{
			"inline":   `{"attachment":{"mimetype":"application/json","extension":"json","data":` + result + `}}`,
			"download": "",
		} {
			t.Run(name+", "+source, func(t *testing.T) {
				t.Parallel()
				spool := &payload.Spool{Dir: t.TempDir()}
				download := &payload.Downloader{Client: http.DefaultClient, Timeout: 1 << 40}
				e := &payload.Envelope{}
				if envelope == "" {
					srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, result) }))
					t.Cleanup(srv.Close)
					e.Plan.DownloadURL = srv.URL
				} else {
					var err error
					if e, err = payload.Decode(strings.NewReader(envelope), spool.Share(t.Context())); err != nil {
						t.Fatal(err)
					}
					defer e.Close()
				}
				var got taken
				if err := way.read(t, e.MeteredData(download, &got)); err != nil {
					t.Fatal(err)
				}
				if got != way.want {
					t.Errorf("took %+v, want %+v", got, way.want)
				}
			})
		}
	}
}
