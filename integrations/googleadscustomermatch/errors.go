package googleadscustomermatch

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
)

// failure is what Google says of a call, or of a part of one, that it did not do:
// https://developers.google.com/google-ads/api/docs/best-practices/understand-api-errors
type failure struct {
	Code    int `json:"code"`
	Details []struct {
		Errors []fault `json:"errors"`
	} `json:"details"`
}

// fault is one thing that is wrong. Its own message can quote values, so it is not shown.
type fault struct {
	// Code has one member: the kind of error and its name.
	Code     map[string]string `json:"errorCode"`
	Location struct {
		Path []struct {
			Field string `json:"fieldName"`
			Index *int   `json:"index"`
		} `json:"fieldPathElements"`
	} `json:"location"`
}

func (f *failure) faults() []fault {
	var all []fault
	for _, d := range f.Details {
		all = append(all, d.Errors...)
	}
	return all
}

// name is what Google's pages know the error by, such as INVALID_SHA256_FORMAT.
func (f fault) name() string {
	for _, name := range f.Code {
		return name
	}
	return ""
}

// operation is the place in the call of the person that the fault is about, or -1.
func (f fault) operation() int {
	for _, e := range f.Location.Path {
		if e.Field == "operations" && e.Index != nil {
			return *e.Index
		}
	}
	return -1
}

// meanings are the errors that matter here, by name:
// https://developers.google.com/google-ads/api/reference/rpc/latest/OfflineUserDataJobErrorEnum.OfflineUserDataJobError
var meanings = map[string]action.Error{
	"INVALID_SHA256_FORMAT":                           {Kind: action.Invalid, Message: "A value is not a SHA-256 hash."},
	"INVALID_MOBILE_ID_FORMAT":                        {Kind: action.Invalid, Message: "A mobile device ID is not a valid advertising ID of Google or Apple."},
	"INVALID_COUNTRY_CODE":                            {Kind: action.Invalid, Message: "Google Ads does not know a country code."},
	"INVALID_ENCODING":                                {Kind: action.Invalid, Message: "A value has a format that Google Ads does not accept."},
	"TOO_MANY_USER_IDENTIFIERS":                       {Kind: action.Invalid, Message: "A row has more values than Google Ads accepts for one person."},
	"MISSING_USER_IDENTIFIER":                         {Kind: action.Invalid, Message: "A row has no value that identifies a person."},
	"INCOMPATIBLE_USER_IDENTIFIER":                    {Kind: action.Invalid, Message: "The list is for another kind of data: contact data, or mobile device IDs."},
	"INCOMPATIBLE_UPLOAD_KEY_TYPE":                    {Kind: action.Invalid, Message: "The list is for another kind of data: contact data, or mobile device IDs."},
	"INVALID_USER_LIST_ID":                            {Kind: action.NotFound, Message: "The list does not exist in the Google Ads account."},
	"INVALID_USER_LIST_TYPE":                          {Kind: action.Invalid, Message: "The list is not a Customer Match list."},
	"DUPLICATE_NAME":                                  {Kind: action.Invalid, Message: "The Google Ads account already has a list with this name."},
	"CUSTOMER_NOT_ACCEPTED_CUSTOMER_DATA_TERMS":       {Kind: action.Forbidden, Message: "Google Ads requires consent: the account has not accepted the customer data terms, or consent is DENIED."},
	"CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE":       {Kind: action.Forbidden, Message: notEnabled},
	"NOT_ON_ALLOWLIST_FOR_USER_ID":                    {Kind: action.Forbidden, Message: notEnabled},
	"CUSTOMER_NOT_ENABLED":                            {Kind: action.Forbidden, Message: "The Google Ads account is not active."},
	"USER_PERMISSION_DENIED":                          {Kind: action.Forbidden, Message: "The Google user cannot access this Google Ads account, or not through this login account."},
	"ACTION_NOT_PERMITTED":                            {Kind: action.Forbidden, Message: "The Google user lacks the permission for this in the Google Ads account."},
	"DEVELOPER_TOKEN_NOT_APPROVED":                    {Kind: action.Internal, Message: unknownDeveloper},
	"DEVELOPER_TOKEN_PROHIBITED":                      {Kind: action.Internal, Message: unknownDeveloper},
	"DEVELOPER_TOKEN_INVALID":                         {Kind: action.Internal, Message: unknownDeveloper},
	"OAUTH_TOKEN_HEADER_INVALID":                      {Kind: action.Internal, Message: unknownDeveloper},
	"UNSUPPORTED_VERSION":                             {Kind: action.Internal, Message: retired},
	"NOT_ADS_USER":                                    {Kind: action.Forbidden, Message: "The Google user has no Google Ads account. Log in with another one."},
	"TWO_STEP_VERIFICATION_NOT_ENROLLED":              {Kind: action.Forbidden, Message: "Google Ads requires two-step verification for the Google user."},
	"CONCURRENT_MODIFICATION":                         {Kind: action.Unavailable, Message: "Someone else is changing the list."},
	"TRANSIENT_ERROR":                                 {Kind: action.Unavailable, Message: "Google Ads is temporarily unavailable."},
	"INTERNAL_ERROR":                                  {Kind: action.Unavailable, Message: "Google Ads is temporarily unavailable."},
	"DEADLINE_EXCEEDED":                               {Kind: action.Timeout, Message: "Google Ads did not answer in time."},
	"RESOURCE_EXHAUSTED":                              {Kind: action.RateLimited, Message: "The daily quota of the Google Ads API is used up."},
	"RESOURCE_TEMPORARILY_EXHAUSTED":                  {Kind: action.RateLimited, Message: "Google Ads is rate limiting requests. Try again later."},
	"EXCESSIVE_SHORT_TERM_QUERY_RESOURCE_CONSUMPTION": {Kind: action.RateLimited, Message: "Google Ads is rate limiting requests. Try again later."},
}

