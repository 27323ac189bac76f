package googleadsconversions

import (
	"cmp"
	"context"
	"errors"
	"regexp"
	"strings"
	"time"

	"golang.org/x/text/currency"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/googleadsconversions/conversion"
	"integrationhub.dev/integrations/internal/choice"
	"integrationhub.dev/integrations/internal/google"
	"integrationhub.dev/integrations/internal/google/datamanager"
	"integrationhub.dev/integrations/internal/pii"
)

// Form implements [action.FormBuilder]. A request checks the sign-in. Only one that is not valid, or lacks
// the permission, asks for a new one; any other error is returned as it is.
func (i *Integration) Form(ctx context.Context, req *action.Request) (*action.Form, error) {
	c := i.Open(req.State)
	if !c.SignedIn() {
		return google.LoginForm(req, ""), nil
	}
	err := datamanager.New(c).CheckSignIn(ctx)
	switch {
	case err == nil:
	case action.KindOf(err) == action.Unauthenticated, datamanager.IsMissingScope(err):
		return google.LoginForm(req, action.MessageOf(err)+" "), nil
	default:
		return nil, err
	}
	return &action.Form{Fields: append(fields(req.Form), i.rowLog.Fields()...), State: c.State()}, nil
}

func fields(answers map[string]string) []action.Field {
	text := func(name, label, description string, required bool) action.Field {
		return action.Field{
			Name: name, Label: label, Type: action.String, Required: required, Default: answers[name], Description: description,
		}
	}
	list := func(name, label, description string, options ...action.Option) action.Field {
		return action.Field{
			Name: name, Label: label, Type: action.Select, Default: cmp.Or(answers[name], options[0].Name), Options: options,
			Description: description,
		}
	}
	unspecified := action.Option{Name: string(conversion.Unspecified), Label: "Unspecified"}
	granted := action.Option{Name: string(conversion.Granted), Label: "Granted"}
	return []action.Field{
		text("customer_id", "Google Ads Account", "The ID of the account with the conversion action, such as 123-456-7890.", true),
		text("login_customer_id", "Manager Account", "The ID of the manager account, if the user can access the account only through it.", false),
		text("conversion_action_id", "Conversion Action ID", "The number after ctId= in the URL of the conversion action's page in Google "+
			"Ads. The conversion action must import clicks from another data source.", true),
		list("event_source", "Where the Conversions Happened", "", sources()...),
		text("time_zone", "Time Zone of the Query", "The time zone of conversion times without one, such as Europe/Berlin. UTC if empty.", false),
		text("default_currency", "Currency", "The currency of values in rows without one, such as EUR. Without one, Google Ads uses that of "+
			"the account.", false),
		text("phone_country", "Country of Phone Numbers", "For phone numbers without a country code, if the query has no country column. A "+
			"code such as US, or a name.", false),
		list("consent_ad_user_data", "Consent for Ad User Data", "For rows without their own consent.", unspecified, granted),
		list("consent_ad_personalization", "Consent for Ad Personalization", "For rows without their own consent.", unspecified, granted,
			action.Option{Name: string(conversion.Denied), Label: "Denied"}),
	}
}

// input is what the Looker user answered.
type input struct {
	Customer        customerID         `form:"customer_id,required"`
	Login           customerID         `form:"login_customer_id"`
	Action          actionID           `form:"conversion_action_id,required"`
	Source          source             `form:"event_source"`
	Zone            action.TimeZone    `form:"time_zone"`
	Currency        currencyCode       `form:"default_currency"`
	PhoneCountry    pii.CountryCode    `form:"phone_country"`
	UserData        conversion.Consent `form:"consent_ad_user_data"`
	Personalization conversion.Consent `form:"consent_ad_personalization"`
}

// Validate sets the defaults.
func (in *input) Validate() error {
	in.Source = cmp.Or(in.Source, web)
	in.Login = cmp.Or(in.Login, in.Customer)
	if in.UserData == conversion.Denied {
		return action.InvalidField("consent_ad_user_data", "Google Ads accepts no conversions of people who denied it ad user data.")
	}
	return nil
}

// options are the answers that apply to all rows.
func (in *input) options(now time.Time) conversion.Options {
	return conversion.Options{
		Source: string(in.Source), Zone: in.Zone, Currency: string(in.Currency), PhoneCountry: string(in.PhoneCountry),
		UserData: in.UserData, Personalization: in.Personalization, Now: now,
	}
}

var digits = regexp.MustCompile(`^[0-9]+$`)

// customerID is the ID of a Google Ads account, which people write with dashes.
type customerID string

// UnmarshalText implements [encoding.TextUnmarshaler].
func (id *customerID) UnmarshalText(text []byte) error {
	plain := strings.ReplaceAll(string(text), "-", "")
	if !digits.MatchString(plain) {
		return errors.New("must be the ID of a Google Ads account, such as 123-456-7890")
	}
	*id = customerID(plain)
	return nil
}

// actionID is the ID of a conversion action.
type actionID string

// UnmarshalText implements [encoding.TextUnmarshaler].
func (id *actionID) UnmarshalText(text []byte) error {
	if !digits.Match(text) {
		return errors.New("must be the number of a conversion action, not its name")
	}
	*id = actionID(text)
	return nil
}

// source is where conversions happened, as Google calls it:
// https://developers.google.com/data-manager/api/reference/rest/v1/events/ingest#EventSource
type source string

const web source = "WEB"

func sources() []action.Option {
	return []action.Option{
		{Name: string(web), Label: "Website"},
		{Name: "APP", Label: "App"},
		{Name: "IN_STORE", Label: "Store"},
		{Name: "PHONE", Label: "Phone call"},
		{Name: "MESSAGE", Label: "Message"},
		{Name: "OTHER", Label: "Other"},
	}
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *source) UnmarshalText(text []byte) error {
	var all []source
	for _, o := range sources() {
		all = append(all, source(o.Name))
	}
	return choice.Parse(s, string(text), all...)
}

// currencyCode is a code of ISO 4217 in uppercase.
type currencyCode string

// UnmarshalText implements [encoding.TextUnmarshaler].
func (c *currencyCode) UnmarshalText(text []byte) error {
	unit, err := currency.ParseISO(string(text))
	if err != nil {
		return errors.New("must be a currency code, such as EUR")
	}
	*c = currencyCode(unit.String())
	return nil
}
