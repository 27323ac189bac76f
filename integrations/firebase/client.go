package firebase

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/message"
	"integrationhub.dev/integrations/internal/serviceaccount"
)

// timeout bounds one call.
const timeout = 30 * time.Second

// refused tells of a service account that Google does not take.
const refused = "Google rejected the hub's service account for Firebase. The hub's administrator must check FIREBASE_CLIENT_EMAIL and FIREBASE_PRIVATE_KEY."

// send sends one notification, once.
func (i *Integration) send(ctx context.Context, m push) error {
	outbound.SecretsOf(ctx).Add(m.Token) // whoever knows it can send to the phone
	token, err := i.tokens.Token()
	if err != nil {
		return deliver.Stop(serviceaccount.Explain(ctx, err, refused)) // no other device will do better
	}
	body, err := json.Marshal(struct {
		Message push `json:"message"`
	}{m})
	if err != nil {
		return fmt.Errorf("preparing a notification: %w", err)
	}
	once := deliver.Once{Name: name, Timeout: timeout, MaybeDeliveredHint: "A notification may already have been sent."}
	return once.Do(ctx, func(ctx context.Context) error {
		address := "https://fcm.googleapis.com/v1/projects/" + url.PathEscape(i.project) + "/messages:send"
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
		if err != nil {
			return fmt.Errorf("preparing a notification: %w", err)
		}
		req.Header.Set("Content-Type", "application/json")
		token.SetAuthHeader(req)
		var sent struct {
			Name string `json:"name"`
		}
		if err := outbound.JSON(i.http, req, name, &sent); err != nil {
			return explain(err)
		}
		if sent.Name == "" {
			return outbound.Unexpected(req, errNoName, name)
		}
		return nil
	})
}

// errNoName says that an answer names no notification.
var errNoName = errors.New("the answer has no name")

// refusal is what Google's APIs answer in place of a success.
type refusal struct {
	Error struct {
		Message string `json:"message"`
		Details []struct {
			ErrorCode string `json:"errorCode"`
		} `json:"details"`
	} `json:"error"`
}

func readRefusal(err error) (refusal, bool) {
	var r refusal
	status, ok := errors.AsType[*outbound.StatusError](err)
	return r, ok && json.Unmarshal(status.Body, &r) == nil
}

// unregistered reports that the app is no longer installed on the device.
func unregistered(err error) bool {
	r, _ := readRefusal(err)
	for _, d := range r.Error.Details {
		if d.ErrorCode == "UNREGISTERED" {
			return true
		}
	}
	return false
}

// unavailable reports that Firebase took nothing and asks to be called again.
func unavailable(err error) bool {
	status, ok := errors.AsType[*outbound.StatusError](err)
	return ok && status.Code == http.StatusServiceUnavailable
}

// explain adds what Firebase says of a notification that it refused.
func explain(err error) error {
	r, ok := readRefusal(err)
	if !ok || r.Error.Message == "" {
		return err
	}
	kind := action.KindOf(err)
	return action.Wrap(err, kind, "%s Firebase says: %s", action.MessageOf(err), message.Line(r.Error.Message))
}
