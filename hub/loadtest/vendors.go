package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"net/http"
	"sync"
)

// vendorHosts are those that vendors plays.
var vendorHosts = []string{
	"oauth2.googleapis.com", "www.googleapis.com", "sheets.googleapis.com", "api.dropboxapi.com", "content.dropboxapi.com",
}

// vendors plays services that a hub reaches at fixed addresses: Google Drive, Google Sheets and
// Dropbox, as far as a delivery goes that meets no fault.
type vendors struct {
	*vendorProxy

	mu    sync.Mutex
	drive upload
	box   upload
	box4  hash.Hash // of the hashes of Dropbox's blocks
	sheet sheet
}

// upload is the one file that is uploaded.
type upload struct {
	digest digest
	sum    hash.Hash
}

// sheet counts what came into a spreadsheet.
type sheet struct {
	rows, calls int
}

func startVendors(ctx context.Context, cert *certificate) (*vendors, error) {
	v := &vendors{}
	routes := http.NewServeMux()
	for pattern, handle := range map[string]func(http.ResponseWriter, *http.Request) error{
		"POST www.googleapis.com/upload/drive/v3/files":                v.beginDrive,
		"PUT www.googleapis.com/upload/drive/v3/files":                 v.putDrive,
		"GET www.googleapis.com/drive/v3/files":                        answer(map[string]any{"files": []any{}}),
		"POST www.googleapis.com/drive/v3/files":                       v.createSheet,
		"PATCH www.googleapis.com/drive/v3/files/sheet":                answer(map[string]any{"id": "sheet"}),
		"GET sheets.googleapis.com/v4/spreadsheets/sheet":              answer(firstTab),
		"POST sheets.googleapis.com/v4/spreadsheets/{call}":            v.updateSheet,
		"POST api.dropboxapi.com/2/users/get_current_account":          answer(map[string]any{"root_info": map[string]any{}}),
		"POST content.dropboxapi.com/2/files/upload_session/start":     v.beginBox,
		"POST content.dropboxapi.com/2/files/upload_session/append_v2": v.putBox,
		"POST content.dropboxapi.com/2/files/upload_session/finish":    v.finishBox,
	} {
		routes.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := handle(w, r); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
			}
		})
	}
	var err error
	v.vendorProxy, err = startVendorProxy(ctx, cert, routes, func(string) bool { return false })
	return v, err
}

// environment is what leads a hub here.
func (v *vendors) environment() map[string]string {
	env := v.vendorProxy.environment()
	maps.Copy(env, map[string]string{
		"GOOGLE_DRIVE_CLIENT_ID": "load", "GOOGLE_DRIVE_CLIENT_SECRET": secret,
		"GOOGLE_SHEET_CLIENT_ID": "load", "GOOGLE_SHEET_CLIENT_SECRET": secret,
		"DROPBOX_ACTION_APP_KEY": "load", "DROPBOX_ACTION_APP_SECRET": secret,
	})
	return env
}

func answer(v any) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Content-Type", "application/json")
		return json.NewEncoder(w).Encode(v)
	}
}

// take adds a piece to an upload, which must continue where it is.
func (u *upload) take(from int64, body io.Reader) error {
	if from != u.digest.Size {
		return fmt.Errorf("a piece at %d, want one at %d", from, u.digest.Size)
	}
	return copyBuffered(io.MultiWriter(&u.digest, u.sum), body)
}

// beginDrive and putDrive are Drive's resumable upload.
// https://developers.google.com/workspace/drive/api/guides/manage-uploads#resumable
func (v *vendors) beginDrive(w http.ResponseWriter, r *http.Request) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.drive = upload{sum: sha256.New()}
	w.Header().Set("Location", "https://www.googleapis.com/upload/drive/v3/files?upload_id=1")
	return copyBuffered(io.Discard, r.Body)
}

func (v *vendors) putDrive(w http.ResponseWriter, r *http.Request) error {
	var from, to int64
	var total string
	if _, err := fmt.Sscanf(r.Header.Get("Content-Range"), "bytes %d-%d/%s", &from, &to, &total); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.drive.take(from, r.Body); err != nil {
		return err
	}
	if total == "*" {
		w.Header().Set("Range", fmt.Sprintf("bytes=0-%d", v.drive.digest.Size-1))
		w.WriteHeader(http.StatusPermanentRedirect)
		return nil
	}
	return answer(map[string]string{"id": "file", "sha256Checksum": hex.EncodeToString(v.drive.sum.Sum(nil))})(w, r)
}

// beginBox, putBox and finishBox are Dropbox's upload session.
// https://www.dropbox.com/developers/documentation/http/documentation#files-upload_session-start
func (v *vendors) beginBox(w http.ResponseWriter, r *http.Request) error {
	v.mu.Lock()
	v.box, v.box4 = upload{sum: sha256.New()}, sha256.New()
	v.mu.Unlock()
	if err := v.takeBox(r, 0); err != nil {
		return err
	}
	return answer(map[string]string{"session_id": "1"})(w, r)
}

func (v *vendors) putBox(w http.ResponseWriter, r *http.Request) error {
	at, err := cursorOf(r)
	if err == nil {
		err = v.takeBox(r, at)
	}
	return errors.Join(err, answer(nil)(w, r))
}

func (v *vendors) finishBox(w http.ResponseWriter, r *http.Request) error {
	at, err := cursorOf(r)
	if err == nil {
		err = v.takeBox(r, at)
	}
	if err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return answer(map[string]string{"content_hash": hex.EncodeToString(v.box4.Sum(nil))})(w, r)
}

func cursorOf(r *http.Request) (int64, error) {
	var arg struct {
		Cursor struct {
			Offset int64 `json:"offset"`
		} `json:"cursor"`
	}
	err := json.Unmarshal([]byte(r.Header.Get("Dropbox-Api-Arg")), &arg)
	return arg.Cursor.Offset, err
}

// takeBox hashes a piece block by block: https://www.dropbox.com/developers/reference/content-hash
func (v *vendors) takeBox(r *http.Request, from int64) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	for {
		block := sha256.New()
		before := v.box.digest.Size
		v.box.sum = block
		if err := v.box.take(from, io.LimitReader(r.Body, 4*mib)); err != nil {
			return err
		}
		if v.box.digest.Size == before {
			return nil
		}
		from = v.box.digest.Size
		v.box4.Write(block.Sum(nil))
	}
}

// firstTab is what Sheets says of a new spreadsheet.
var firstTab = map[string]any{"sheets": []any{map[string]any{"properties": map[string]any{
	"sheetId": 0, "title": "Sheet1", "sheetType": "GRID", "gridProperties": map[string]int{"rowCount": 1000, "columnCount": 26},
}}}}

func (v *vendors) createSheet(w http.ResponseWriter, r *http.Request) error {
	v.mu.Lock()
	v.sheet = sheet{}
	v.mu.Unlock()
	return answer(map[string]string{"id": "sheet"})(w, r)
}

// updateSheet counts the rows of a batch, by what each begins with.
func (v *vendors) updateSheet(w http.ResponseWriter, r *http.Request) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	if !json.Valid(body) {
		return errors.New("no JSON")
	}
	v.mu.Lock()
	v.sheet.rows += bytes.Count(body, []byte(`{"values":`))
	v.sheet.calls++
	v.mu.Unlock()
	return answer(map[string]string{"spreadsheetId": "sheet"})(w, r)
}
