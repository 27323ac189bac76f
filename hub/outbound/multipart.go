package outbound

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/textproto"
	"slices"
	"strings"

	"integrationhub.dev/hub/action"
)

// File is the file of a multipart form.
type File struct {
	// Field is the form field's name, Name the file's.
	Field, Name string
	ContentType string
	Blob        action.Blob
}

// Multipart returns a body of type multipart/form-data (RFC 7578) with a file at its end. Its
// size is known, so that the server notices a body that breaks off.
func Multipart(file File, fields map[string]string) (Body, error) {
	var head bytes.Buffer
	form := multipart.NewWriter(&head)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if err := form.WriteField(name, fields[name]); err != nil {
			return Body{}, fmt.Errorf("writing a form field: %w", err)
		}
	}
	_, err := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {multipart.FileContentDisposition(file.Field, file.Name)},
		"Content-Type":        {file.ContentType},
	})
	if err != nil {
		return Body{}, fmt.Errorf("writing the file's header: %w", err)
	}
	tail := "\r\n--" + form.Boundary() + "--\r\n"
	return Body{
		ContentType: form.FormDataContentType(),
		Size:        int64(head.Len()) + file.Blob.Size() + int64(len(tail)),
		Open: func() io.Reader {
			data := io.NewSectionReader(file.Blob, 0, file.Blob.Size())
			return io.MultiReader(bytes.NewReader(head.Bytes()), data, strings.NewReader(tail))
		},
	}, nil
}
