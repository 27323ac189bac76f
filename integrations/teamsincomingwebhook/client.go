package teamsincomingwebhook

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/webhook"
)

const name = "Teams"

// connectors are the domains of connectors' webhook URLs.
var connectors = []string{"webhook.office.com", "outlook.office.com", "outlook.office365.com"}

// isConnector reports whether a webhook URL is a connector's and not a workflow's. One behind a
// gateway is recognized by its path.
func isConnector(u *url.URL) bool {
	return webhook.Within(u, connectors) || strings.Contains(u.Path, "/IncomingWebhook/")
}

// post posts a card in the format of its webhook.
func (i *Integration) post(ctx context.Context, webhookURL *url.URL, c card) error {
	connector := isConnector(webhookURL)
	text, err := c.encode(connector)
	if err != nil {
		return err
	}
	body := outbound.Bytes("application/json; charset=utf-8", text)
	once := deliver.Once{MaybeDeliveredHint: "The card may already have been posted. Check before retrying."}
	return once.Do(ctx, func(ctx context.Context) error {
		if !connector {
			return i.api(explainWorkflow).Call(ctx, http.MethodPost, webhookURL.String(), body, nil)
		}
		var response []byte
		if err := i.api(explainConnector).Call(ctx, http.MethodPost, webhookURL.String(), body, &response); err != nil {
			return err
		}
		return checkConnectorResponse(response)
	})
}

func (i *Integration) api(explain func(*action.Error, *outbound.StatusError) error) outbound.API {
	return outbound.API{Name: name, Client: i.http, Timeout: time.Minute, Explain: explain}
}

// innerStatus is how a connector reports, with status 200, that Teams rejected a card.
var innerStatus = regexp.MustCompile(`HTTP error ([45][0-9]{2})\b`)

// checkConnectorResponse reads a connector's response: "1", or what went wrong. Its text is not
// shown, because any user could enter an internal URL and read its response.
func checkConnectorResponse(response []byte) error {
	if string(bytes.TrimSpace(response)) == "1" {
		return nil
	}
	found := innerStatus.FindSubmatch(response)
	if found == nil {
		return action.Errorf(action.Invalid, "The webhook did not confirm the card.")
	}
	code, err := strconv.Atoi(string(found[1]))
	if err != nil {
		return fmt.Errorf("reading a connector's response: %w", err)
	}
	status := &outbound.StatusError{Code: code}
	return explainConnector(action.Wrap(status, action.KindOfStatus(code), "Teams answered %d %s.", code, http.StatusText(code)), status)
}

// code is the pattern of workflows' error codes.
var code = regexp.MustCompile(`^[A-Za-z]{1,64}$`)

func explainConnector(err *action.Error, status *outbound.StatusError) error {
	if err.Kind == action.NotFound {
		return withHint(err, status, " Microsoft has retired this type of webhook. Create one with the Workflows app in Teams and "+
			"enter its URL.")
	}
	return withHint(err, status, "")
}

func explainWorkflow(err *action.Error, status *outbound.StatusError) error {
	hint := ""
	switch err.Kind {
	case action.NotFound:
		hint = " There is no workflow at this URL."
	case action.Unauthenticated, action.Forbidden:
		hint = " Allow anyone to trigger the workflow, and enter its complete URL, including the signature."
	default:
	}
	return withHint(err, status, hint)
}

// withHint adds the response's error code and what to do about it.
func withHint(err *action.Error, status *outbound.StatusError, hint string) error {
	if err.Kind == action.TooLarge {
		hint = " The card is too large. Shorten its text."
	}
	text := strings.TrimSuffix(err.Message, ".")
	var response struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	if json.Unmarshal(status.Body, &response) == nil && code.MatchString(response.Error.Code) {
		text += " (" + response.Error.Code + ")"
	}
	return action.Wrap(err, err.Kind, "%s.%s", text, hint)
}
