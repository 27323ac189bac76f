package action_test

import (
	"errors"
	"fmt"

	"integrationhub.dev/hub/action"
)

// region is an enumeration, which checks itself.
type region string

// UnmarshalText implements [encoding.TextUnmarshaler].
func (r *region) UnmarshalText(text []byte) error {
	if *r = region(text); *r != "eu" && *r != "us" {
		return errors.New("must be eu or us")
	}
	return nil
}

// One struct holds the administrator's settings (param) and the user's answers (form).
func ExampleDecode() {
	type input struct {
		APIKey action.Secret `param:"api_key,required"`
		Region region        `param:"region"`
		List   string        `form:"list,required"`
		Dry    bool          `form:"dry_run"`
	}
	in, err := action.Decode[input](&action.Request{
		Params: map[string]string{"api_key": "s3cret", "region": "eu"},
		Form:   map[string]string{"list": "Customers", "dry_run": "yes"},
	})
	fmt.Printf("%+v %v\n", in, err)

	// One error names all mistakes. Looker shows those of form fields beside the fields.
	_, err = action.Decode[input](&action.Request{Params: map[string]string{"region": "asia"}})
	fmt.Println(action.MessageOf(err))
	// Output:
	// {APIKey:[redacted] Region:eu List:Customers Dry:true} <nil>
	// "api_key" is required. "region" must be eu or us. "list" is required.
}

// An integration whose settings are missing is not offered. The hub's status page names them.
func ExampleSettings() {
	type settings struct {
		ClientID     string        `env:"TRACKER_CLIENT_ID,required,notEmpty"`
		ClientSecret action.Secret `env:"TRACKER_CLIENT_SECRET,required,notEmpty"`
	}
	_, err := action.Settings[settings](action.Deps{Env: map[string]string{"TRACKER_CLIENT_ID": "id"}})
	missing, ok := errors.AsType[*action.MissingSettingsError](err)
	fmt.Println(ok, missing.Keys)
	// Output: true [TRACKER_CLIENT_SECRET]
}

// The user sees the message. The wrapped error is only logged.
func ExampleWrap() {
	err := action.Wrap(errors.New("lookup api.example.com: no such host"), action.Unavailable, "The connection to Tracker failed.")
	fmt.Println("user:", action.MessageOf(err))
	fmt.Println("log: ", err)
	fmt.Println("kind:", action.KindOf(err), "retryable:", action.KindOf(err).Retryable())
	// Output:
	// user: The connection to Tracker failed.
	// log:  The connection to Tracker failed: lookup api.example.com: no such host
	// kind: unavailable retryable: true
}

// Looker shows the message beside the field.
func ExampleInvalidField() {
	err := action.InvalidField("list", "There is no list %q.", "Customers")
	fmt.Println(err.Fields["list"])
	// Output: There is no list "Customers".
}
