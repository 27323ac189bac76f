package googletest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"

	"integrationhub.dev/hub/action/actiontest"
)

// Upload is a resumable upload that is under way.
type Upload struct {
	File    *File
	Content []byte
}

const quarterMiB = 256 << 10

func (f *Fake) routeUpload(r actiontest.Recorded) (what string, answer func() actiontest.Reply) {
	id := r.Query.Get("upload_id")
	switch {
	case r.Method == http.MethodPost && id == "":
		return "session", func() actiontest.Reply { return f.begin(r) }
	case r.Method == http.MethodDelete && id != "":
		return "cancel", func() actiontest.Reply {
			delete(f.Uploads, id)
			return actiontest.Reply{Status: 499}
		}
	case r.Method == http.MethodPut && len(r.Body) == 0:
		return "status", func() actiontest.Reply { return f.piece(r, id) }
	case r.Method == http.MethodPut:
		return "piece", func() actiontest.Reply { return f.piece(r, id) }
	}
	return "", nil
}

func (f *Fake) begin(r actiontest.Recorded) actiontest.Reply {
	if r.Query.Get("uploadType") != "resumable" {
		return bad("uploadType")
	}
	file, refusal := f.described(r)
	if refusal != nil {
		return *refusal
	}
	if file.MIME == "" {
		file.MIME = r.Header.Get("X-Upload-Content-Type")
	}
	return f.session(&Upload{File: file})
}

// beginVersion begins an upload in place of a file's content.
func (f *Fake) beginVersion(r actiontest.Recorded, id string) actiontest.Reply {
	if r.Query.Get("uploadType") != "resumable" {
		return bad("uploadType")
	}
	if string(r.Body) != "{}" {
		return bad("The parents field is not directly writable in update requests.")
	}
	return f.known(r, id, func(file *File) actiontest.Reply { return f.session(&Upload{File: file}) })
}

func (f *Fake) session(u *Upload) actiontest.Reply {
	id := f.id("upload")
	f.Uploads[id] = u
	const session = "https://www.googleapis.com/upload/drive/v3/files?uploadType=resumable&upload_id="
	return actiontest.Reply{Header: map[string]string{"Location": session + id}}
}

// piece takes "bytes 0-9/*" and "bytes 10-12/13", and tells where it is on "bytes */*".
func (f *Fake) piece(r actiontest.Recorded, id string) actiontest.Reply {
	if u := f.finished[id]; u != nil {
		return f.complete(id, u)
	}
	u := f.Uploads[id]
	if u == nil {
		return Refusal(http.StatusNotFound, "notFound", "Not Found")
	}
	span, total, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Content-Range"), "bytes "), "/")
	whole := -1
	if total != "*" {
		if _, err := fmt.Sscanf(total, "%d", &whole); err != nil {
			return bad("Content-Range")
		}
	}
	if span != "*" {
		var from, to int
		if _, err := fmt.Sscanf(span, "%d-%d", &from, &to); err != nil || to-from+1 != len(r.Body) ||
			from != len(u.Content) || whole < 0 && (to+1)%quarterMiB != 0 {
			return bad("Invalid request. The bytes do not fit: " + r.Header.Get("Content-Range"))
		}
		body := r.Body
		if f.Accept > 0 && len(body) > f.Accept {
			body, whole = body[:f.Accept], -1
			f.Accept = 0
		}
		u.Content = append(u.Content, body...)
	}
	if whole == len(u.Content) {
		return f.complete(id, u)
	}
	header := map[string]string{}
	if len(u.Content) > 0 {
		header["Range"] = fmt.Sprintf("bytes=0-%d", len(u.Content)-1)
	}
	return actiontest.Reply{Status: http.StatusPermanentRedirect, Header: header}
}

// complete makes the file. The session goes on to tell of it.
func (f *Fake) complete(id string, u *Upload) actiontest.Reply {
	if f.finished[id] == nil {
		if u.File.ID == "" {
			u.File.ID = f.id("file")
			f.Files = append(f.Files, u.File)
		}
		u.File.Content = u.Content
		delete(f.Uploads, id)
		f.finished[id] = u
	}
	content := u.Content
	if f.BadSum {
		content = append([]byte("x"), content...)
	}
	sum := sha256.Sum256(content)
	return JSON(http.StatusOK, map[string]string{"id": u.File.ID, "sha256Checksum": hex.EncodeToString(sum[:])})
}
