package looker

import (
	"bytes"
	"io"
	"net/http"
	"strings"
)

// download is data at a one-time address.
type download struct {
	contentType string
	data        []byte
	progress    *Progress
	// cutAfter breaks the connection after as many bytes; 0 sends all.
	cutAfter int64
}

// download serves data once.
// Source: docs/action_api.md of the reference: the address expires after 3600 seconds and after one
// use. That it then answers 404 with a page is an assumption.
func (l *Looker) download(w http.ResponseWriter, r *http.Request) {
	entry := l.journal.request(r, nil)
	id, isGet := strings.TrimPrefix(r.URL.Path, downloadPath), r.Method == http.MethodGet
	var d *download
	if isGet {
		if k, ok := l.tickets.use(id); ok {
			d = k.download
		}
	}
	if d == nil {
		l.journal.responded(entry, http.StatusNotFound, nil)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, "<html>This download does not exist.</html>\n") // the hub may have disconnected
		return
	}
	l.journal.responded(entry, http.StatusOK, nil)
	w.Header().Set("Content-Type", d.contentType)
	_, err := io.Copy(w, d.progress.download(interrupted(bytes.NewReader(d.data), d.cutAfter)))
	if err != nil {
		_ = http.NewResponseController(w).Flush() // what was written arrives before the connection breaks
		panic(http.ErrAbortHandler)
	}
}