const (
	notEnabled = "The Google Ads account or the hub's developer token is not enabled for Customer Match. Google enables accounts by their history, " +
		"and since April 2026 no developer tokens that had not uploaded before."
	unknownDeveloper = "Google Ads does not accept the hub's developer token. The hub's administrator must check GOOGLE_ADS_DEVELOPER_TOKEN."
	retired          = "Google has retired the version of the Google Ads API that the hub calls. The hub's administrator must set GOOGLE_ADS_API_VERSION to a current one."
)

// err is what a fault means to the Looker user.
func (f fault) err() *action.Error {
	if known, ok := meanings[f.name()]; ok {
		return action.Errorf(known.Kind, "%s", known.Message)
	}
	return action.Errorf(action.Invalid, "Google Ads did not accept the data. (%s)", f.name())
}

// refused tells of each person whom Google did not take. A fault that is about none of them is
// about all.
func (f *failure) refused(batch int) error {
	failed := map[int]error{}
	for _, fault := range f.faults() {
		n := fault.operation()
		if n < 0 || n >= batch {
			return fault.err()
		}
		if failed[n] == nil {
			failed[n] = fault.err()
		}
	}
	if len(failed) == 0 {
		return action.Errorf(action.Unavailable, "Google Ads did not accept all rows, without naming them.")
	}
	return deliver.Partial(failed)
}

// explain tells what Google said of a refused call, by the names of what is wrong.
func (c *client) explain(err error) error {
	status, ok := errors.AsType[*outbound.StatusError](err)
	if !ok {
		return err
	}
	f, told := parseFailure(status.Body)
	if !told && status.Code == http.StatusNotFound { // a version that there is not any more, or not yet, is a page
		return action.Wrap(status, action.Internal, "%s", retired)
	}
	faults := f.faults()
	if len(faults) == 0 {
		return err
	}
	known, ok := meanings[faults[0].name()]
	if !ok {
		return action.Wrap(status, action.KindOf(err), "Google Ads did not accept the request. (%s)", faults[0].name())
	}
	return action.Wrap(status, known.Kind, "%s", known.Message)
}

// parseFailure reads an error's body. Streams wrap it in an array.
func parseFailure(body []byte) (f failure, told bool) {
	type wrapped struct {
		Error *failure `json:"error"`
	}
	var one wrapped
	if json.Unmarshal(body, &one) == nil && one.Error != nil {
		return *one.Error, true
	}
	var many []wrapped
	if json.Unmarshal(body, &many) == nil && len(many) > 0 && many[0].Error != nil {
		return *many[0].Error, true
	}
	return failure{}, false
}

// lastPart is what follows the last slash.
func lastPart(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }
