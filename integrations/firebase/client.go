package firebase

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/jwt"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/plaintext"
)

const (
	tokenURL = "https://oauth2.googleapis.com/token" //nolint:gosec // an address, no credential
	scope    = "https://www.googleapis.com/auth/firebase.messaging"
)

// timeout bounds one call.
const timeout = 30 * time.Second

// once is for a message, which FCM shows as often as it is sent.
var once = deliver.Once{Name: "Firebase", Timeout: timeout, Doubt: "Some of these notifications may have been sent all the same."}

// client sends messages for one delivery.
type client struct {
	http    *http.Client
	address string
	tokens  oauth2.TokenSource
}

func (i *Integration) open(ctx context.Context) *client {
	signIn := *i.deps.HTTP // the library gives its calls no time of their own
	signIn.Timeout = timeout
	account := &jwt.Config{Email: i.settings.ClientEmail, PrivateKey: i.key, Scopes: []string{scope}, TokenURL: tokenURL}
	return &client{
		http:    i.deps.HTTP,
		address: "https://fcm.googleapis.com/v1/projects/" + url.PathEscape(i.settings.ProjectID) + "/messages:send",
		tokens:  account.TokenSource(context.WithValue(ctx, oauth2.HTTPClient, &signIn)),
	}
}

// send sends the notification to one device.
func (c *client) send(ctx context.Context, n notification, d device) error {
	token, err := c.tokens.Token()
	if err != nil {
		return tokenError(ctx, err)
	}
	body, err := json.Marshal(n.message(d, time.Now()))
	if err != nil {
		return fmt.Errorf("encoding a notification: %w", err)
	}
	return once.Do(ctx, func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.address, bytes.NewReader(body))
		if err != nil {
			return fmt.Errorf("preparing a notification: %w", err)
		}
		token.SetAuthHeader(req)
		req.Header.Set("Content-Type", "application/json")
		var sent struct {
			Name string `json:"name"`
		}
		if err := outbound.JSON(c.http, req, "Firebase", &sent); err != nil {
			return explain(err, d)
		}
		if sent.Name == "" {
			return action.Errorf(action.Unavailable, "Firebase answered, but did not confirm that it took a notification.")
		}
		return nil
	})
}

// tokenError says why there is no access. The library's error quotes the answer.
func tokenError(ctx context.Context, err error) error {
	if e, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		switch kind := action.KindOfStatus(e.Response.StatusCode); kind {
		case action.Invalid, action.Unauthenticated, action.Forbidden:
			return deliver.Stop(action.Errorf(action.Unauthenticated, "Google does not take the hub's service account for Firebase. Ask the hub's administrator."))
		default:
			return deliver.Stop(action.Errorf(kind, "Google's sign-in answered %d.", e.Response.StatusCode))
		}
	}
	return deliver.Stop(outbound.ConnectionError(ctx, err, "Google's sign-in"))
}

// explain says what FCM's error codes mean:
// https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode.
func explain(err error, d device) error {
	status, ok := errors.AsType[*outbound.StatusError](err)
	if !ok {
		return err
	}
	var answer struct {
		Error struct {
			Message string
			Details []struct{ ErrorCode string }
		}
	}
	_ = json.Unmarshal(status.Body, &answer) // best effort: the status is what counts
	code := ""
	for _, detail := range answer.Error.Details {
		if detail.ErrorCode != "" {
			code = detail.ErrorCode
		}
	}
	kind := action.KindOf(err)
	switch {
	case code == "UNREGISTERED":
		return action.Wrap(err, action.NotFound, "The app is no longer installed on a device, or is not signed in there.")
	case code == "SENDER_ID_MISMATCH":
		return action.Wrap(err, kind, "A device belongs to another Firebase project.")
	case code == "QUOTA_EXCEEDED", status.Code == http.StatusServiceUnavailable:
		// FCM asks that these be sent again: it took nothing.
		return action.Wrap(err, action.RateLimited, "Firebase takes no more notifications for now (%d).", status.Code)
	case kind == action.Unauthenticated, kind == action.Forbidden:
		return deliver.Stop(action.Wrap(err, kind, "The hub's service account may not send notifications by Firebase. Ask the hub's administrator."))
	case kind == action.Invalid && answer.Error.Message != "":
		return action.Wrap(err, kind, "Firebase refused a notification: %s", plaintext.Line(strings.ReplaceAll(answer.Error.Message, string(d.ID), "…")))
	default:
		return err
	}
}
