package kloudio

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
)

const (
	name    = "Kloudio"
	timeout = time.Minute
)

// api is Kloudio's API. key is removed from its messages.
func (i *Integration) api(key action.Secret) outbound.API {
	return outbound.API{Name: name, Client: i.http, Timeout: timeout, Explain: func(err *action.Error, status *outbound.StatusError) error {
		return explain(err, status, key)
	}}
}

// uploadURL requests a URL for the upload of a file.
func (i *Integration) uploadURL(ctx context.Context, file string, key action.Secret) (string, error) {
	var response struct {
		Success   *bool  `json:"success"`
		Message   string `json:"message"`
		SignedURL string `json:"signedURL"`
	}
	address := i.signedURL + url.QueryEscape(file) + "&apiKey=" + url.QueryEscape(key.Reveal())
	if err := i.api(key).Call(ctx, http.MethodGet, address, nil, &response); err != nil {
		return "", err
	}
	if response.SignedURL == "" || response.Success != nil && !*response.Success {
		return "", rejected(response.Message, key)
	}
	return response.SignedURL, nil
}

// upload uploads the rows to Kloudio's object store. It can be repeated.
func (i *Integration) upload(ctx context.Context, address string, data action.Data, size int64) error {
	retry := deliver.Retry{MaxAttempts: 3, InitialBackoff: time.Second, MaxBackoff: 10 * time.Second}
	return retry.Do(ctx, func(ctx context.Context) error {
		body := stream(ctx, data)
		defer body.Close()
		req, err := http.NewRequestWithContext(ctx, http.MethodPut, address, body)
		if err != nil {
			return action.Errorf(action.Unavailable, "%s returned an invalid upload URL.", name)
		}
		req.ContentLength = size
		req.Header.Set("Content-Type", "application/json")
		res, err := outbound.Do(i.http, req, name+"'s store")
		if err != nil {
			return err
		}
		defer res.Body.Close()
		return outbound.Accepted(req, res, name+"'s store")
	})
}

// importRequest is the body of the call that starts an import.
type importRequest struct {
	Destination string `json:"destination"`
	APIKey      string `json:"apiKey"`
	Spreadsheet string `json:"spreadsheetId"`
	Sheet       string `json:"sheetId"`
	FromStore   bool   `json:"s3Upload"`
	File        string `json:"data"`
	Report      string `json:"reportName"`
}

// startImport starts an import, once, and returns Kloudio's message.
func (i *Integration) startImport(ctx context.Context, r importRequest, key action.Secret) (string, error) {
	var response struct {
		Success bool   `json:"success"`
		Message string `json:"message"`
	}
	once := deliver.Once{Name: name, MaybeDeliveredHint: "The data may already have been added. Check before retrying."}
	err := once.Do(outbound.AddSecrets(ctx, key.Reveal()), func(ctx context.Context) error {
		return i.api(key).Call(ctx, http.MethodPost, i.apiURL, r, &response)
	})
	if err != nil {
		return "", err
	}
	if !response.Success {
		return "", rejected(response.Message, key)
	}
	return redact(response.Message, key), nil
}

// explain adds Kloudio's reason for rejecting a call.
func explain(err *action.Error, status *outbound.StatusError, key action.Secret) error {
	var response struct {
		Error   string `json:"error"`
		Message string `json:"message"`
	}
	_ = json.Unmarshal(status.Body, &response) // any other body has no reason
	reason := redact(cmp.Or(response.Error, response.Message), key)
	if reason == "" {
		return err
	}
	return action.Wrap(err, err.Kind, "%s returned %d: %s", name, status.Code, reason)
}

// rejected is the error for a response without success.
func rejected(text string, key action.Secret) error {
	if text = redact(text, key); text == "" {
		return action.Errorf(action.Invalid, "%s rejected the delivery without a reason.", name)
	}
	return action.Errorf(action.Invalid, "%s rejected the delivery: %s", name, text)
}

// redact returns a message of Kloudio on one line, without the API key.
func redact(text string, key action.Secret) string {
	return action.Line(strings.ReplaceAll(text, key.Reveal(), "…"))
}
