package segment

import (
	"bytes"
	"context"
	"errors"
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
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, action.Errorf(action.Timeout, "%s did not answer in time.", name))
	defer cancel()
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
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.endpoint, &body)
	if err != nil {
		return fmt.Errorf("preparing a call: %w", err)
	}
	req.SetBasicAuth(writeKey.Reveal(), "")
	req.Header.Set("Content-Type", "application/json")
	var answer struct {
		Success bool `json:"success"`
	}
	if err := outbound.JSON(s.http, req, name, &answer); err != nil {
		return explain(err)
	}
	if !answer.Success {
		return action.Errorf(action.Unavailable, "Segment did not confirm the rows.")
	}
	return nil
}

// explain says what a refused call means. Segment's own texts can quote what was sent.
func explain(err error) error {
	status, ok := errors.AsType[*outbound.StatusError](err)
	if !ok {
		return err
	}
	switch kind := action.KindOf(err); kind {
	case action.Unauthenticated, action.Forbidden:
		return deliver.Stop(action.Wrap(err, kind, "Segment rejected the write key."))
	case action.NotFound:
		return deliver.Stop(err)
	case action.Invalid:
		return action.Wrap(err, kind, "Segment rejected a row as an invalid message (%d).", status.Code)
	default:
		return err
	}
}
