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
	"integrationhub.dev/integrations/internal/plaintext"
)

// name is what people call the destination.
const name = "Kloudio"

// timeout bounds a call other than the upload.
const timeout = 2 * time.Minute

// retry is for calls that may be made twice: to ask for an address, and to put a file there.
var retry = deliver.Retry{Tries: 4, First: time.Second, Longest: 30 * time.Second}

// once is for the call that adds rows to the sheet.
var once = deliver.Once{
	Name: name, Timeout: timeout,
	Doubt: "Kloudio may have added the rows all the same: look at the sheet before sending them again.",
}

// client calls Kloudio for one user.
type client struct {
	http     *http.Client
	settings settings
	key      action.Secret
}

// answer is Kloudio's to either of its own calls. Success is nil where it is not said.
type answer struct {
	SignedURL string `json:"signedURL"`
	Success   *bool  `json:"success"`
	Message   string `json:"message"`
	Error     string `json:"error"`
}

// sign asks where the file is to be put.
func (c client) sign(ctx context.Context, file string) (string, error) {
	var a answer
	err := retry.Do(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeoutCause(ctx, timeout, action.Errorf(action.Timeout, "%s did not answer in time.", name))
		defer cancel()
		address := string(c.settings.SignedURL) + file + "&apiKey=" + url.QueryEscape(c.key.Reveal())
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
		if err != nil {
			return errors.New("preparing a call: the address is none") // it would quote the key
		}
		req.Header.Set("ContentType", "application/json") // as Kloudio knows it
		a = answer{}
		return c.explain(outbound.JSON(c.http, req, name, &a))
	})
	if err != nil {
		return "", err
	}
	signed := unquoted(a.SignedURL)
	u, err := url.Parse(signed)
	if a.Success != nil && !*a.Success || err != nil || u.Scheme != "https" {
		return "", c.failure(a, "Kloudio gave no address to put the data at.")
	}
	return signed, nil
}

// upload puts the result at an address of Kloudio's storage.
func (c client) upload(ctx context.Context, address string, r *result) error {
	err := retry.Do(ctx, func(ctx context.Context) error {
		patience := timeout + time.Duration(r.size>>17)*time.Second
		ctx, cancel := context.WithTimeoutCause(ctx, patience, action.Errorf(action.Timeout, "Kloudio's storage did not answer in time."))
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodPut, address, r.open(ctx))
		if err != nil {
			return errors.New("preparing the upload: the address is none") // it is a secret
		}
		req.ContentLength = r.size
		req.Header.Set("Content-Type", "application/json")
		return outbound.JSON(c.http, req, "Kloudio's storage", nil)
	})
	if err == nil {
		return nil
	}
	return action.Wrap(err, action.KindOf(err), "%s Nothing was added to the sheet.", action.MessageOf(err))
}

// add has Kloudio add the file's rows to the sheet.
func (c client) add(ctx context.Context, sheet sheetURL, file string) error {
	body, err := json.Marshal(map[string]any{
		"destination": "looker", "apiKey": c.key.Reveal(), "spreadsheetId": sheet.spreadsheet, "sheetId": sheet.sheet,
		"s3Upload": true, "data": file, "reportName": "Looker Report",
	})
	if err != nil {
		return fmt.Errorf("encoding a call: %w", err)
	}
	return once.Do(ctx, func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, string(c.settings.APIURL), bytes.NewReader(body))
		if err != nil {
			return fmt.Errorf("preparing a call: %w", err)
		}
		req.Header.Set("Content-Type", "application/json")
		var a answer
		if err := outbound.JSON(c.http, req, name, &a); err != nil {
			return c.explain(err)
		}
		if a.Success == nil || !*a.Success {
			return c.failure(a, "Kloudio did not add the rows, and does not say why.")
		}
		return nil
	})
}

// explain adds what Kloudio says of a call that it refused.
func (c client) explain(err error) error {
	status, ok := errors.AsType[*outbound.StatusError](err)
	if !ok {
		return err
	}
	var a answer
	_ = json.Unmarshal(status.Body, &a) // best effort: the status is what counts
	if text := c.text(a); text != "" {
		return action.Wrap(err, action.KindOf(err), "Kloudio answered %d: %s", status.Code, text)
	}
	return err
}

// failure is an answer that something did not work.
func (c client) failure(a answer, otherwise string) error {
	if text := c.text(a); text != "" {
		return action.Errorf(action.Invalid, "Kloudio says: %s", text)
	}
	return action.Errorf(action.Invalid, "%s", otherwise)
}

// text is what Kloudio says, without the user's key.
func (c client) text(a answer) string {
	said := a.Error
	if said == "" {
		said = a.Message
	}
	return plaintext.Line(strings.ReplaceAll(said, c.key.Reveal(), "…"))
}
