package discord

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/plaintext"
	"integrationhub.dev/integrations/internal/webhook"
)

const (
	name = "Discord"
	// timeout is long enough for the largest file on a slow line.
	timeout = 10 * time.Minute
)

// hosts and path are where webhooks live.
var (
	hosts = []string{"discord.com", "ptb.discord.com", "canary.discord.com", "discordapp.com"}
	path  = regexp.MustCompile(`^/api(/v[0-9]+)?/webhooks/[0-9]+/[A-Za-z0-9_-]+$`)
)

// thread is a thread's id.
type thread string

// UnmarshalText implements [encoding.TextUnmarshaler].
func (t *thread) UnmarshalText(text []byte) error {
	*t = thread(text)
	if strings.Trim(string(text), "0123456789") != "" {
		return errors.New("must be a number: in Discord, copy the thread's ID")
	}
	return nil
}

// endpoint checks a webhook's address. Discord is to answer once the message is there, not
// before: otherwise it would not tell that it lost one.
func endpoint(text string, in thread) (*url.URL, error) {
	u, err := webhook.Address("url", text)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(hosts, u.Host) || !path.MatchString(u.Path) {
		return nil, action.InvalidField("url", "This is no webhook of Discord: copy its address from the channel's settings.")
	}
	query := u.Query()
	query.Set("wait", "true")
	if in != "" {
		query.Set("thread_id", string(in))
	}
	u.RawQuery = query.Encode()
	return u, nil
}

// post posts a message, once: Discord posts what it is sent twice twice.
func (i *Integration) post(ctx context.Context, address *url.URL, m *message) error {
	once := deliver.Once{Name: name, Timeout: timeout, Doubt: "The message may have been posted all the same: look before sending it again."}
	return once.Do(ctx, func(ctx context.Context) error {
		req, err := outbound.NewUpload(ctx, http.MethodPost, address.String(), m.size(), m.reader)
		if err != nil {
			return fmt.Errorf("preparing a message: %w", err)
		}
		req.Header.Set("Content-Type", m.contentType)
		var posted struct {
			ID          string `json:"id"`
			Attachments []struct {
				Size int64 `json:"size"`
			} `json:"attachments"`
		}
		if err := outbound.JSON(i.http, req, name, &posted); err != nil {
			return explain(err)
		}
		if posted.ID == "" || len(posted.Attachments) != 1 || posted.Attachments[0].Size != m.blob.Size() {
			return action.Errorf(action.Unavailable, "Discord answered, but did not confirm that it has the whole file.")
		}
		return nil
	})
}

// tooLarge is Discord's code for a file that the server does not take
// (https://docs.discord.com/developers/topics/opcodes-and-status-codes#json).
const tooLarge = 40005

// explain adds to a refusal what Discord says of it, or what can be done about it.
func explain(err error) error {
	status, ok := errors.AsType[*outbound.StatusError](err)
	if !ok {
		return err
	}
	var answer struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}
	_ = json.Unmarshal(status.Body, &answer) // without a reason, the status has to do
	kind := action.KindOf(err)
	switch {
	case kind == action.TooLarge || answer.Code == tooLarge:
		return action.Wrap(err, action.TooLarge, "The file is too large for this server of Discord: without boosts one takes 10 MB.")
	case kind == action.Unauthenticated, kind == action.Forbidden, kind == action.NotFound:
		e := action.Wrap(err, kind, "%s The webhook or the thread may have been deleted: look in the channel's settings.", action.MessageOf(err))
		e.Fields = map[string]string{"url": e.Message}
		return e
	case kind == action.Invalid && answer.Message != "":
		return action.Wrap(err, kind, "Discord answered %d: %s", status.Code, plaintext.Line(answer.Message))
	}
	return err
}
