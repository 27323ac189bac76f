package kloudio

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

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/message"
)

const (
	name    = "Kloudio"
	timeout = time.Minute
)

// uploadAddress asks where the file may be put.
func (i *Integration) uploadAddress(ctx context.Context, file string, key action.Secret) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, action.Errorf(action.Timeout, "%s did not answer in time.", name))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, i.signedURL+url.QueryEscape(file)+"&apiKey="+url.QueryEscape(key.Reveal()), nil)
	if err != nil {
		return "", errors.New("KLOUDIO_SIGNED_URL is not the beginning of a URL")
	}
	var answer struct {
		Success   *bool  `json:"success"`
		Message   string `json:"message"`
		SignedURL string `json:"signedURL"`
	}
	if err := outbound.JSON(i.http, req, name, &answer); err != nil {
		return "", explain(err, key)
	}
	if answer.SignedURL == "" || answer.Success != nil && !*answer.Success {
		return "", refused(answer.Message, key)
	}
	return answer.SignedURL, nil
}

// upload puts the rows into Kloudio's store. Putting them there again changes nothing.
func (i *Integration) upload(ctx context.Context, address string, data action.Data, size int64) error {
	retry := deliver.Retry{MaxAttempts: 3, InitialBackoff: time.Second, MaxBackoff: 10 * time.Second}
	return retry.Do(ctx, func(ctx context.Context) error {
		body := stream(ctx, data)
		defer body.Close()
		req, err := http.NewRequestWithContext(ctx, http.MethodPut, address, body)
		if err != nil {
			return action.Errorf(action.Unavailable, "%s named an upload address that is none.", name)
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

// order is what begins an import.
type order struct {
	Destination string `json:"destination"`
	APIKey      string `json:"apiKey"`
	Spreadsheet string `json:"spreadsheetId"`
	Sheet       string `json:"sheetId"`
	FromStore   bool   `json:"s3Upload"`
	File        string `json:"data"`
	Report      string `json:"reportName"`
}

// begin begins the import, once, and returns what Kloudio says of it.
func (i *Integration) begin(ctx context.Context, o order, key action.Secret) (string, error) {
	body, err := json.Marshal(o) //nolint:gosec // Kloudio takes its key there
	if err != nil {
		return "", fmt.Errorf("preparing the import: %w", err)
	}
	var answer struct {
		Success bool   `json:"success"`
		Message string `json:"message"`
	}
	once := deliver.Once{Name: name, Timeout: timeout, MaybeDeliveredHint: "The data may already have been added. Check before retrying."}
	err = once.Do(ctx, func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, i.apiURL, bytes.NewReader(body))
		if err != nil {
			return errors.New("KLOUDIO_API_URL is not a URL")
		}
		req.Header.Set("Content-Type", "application/json")
		return explain(outbound.JSON(i.http, req, name, &answer), key)
	})
	if err != nil {
		return "", err
	}
	if !answer.Success {
		return "", refused(answer.Message, key)
	}
	return quote(answer.Message, key), nil
}

// explain adds what Kloudio says of a refusal.
func explain(err error, key action.Secret) error {
	status, ok := errors.AsType[*outbound.StatusError](err)
	if !ok {
		return err
	}
	var answer struct {
		Error   string `json:"error"`
		Message string `json:"message"`
	}
	_ = json.Unmarshal(status.Body, &answer) // what is no JSON says nothing
	reason := quote(answer.Error, key)
	if reason == "" {
		reason = quote(answer.Message, key)
	}
	if reason == "" {
		return err
	}
	return action.Wrap(err, action.KindOf(err), "%s answered %d: %s", name, status.Code, reason)
}

func refused(text string, key action.Secret) error {
	if text = quote(text, key); text == "" {
		return action.Errorf(action.Invalid, "%s rejected the delivery without a reason.", name)
	}
	return action.Errorf(action.Invalid, "%s rejected the delivery: %s", name, text)
}

// quote makes what Kloudio says fit to be shown.
func quote(text string, key action.Secret) string {
	return message.Line(strings.ReplaceAll(text, key.Reveal(), "…"))
}
