package segment

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
)

// timeout bounds one call.
const timeout = 30 * time.Second

// envelope is more than a call holds beside its messages.
const envelope = 100

// send sends messages in one call.
func (s *Sender) send(ctx context.Context, writeKey action.Secret, messages [][]byte) error {
	var body bytes.Buffer
	body.WriteString(`{"batch":[`)
	for i, m := range messages {
		if i > 0 {
			body.WriteByte(',')
		}
		body.Write(m)
	}
	// Segment corrects the messages' times by the difference between this clock and its own.
	fmt.Fprintf(&body, `],"sentAt":%q}`, time.Now().UTC().Format(timeFormat))
	api := outbound.API{
		Name: name, Client: s.http, Timeout: timeout, Explain: explain,
		Authorize: func(req *http.Request) { req.SetBasicAuth(writeKey.Reveal(), "") },
	}
	var answer struct {
		Success bool `json:"success"`
	}
	if err := api.Call(ctx, http.MethodPost, s.endpoint, outbound.Bytes("application/json", body.Bytes()), &answer); err != nil {
		return err
	}
	if !answer.Success {
		return action.Errorf(action.Unavailable, "Segment did not confirm the rows.")
	}
	return nil
}

// explain says what a rejected call means. Segment's own texts can quote what was sent.
func explain(err *action.Error, status *outbound.StatusError) error {
	switch err.Kind {
	case action.Unauthenticated, action.Forbidden:
		return deliver.Stop(action.Wrap(err, err.Kind, "Segment rejected the write key."))
	case action.NotFound:
		return deliver.Stop(err)
	case action.Invalid:
		return action.Wrap(err, err.Kind, "Segment rejected a row as an invalid message (%d).", status.Code)
	default:
		return err
	}
}
