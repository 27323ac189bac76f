package firebase

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"golang.org/x/oauth2"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/google/serviceaccount"
)

// timeout bounds one call.
const timeout = 30 * time.Second

// rejectedAccount is the message for a service account that Google rejects.
const rejectedAccount = "Google rejected the hub's service account for Firebase. " +
	"The hub's administrator must check FIREBASE_CLIENT_EMAIL and FIREBASE_PRIVATE_KEY."

// tokenRetry is for access tokens, which have no effect on devices.
var tokenRetry = deliver.Retry{MaxAttempts: 4, InitialBackoff: time.Second, MaxBackoff: 8 * time.Second}

// send sends one notification, once.
func (i *Integration) send(ctx context.Context, m push) error {
	outbound.SecretsOf(ctx).Add(m.FID, m.Token) // it allows sending to the device
	var token *oauth2.Token
	err := tokenRetry.Do(ctx, func(ctx context.Context) (err error) {
		if token, err = i.tokens.Token(); err != nil {
			return serviceaccount.Explain(ctx, err, rejectedAccount)
		}
		return nil
	})
	if err != nil {
		return deliver.Stop(err) // every other device would fail too
	}
	api := outbound.API{
		Name: name, Base: "https://fcm.googleapis.com", Client: i.http, Timeout: timeout, Authorize: token.SetAuthHeader, Explain: explain,
	}
	path := outbound.Path("v1", "projects", i.project, "messages:send")
	once := deliver.Once{Name: name, MaybeDeliveredHint: "A notification may already have been sent."}
	return once.Do(ctx, func(ctx context.Context) error {
		return api.Call(ctx, http.MethodPost, path, map[string]push{"message": m}, &sent{})
	})
}

// sent is Firebase's response to a notification.
type sent struct {
	Name string `json:"name"`
}

// Validate implements what [outbound.API.Call] asks for.
func (s *sent) Validate() error {
	if s.Name == "" {
		return errors.New("the response has no message name")
	}
	return nil
}

// failure is the body of an unsuccessful response.
type failure struct {
	Error struct {
		Message string `json:"message"`
		Details []struct {
			ErrorCode string `json:"errorCode"`
		} `json:"details"`
	} `json:"error"`
}

// failureOf decodes the body of the response that caused an error.
func failureOf(err error) (failure, bool) {
	var r failure
	status, ok := errors.AsType[*outbound.StatusError](err)
	return r, ok && json.Unmarshal(status.Body, &r) == nil
}

// unregistered reports whether the app is no longer installed on the device.
func unregistered(err error) bool {
	r, _ := failureOf(err)
	for _, d := range r.Error.Details {
		if d.ErrorCode == "UNREGISTERED" {
			return true
		}
	}
	return false
}

// unavailable reports whether Firebase sent nothing and asks for a retry.
func unavailable(err error) bool {
	status, ok := errors.AsType[*outbound.StatusError](err)
	return ok && status.Code == http.StatusServiceUnavailable
}

// rateWait is the wait after a 429: "If no retry-after header is set, default to 60 seconds."
// https://firebase.google.com/docs/cloud-messaging/scale-fcm
const rateWait = time.Minute

// explain adds Firebase's reason for rejecting a notification, and how long to wait after too many.
func explain(err *action.Error, status *outbound.StatusError) error {
	if status.Code == http.StatusTooManyRequests && status.RetryAfter == 0 {
		status.RetryAfter = rateWait
	}
	r, ok := failureOf(err)
	if !ok || r.Error.Message == "" {
		return err
	}
	return action.Wrap(err, err.Kind, "%s Firebase reported: %s", err.Message, action.Line(r.Error.Message))
}
