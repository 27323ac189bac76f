package inbox

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"integrationhub.dev/hub/payload"
)

// receiver takes every request that carries a body.
func (i *Inbox) receiver() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodPost, http.MethodPut, http.MethodPatch:
		default:
			http.Error(w, "Send deliveries with POST, PUT or PATCH.", http.StatusMethodNotAllowed)
			return
		}
		d := &Delivery{Received: i.now().UTC(), Method: r.Method, Path: r.URL.RequestURI(), Header: r.Header}
		i.receive(r.Context(), d, r.Body)
		i.add(d)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusOK)
		_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "id": d.ID})
	})
}

// receive reads a body to its end. One that is too large is counted, but not kept.
func (i *Inbox) receive(ctx context.Context, d *Delivery, body io.Reader) {
	keep := &keeper{inbox: i, spooled: i.spool.Share(ctx).Create()}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(sum, keep), body)
	d.Size, d.SHA256 = n, hexSum(sum.Sum(nil))
	switch {
	case err != nil:
		d.Problem = problem("The body is incomplete", err)
	case keep.err != nil:
		d.Problem = problem("The body was not stored", keep.err)
		keep.spooled.Abort()
		return
	}
	if blob, err := keep.spooled.Done(); err == nil {
		d.body = blob
	}
}

// keeper writes to the spool, for as long as there is room.
type keeper struct {
	inbox   *Inbox
	spooled *payload.SpoolWriter
	err     error
}

func (k *keeper) Write(p []byte) (int, error) {
	for k.err == nil {
		if _, k.err = k.spooled.Write(p); errors.Is(k.err, payload.ErrSpoolFull) && k.inbox.room() {
			k.err = nil
			continue
		}
		break
	}
	if k.err != nil {
		k.spooled.Abort() // makes room at once
	}
	return len(p), nil
}
