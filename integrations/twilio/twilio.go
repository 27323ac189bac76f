// Package twilio sends the beginning of a query's result in a text message with Twilio.
package twilio

import (
	"context"
	"net/http"
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

// input is the integration's settings in Looker and the user's answers.
type input struct {
	AccountSID twilio.AccountSID `param:"accountSid,required"`
	AuthToken  action.Secret     `param:"authToken,required"`
	From       string            `param:"from,required"`
	To         string            `form:"to"`

	ContentSID       twilio.ContentSID `form:"content_sid"`
	ContentVariables twilio.Variables  `form:"content_variables"`
}

func (in *input) template() twilio.Template {
	return twilio.Template{SID: in.ContentSID, Variables: in.ContentVariables}
}

// Validate implements what [action.Decode] asks for.
func (in *input) Validate() error { return in.template().Validate() }

// Integration sends a message by Twilio.
type Integration struct {
	http   *http.Client
	region twilio.Region
}

// New makes the integration. It needs no settings.
func New(deps action.Deps) (action.Integration, error) {
	region, err := twilio.RegionOf(deps)
	if err != nil {
		return nil, err
	}
	return &Integration{deps.HTTP, region}, nil
}

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	return action.Definition{
		Name: "twilio", Label: "Twilio - Send Data",
		Description: "Send data from a Look to a phone number via Twilio.",
		Params: twilio.Params("Twilio Verified Phone Number", "A valid Twilio number from "+
			"www.twilio.com/console/phone-numbers/verified."),
		Types:      []action.Type{action.TypeQuery},
		Formats:    []action.Format{action.CSV},
		Download:   action.Push,
		MinVersion: action.V(5, 5, 0),
	}
}

// Form implements [action.FormBuilder].
func (*Integration) Form(context.Context, *action.Request) (*action.Form, error) {
	to := action.Field{Name: "to", Label: "Destination Phone Number", Type: action.String, Required: true}
	return &action.Form{Fields: append([]action.Field{to}, twilio.TemplateFields()...)}, nil
}

// Execute implements [action.Integration].
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	in, err := action.Decode[input](req)
	if err != nil {
		return nil, err
	}
	if req.Data.Empty() {
		return nil, action.Errorf(action.Invalid, "Couldn't get data from attachment.")
	}
	if strings.TrimSpace(in.To) == "" {
		return nil, action.InvalidField("to", "Need a destination phone number.")
	}
	to, err := twilio.Number(in.To)
	if err != nil {
		return nil, action.InvalidField("to", "%s", action.MessageOf(err))
	}
	account := twilio.Account{HTTP: i.http, SID: in.AccountSID, Token: in.AuthToken, Region: i.region}
	send, err := in.sender(ctx, account, to, req)
	if err != nil {
		return nil, err
	}
	once := deliver.Once{Name: "Twilio", Timeout: time.Minute, MaybeDeliveredHint: "The message may already have been sent. " +
		"Check before retrying."}
	if err := once.Do(ctx, send); err != nil {
		return nil, err
	}
	return &action.Response{}, nil
}

// sender returns the call that sends the message.
func (in *input) sender(ctx context.Context, account twilio.Account, to string, req *action.Request) (func(context.Context) error, error) {
	if in.ContentSID != "" {
		filled := in.template().Fill(req.Plan, time.Now())
		return func(ctx context.Context) error { return account.SendTemplate(ctx, in.From, to, filled) }, nil
	}
	text, err := message(ctx, req)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error { return account.Send(ctx, in.From, to, text) }, nil
}
