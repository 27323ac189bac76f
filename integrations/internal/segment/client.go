package segment

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/pasted"
	"integrationhub.dev/integrations/internal/rows"
)

// timeout bounds one call.
const timeout = 30 * time.Second

// send sends messages in one call.
func (i *Integration) send(ctx context.Context, writeKey action.Secret, messages [][]byte) error {
	// Segment corrects the messages' times by the difference between this clock and its own.
	body := rows.JSONBody(`{"batch":[`, messages, fmt.Sprintf(`],"sentAt":%q}`, time.Now().UTC().Format(timeFormat)))
	api := outbound.API{
		Name: name, Client: i.http, Timeout: timeout, Explain: explain,
		Authorize: func(req *http.Request) { req.SetBasicAuth(pasted.Token(writeKey.Reveal()), "") },
	}
	var response struct {
		Success bool `json:"success"`
	}
	if err := api.Call(ctx, http.MethodPost, i.endpoint, body, &response); err != nil {
		return err
	}
	if !response.Success {
		return action.Errorf(action.Unavailable, "Segment did not confirm the rows.")
	}
	return nil
}

// explain explains a rejected call. Segment's messages are not shown, because they can quote values.
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
