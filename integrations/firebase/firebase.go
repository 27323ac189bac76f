// Package firebase sends push notifications by Firebase Cloud Messaging, for the alerts of Looker's
// mobile app.
package firebase

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/google/serviceaccount"
	"integrationhub.dev/integrations/internal/rows"
)

var _ action.Integration = (*Integration)(nil)

const (
	name  = "Firebase"
	scope = "https://www.googleapis.com/auth/firebase.messaging"
	// concurrency is the maximum number of concurrent calls. A project can send 600,000
	// notifications a minute (https://firebase.google.com/docs/cloud-messaging/throttling-and-quotas).
	concurrency = 16
)

// settings are the service account of the hub.
type settings struct {
	Project string        `env:"FIREBASE_PROJECT_ID,required,notEmpty"`
	Email   string        `env:"FIREBASE_CLIENT_EMAIL,required,notEmpty"`
	Key     action.Secret `env:"FIREBASE_PRIVATE_KEY,required,notEmpty"`
	// Database is not used. The reference requires it.
	Database string `env:"FIREBASE_DATABASE"`
}

// Integration sends notifications.
type Integration struct {
	http    *http.Client
	project string
	tokens  oauth2.TokenSource
}

// New makes the integration.
func New(deps action.Deps) (action.Integration, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	account, err := serviceaccount.New(s.Email, s.Key)
	if err != nil {
		return nil, &action.InvalidSettingsError{Settings: []action.InvalidSettingError{{Name: "FIREBASE_PRIVATE_KEY", Reason: err.Error(), Secret: true}}}
	}
	i := &Integration{http: deps.HTTP, project: s.Project}
	if deps.HTTP != nil {
		i.tokens = account.Tokens(context.Background(), deps.HTTP, scope)
	}
	return i, nil
}

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	return rows.Definition(action.Definition{
		Name: "firebase", Label: "Firebase",
		Description: "Use firebase to send push notifications to mobile.",
		Formats:     []action.Format{action.JSONDetail},
		Download:    action.Push,
		MinVersion:  action.V(22, 3, 0),
	})
}

// Execute implements [action.Integration]. The alert is in the form's answers, the query's data is
// not used. A device that fails does not affect the others. An uninstalled app is not a failure,
// unless it is uninstalled on all devices.
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	a, err := readAlert(req.Form)
	if err != nil {
		return nil, err
	}
	if len(a.devices) == 0 {
		return &action.Response{Message: "No devices to notify."}, nil
	}
	var gone atomic.Int64
	result := deliver.Batches(ctx, deliver.Items(a.devices), deliver.Options[device]{
		Size: 1, Concurrency: concurrency,
		// As Firebase recommends: https://firebase.google.com/docs/cloud-messaging/error-codes
		Retry: deliver.Retry{MaxAttempts: 5, InitialBackoff: time.Second, MaxBackoff: time.Minute, When: unavailable},
	}, func(ctx context.Context, d []device) error {
		err := i.send(ctx, a.message(d[0]))
		if unregistered(err) {
			gone.Add(1)
			return nil
		}
		return err
	})
	if err := result.Err("notifications"); err != nil {
		return nil, err
	}
	notified := result.Sent() - int(gone.Load())
	if notified == 0 {
		return nil, action.Errorf(action.NotFound, "The app is uninstalled on all %d devices.", gone.Load())
	}
	message := fmt.Sprintf("%d notifications sent.", notified)
	if n := gone.Load(); n > 0 {
		message += fmt.Sprintf(" The app is no longer installed on %d devices.", n)
	}
	return &action.Response{Message: message}, nil
}
