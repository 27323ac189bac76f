package inbox

import (
	"io"

	"integrationhub.dev/hub/payload"
)

// extensions are for the names under which bodies are saved.
var extensions = map[string]string{
	"application/json": ".json", "text/csv": ".csv", "text/plain": ".txt", "text/html": ".html",
	"application/zip": ".zip", "application/pdf": ".pdf",
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
}

func newSection(b *payload.Blob) io.ReadSeeker { return io.NewSectionReader(b, 0, b.Size()) }
