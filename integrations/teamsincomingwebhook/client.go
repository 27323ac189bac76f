package teamsincomingwebhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

const (
	name    = "Teams"
	timeout = time.Minute
	// maxAnswer is how much of an answer is read.
	maxAnswer = 16 << 10
)

// connectors are the domains at which the webhooks of connectors live.
var connectors = []string{"webhook.office.com", "outlook.office.com", "outlook.office365.com"}

// isConnector tells a connector's webhook from a workflow's. One behind a gateway is known by
// its path.
func isConnector(u *url.URL) bool {
	return webhook.Within(u, connectors) || strings.Contains(u.Path, "/IncomingWebhook/")
}

// post posts a card, in the form that its webhook takes.
func (i *Integration) post(ctx context.Context, address *url.URL, c card) error {
	connector := isConnector(address)
	body, err := c.encode(connector)
	if err != nil {
		return err
	}
	once := deliver.Once{Name: name, Timeout: timeout, Doubt: "The card may already have been posted. Check before retrying."}
	return once.Do(ctx, func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, address.String(), bytes.NewReader(body))
		if err != nil {
			return fmt.Errorf("preparing a card: %w", err)
		}
		req.Header.Set("Content-Type", "application/json; charset=utf-8")
		res, err := outbound.Do(i.http, req, name)
		if err != nil {
			return explain(err, connector)
		}
		if !connector {
			return outbound.Accepted(req, res, name) // a workflow says all with its status
		}
		defer res.Body.Close()
		answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
		if err != nil {
			return outbound.ConnectionError(ctx, err, name)
		}
		return confirmed(answer)
	})
}

// inner is how a connector tells that Teams refused a card, with status 200 all the same.
var inner = regexp.MustCompile(`HTTP error ([45][0-9]{2})\b`)

// confirmed reads a connector's answer: 1, or what went wrong. That is not shown as it is:
// whoever enters an address could read with it what others may not.
func confirmed(answer []byte) error {
	if string(bytes.TrimSpace(answer)) == "1" {
		return nil
	}
	found := inner.FindSubmatch(answer)
	if found == nil {
		return action.Errorf(action.Invalid, "The webhook answered, but did not confirm that it took the card.")
	}
	code, err := strconv.Atoi(string(found[1]))
	if err != nil {
		return fmt.Errorf("reading a connector's answer: %w", err)
	}
	return explain(action.Wrap(&outbound.StatusError{Code: code}, action.KindOfStatus(code), "Teams answered %d %s.", code, http.StatusText(code)), true)
}

// code is what the codes of workflows' errors look like.
var code = regexp.MustCompile(`^[A-Za-z]{1,64}$`)

// explain adds to a refusal what can be done about it.
func explain(err error, connector bool) error {
	status, ok := errors.AsType[*outbound.StatusError](err)
	if !ok {
		return err
	}
	kind := action.KindOf(err)
	message := strings.TrimSuffix(action.MessageOf(err), ".")
	var answer struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	if json.Unmarshal(status.Body, &answer) == nil && code.MatchString(answer.Error.Code) {
		message += " (" + answer.Error.Code + ")"
	}
	hint := ""
	switch {
	case kind == action.TooLarge:
		hint = " The card is too large: shorten its text."
	case kind == action.NotFound && connector:
		hint = " Microsoft has retired this kind of webhook: make one with the Workflows app of Teams, and enter its address."
	case kind == action.NotFound:
		hint = " There is no workflow at this address."
	case !connector && (kind == action.Unauthenticated || kind == action.Forbidden):
		hint = " The workflow must let anyone trigger it, and the address must be whole, with its signature."
	}
	return action.Wrap(err, kind, "%s.%s", message, hint)
}
