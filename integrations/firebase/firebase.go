// Package firebase sends Looker's alerts to people's phones, as push notifications by Firebase
// Cloud Messaging.
package firebase

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
)

var _ action.Integration = (*Integration)(nil)

// concurrency is how many notifications are under way at once.
const concurrency = 8

// settings are the hub's: a service account of the Firebase project.
type settings struct {
	ProjectID   string        `env:"FIREBASE_PROJECT_ID,required,notEmpty"`
	ClientEmail string        `env:"FIREBASE_CLIENT_EMAIL,required,notEmpty"`
	PrivateKey  action.Secret `env:"FIREBASE_PRIVATE_KEY,required,notEmpty"`
}

// Integration sends notifications.
type Integration struct {
	settings settings
	// key is the private key in PEM.
	key  []byte
	deps action.Deps
}

// New makes the integration.
func New(deps action.Deps) (action.Integration, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	// In an environment the key's lines are often separated by \n as it is written.
	key := []byte(strings.ReplaceAll(s.PrivateKey.Reveal(), `\n`, "\n"))
	if err := checkKey(key); err != nil {
		return nil, fmt.Errorf("reading FIREBASE_PRIVATE_KEY: %w", err)
	}
	return &Integration{s, key, deps}, nil
}

// checkKey tells a key that cannot be used when the hub starts, not when an alert is due. It
// quotes nothing of it.
func checkKey(text []byte) error {
	block, _ := pem.Decode(text)
	if block == nil {
		return errors.New("not in PEM")
	}
	if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
		if _, ok := key.(*rsa.PrivateKey); ok {
			return nil
		}
	} else if _, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return nil
	}
	return errors.New("not an RSA private key, as service accounts have")
}

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	return action.Definition{
		Name: "firebase", Label: "Firebase", Description: "Use firebase to send push notifications to mobile.",
		Types:          []action.Type{action.TypeQuery},
		Formats:        []action.Format{action.JSONDetail},
		Formattings:    []action.Formatting{action.Unformatted},
		VisFormattings: []action.VisFormatting{action.NoApply},
		Download:       action.Push,
		MinVersion:     action.V(22, 3, 0),
	}
}

// Execute implements [action.Integration]. What is to be sent is all in the form, which no
// person fills in; the query's data is not looked at.
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	n, err := readNotification(req.Form)
	if err != nil {
		return nil, err
	}
	devices, err := readDevices(req.Form["deviceIds"])
	if err != nil {
		return nil, err
	}
	c := i.open(ctx)
	account := deliver.Batches(ctx, recipients(devices), deliver.Options[device]{Size: 1, Concurrency: concurrency},
		func(ctx context.Context, one []device) error { return c.send(ctx, n, one[0]) })
	if err := account.Err("notifications"); err != nil {
		return nil, err
	}
	return &action.Response{Message: fmt.Sprintf("%d notifications sent.", account.Sent())}, nil
}
