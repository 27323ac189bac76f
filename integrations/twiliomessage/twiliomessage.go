// Package twiliomessage sends a text message by Twilio to each phone number in a query's result, or
// to the number in a cell.
package twiliomessage

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/twilio"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
)

// phoneTag is the LookML tag of the field that holds the numbers.
const phoneTag = "phone"

// concurrency stays below Twilio's limit of concurrent requests for an account (429, error 20429).
const concurrency = 8

// input is the integration's settings in Looker and the user's message.
type input struct {
	AccountSID twilio.AccountSID `param:"accountSid,required"`
	AuthToken  action.Secret     `param:"authToken,required"`
	From       string            `param:"from,required"`
	Message    string            `form:"message,required"`

	ContentSID       twilio.ContentSID `form:"content_sid"`
	ContentVariables twilio.Variables  `form:"content_variables"`
}

func (in *input) template() twilio.Template {
	return twilio.Template{SID: in.ContentSID, Variables: in.ContentVariables}
}

// Validate implements what [action.Decode] asks for.
func (in *input) Validate() error { return in.template().Validate() }

// Integration sends messages by Twilio.
type Integration struct {
	deps   action.Deps
	region twilio.Region
}

// New makes the integration. It needs no settings.
func New(deps action.Deps) (action.Integration, error) {
	region, err := twilio.RegionOf(deps)
	if err != nil {
		return nil, err
	}
	return &Integration{deps, region}, nil
}

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	return action.Definition{
		Name: "twilio_message", Label: "Twilio - Send Message",
		Description:    "Send a message to phone numbers via Twilio.",
		Params:         twilio.Params("Twilio Phone Number", "A valid Twilio number from https://www.twilio.com/console"),
		RequiredFields: []action.RequiredField{{Tag: phoneTag}},
		Types:          []action.Type{action.TypeCell, action.TypeQuery},
		Formats:        []action.Format{action.JSONDetail},
		Download:       action.Push,
		MinVersion:     action.V(5, 5, 0),
	}
}

// Form implements [action.FormBuilder].
func (*Integration) Form(context.Context, *action.Request) (*action.Form, error) {
	text := action.Field{Name: "message", Label: "Message", Type: action.Textarea, Required: true}
	return &action.Form{Fields: append([]action.Field{text}, twilio.TemplateFields("{message}")...)}, nil
}

// Execute implements [action.Integration]. A number that fails does not affect the others. The
// message says how many were sent.
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	in, err := action.Decode[input](req)
	if err != nil {
		return nil, err
	}
	all, err := recipients(ctx, req)
	if err != nil {
		return nil, err
	}
	var repeated int
	numbers := distinct(all, &repeated)
	account := twilio.Account{HTTP: i.deps.HTTP, SID: in.AccountSID, Token: in.AuthToken, Region: i.region}
	body := twilio.Cut(in.Message, twilio.MaxMessage)
	send := func(ctx context.Context, to string) error { return account.Send(ctx, in.From, to, body) }
	if in.ContentSID != "" {
		filled := in.template().Fill(req.Plan, time.Now(), "{message}", body)
		send = func(ctx context.Context, to string) error { return account.SendTemplate(ctx, in.From, to, filled) }
	}
	sent := deliver.Batches(ctx, numbers, deliver.Options[string]{
		Size: 1, Concurrency: concurrency,
		// Only a message that was rate limited was certainly not sent. After other errors a retry
		// could send it twice.
		Retry: deliver.Retry{MaxAttempts: 5, InitialBackoff: time.Second, MaxBackoff: 30 * time.Second, When: rateLimited},
	}, func(ctx context.Context, number []string) error {
		if number[0] == "" {
			return errNoNumber
		}
		to, err := twilio.Number(number[0])
		if err != nil {
			return err
		}
		err = send(ctx, to)
		if kind := action.KindOf(err); kind == action.Unauthenticated || kind == action.Forbidden {
			return deliver.Stop(err) // every other number would fail too
		}
		return err
	})
	if err := sent.Err("messages"); err != nil {
		return nil, err
	}
	message := fmt.Sprintf("%d messages sent.", sent.Sent())
	if repeated > 0 {
		message += fmt.Sprintf(" %d rows were skipped because their number already had its message.", repeated)
	}
	if in.ContentSID == "" && body != in.Message {
		message += fmt.Sprintf(" The text was cut to Twilio's limit of %d characters.", twilio.MaxMessage)
	}
	return &action.Response{Message: message}, nil
}

// distinct skips and counts repeated numbers. Rows without a number are kept.
func distinct(numbers iter.Seq2[string, error], repeated *int) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		seen := map[string]struct{}{}
		for number, err := range numbers {
			key := number
			if e164, err := twilio.Number(number); err == nil {
				key = e164
			}
			if _, again := seen[key]; again && key != "" {
				*repeated++
				continue
			}
			seen[key] = struct{}{}
			if !yield(number, err) {
				return
			}
		}
	}
}

var errNoNumber = action.Errorf(action.Invalid, "A row has no phone number.")

func rateLimited(err error) bool { return action.KindOf(err) == action.RateLimited }

// recipients yields the number in the cell, or those in the first field tagged phone.
func recipients(ctx context.Context, req *action.Request) (iter.Seq2[string, error], error) {
	if req.Type == action.TypeCell {
		value := strings.TrimSpace(req.Params["value"])
		if value == "" {
			return nil, action.Errorf(action.Invalid, "Couldn't get data from cell.")
		}
		return func(yield func(string, error) bool) { yield(value, nil) }, nil
	}
	if req.Data.Empty() {
		return nil, action.Errorf(action.Invalid, "Couldn't get data from attachment.")
	}
	table, err := req.Data.Table(ctx)
	if err != nil {
		return nil, err
	}
	column := table.Tagged(phoneTag)
	if column < 0 {
		return nil, action.Errorf(action.Invalid, "Query requires a field tagged phone.")
	}
	return func(yield func(string, error) bool) {
		for row, err := range table.Rows() {
			if !yield(strings.TrimSpace(row.Cell(column).Text()), err) {
				return
			}
		}
	}, nil
}
