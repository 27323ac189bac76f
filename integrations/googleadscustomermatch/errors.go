package googleadscustomermatch

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
)

// failure is Google's error for a call or a part of one:
// https://developers.google.com/google-ads/api/docs/best-practices/understand-api-errors
type failure struct {
	Code    int `json:"code"`
	Details []struct {
		Errors []fault `json:"errors"`
	} `json:"details"`
}

// fault is an error within a failure. Its message can quote values, so it is not shown.
type fault struct {
	// Code has one member: the kind of error and its name.
	Code map[string]string `json:"errorCode"`
	// Details has the time to wait after a quota was exceeded, such as "30s". Google Ads sends no Retry-After:
	// https://developers.google.com/google-ads/api/reference/rpc/latest/QuotaErrorDetails
	Details struct {
		Quota struct {
			RetryDelay string `json:"retryDelay"`
		} `json:"quotaErrorDetails"`
	} `json:"details"`
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

// name returns the error's name in Google's documentation, such as INVALID_SHA256_FORMAT.
func (f fault) name() string {
	for _, name := range f.Code {
		return name
	}
	return ""
}

// operation returns the index of the person that the fault is about, or -1.
func (f fault) operation() int {
	for _, e := range f.Location.Path {
		if e.Field == "operations" && e.Index != nil {
			return *e.Index
		}
	}
	return -1
}

// meanings are the meanings of errors by name:
//   - https://developers.google.com/google-ads/api/reference/rpc/v25/OfflineUserDataJobErrorEnum.OfflineUserDataJobError
//   - https://developers.google.com/google-ads/api/reference/rpc/v25/UserListErrorEnum.UserListError
//   - https://developers.google.com/google-ads/api/reference/rpc/v25/AuthorizationErrorEnum.AuthorizationError
var meanings = map[string]*action.Error{
	"INVALID_SHA256_FORMAT":     action.Errorf(action.Invalid, "A value is not a SHA-256 hash."),
	"INVALID_MOBILE_ID_FORMAT":  action.Errorf(action.Invalid, "A mobile device ID is not a valid advertising ID of Google or Apple."),
	"INVALID_COUNTRY_CODE":      action.Errorf(action.Invalid, "Google Ads does not recognize a country code."),
	"INVALID_ENCODING":          action.Errorf(action.Invalid, "A value has a format that Google Ads does not accept."),
	"TOO_MANY_USER_IDENTIFIERS": action.Errorf(action.Invalid, "A row has more values than Google Ads accepts for one person."),
	"MISSING_USER_IDENTIFIER":   action.Errorf(action.Invalid, "A row has no value that identifies a person."),
	"INCOMPATIBLE_USER_IDENTIFIER": action.Errorf(action.Invalid,
		"The list is for another kind of data: contact data, or mobile device IDs."),
	"INCOMPATIBLE_UPLOAD_KEY_TYPE": action.Errorf(action.Invalid,
		"The list is for another kind of data: contact data, or mobile device IDs."),
	"INVALID_USER_LIST_ID":   action.Errorf(action.NotFound, "The list does not exist in the Google Ads account."),
	"INVALID_USER_LIST_TYPE": action.Errorf(action.Invalid, "The list is not a Customer Match list."),
	"DUPLICATE_NAME":         action.Errorf(action.Invalid, "%s", nameUsed),
	"NAME_ALREADY_USED":      action.Errorf(action.Invalid, "%s", nameUsed),
	"INVALID_NAME":           action.Errorf(action.Invalid, "Google Ads does not accept the name of the list."),
	"USERLIST_NAME_IS_RESERVED_FOR_SYSTEM_LIST": action.Errorf(action.Invalid,
		"The name of the list is reserved for Google's own lists."),
	"INVALID_DESCRIPTION": action.Errorf(action.Invalid, "Google Ads does not accept the description of the list."),
	"OWNERSHIP_REQUIRED_FOR_SET": action.Errorf(action.Forbidden,
		"Only the account that created the list can change it."),
	"CAN_NOT_MUTATE_SENSITIVE_USERLIST": action.Errorf(action.Forbidden, "Google restricted the list. It cannot be changed."),
	"CUSTOMER_NOT_ACCEPTED_CUSTOMER_DATA_TERMS": action.Errorf(action.Forbidden,
		"Google Ads requires consent: the account has not accepted the customer data terms, or consent is DENIED."),
	"CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE": action.Errorf(action.Forbidden, "%s", notEnabled),
	"NOT_ON_ALLOWLIST_FOR_USER_ID":              action.Errorf(action.Forbidden, "%s", notEnabled),
	"ADVERTISER_NOT_ON_ALLOWLIST_FOR_USING_UPLOADED_DATA": action.Errorf(action.Forbidden,
		"Google has not enabled the account for Customer Match. It enables accounts by their history."),
	"CUSTOMER_NOT_ENABLED":                       action.Errorf(action.Forbidden, "The Google Ads account is not active."),
	"ACTION_NOT_PERMITTED_FOR_SUSPENDED_ACCOUNT": action.Errorf(action.Forbidden, "The Google Ads account is suspended."),
	"INCOMPLETE_SIGNUP":                          action.Errorf(action.Forbidden, "The sign-up of the Google Ads account is not complete."),
	"INVALID_LOGIN_CUSTOMER_ID_SERVING_CUSTOMER_ID_COMBINATION": action.Errorf(action.Forbidden,
		"The login account has no access to the Google Ads account. Choose another one in the form."),
	"ACCESS_DENIED_FOR_ACCOUNT_TYPE": action.Errorf(action.Forbidden, "The account is not a Google Ads account."),
	"USER_PERMISSION_DENIED": action.Errorf(action.Forbidden,
		"The Google user cannot access this Google Ads account, or not through this login account."),
	"ACTION_NOT_PERMITTED": action.Errorf(action.Forbidden,
		"The Google user lacks the permission for this in the Google Ads account."),
	"DEVELOPER_TOKEN_NOT_APPROVED":     action.Errorf(action.Internal, "%s", unknownDeveloper),
	"DEVELOPER_TOKEN_PROHIBITED":       action.Errorf(action.Internal, "%s", unknownDeveloper),
	"DEVELOPER_TOKEN_INVALID":          action.Errorf(action.Internal, "%s", unknownDeveloper),
	"DEVELOPER_TOKEN_NOT_ON_ALLOWLIST": action.Errorf(action.Internal, "%s", unknownDeveloper),
	"CLOUD_PROJECT_NOT_APPROVED_FOR_PRODUCTION": action.Errorf(action.Internal,
		"The hub's Google Cloud project may call the Google Ads API for test accounts only. The hub's administrator must apply for "+
			"Explorer, Basic or Standard access in the Google Cloud console."),
	"CLOUD_PROJECT_NOT_UNDER_ORGANIZATION": action.Errorf(action.Internal,
		"The hub's Google Cloud project does not belong to the organization that Google requires. The hub's administrator must move it."),
	"PROJECT_DISABLED": action.Errorf(action.Internal, "The hub's Google Cloud project has no access to the Google Ads API. "+
		"The hub's administrator must enable the API in the Google Cloud console."),
	"SERVICE_ACCESS_DENIED": action.Errorf(action.Internal, "The hub's Google Cloud project has no access to this part of the "+
		"Google Ads API. The hub's administrator must check its access level."),
	"MISSING_TOS": action.Errorf(action.Internal, "The terms of service of the Google Ads API are not accepted. "+
		"The hub's administrator must accept them."),
	"UNSUPPORTED_VERSION": action.Errorf(action.Internal, "%s", retired),
	"NOT_ADS_USER": action.Errorf(action.Forbidden,
		"The Google user has no Google Ads account. Log in with another one."),
	"TWO_STEP_VERIFICATION_NOT_ENROLLED": action.Errorf(action.Forbidden,
		"Google Ads requires two-step verification for the Google user."),
	"CONCURRENT_MODIFICATION":        action.Errorf(action.Unavailable, "Someone else is changing the list."),
	"TRANSIENT_ERROR":                action.Errorf(action.Unavailable, "Google Ads is temporarily unavailable."),
	"INTERNAL_ERROR":                 action.Errorf(action.Unavailable, "Google Ads is temporarily unavailable."),
	"DEADLINE_EXCEEDED":              action.Errorf(action.Timeout, "Google Ads did not respond in time."),
	"RESOURCE_EXHAUSTED":             action.Errorf(action.RateLimited, "The quota of the Google Ads API is used up. Try again later."),
	"RESOURCE_TEMPORARILY_EXHAUSTED": action.Errorf(action.RateLimited, "Google Ads is rate limiting requests. Try again later."),
	"EXCESSIVE_SHORT_TERM_QUERY_RESOURCE_CONSUMPTION": action.Errorf(action.RateLimited,
		"Google Ads is rate limiting requests. Try again later."),
}

const (
	nameUsed   = "The Google Ads account already has a list with this name."
	notEnabled = "The Google Ads API is not enabled for Customer Match in this account or for the hub. Since April 2026, Google " +
		"accepts only those that used it before. Choose the Data Manager API in the form."
	unknownDeveloper = "Google Ads does not accept the hub's developer token. It is not needed any more: " +
		"the hub's administrator must remove GOOGLE_ADS_DEVELOPER_TOKEN."
	retired = "Google has retired the version of the Google Ads API that the hub calls. " +
		"The hub's administrator must set GOOGLE_ADS_API_VERSION to a current one."
)

// err returns the error for the Looker user.
func (f fault) err() *action.Error {
	if known, ok := meanings[f.name()]; ok {
		return action.Errorf(known.Kind, "%s", known.Message)
	}
	return action.Errorf(action.Invalid, "Google Ads did not accept the data. (%s)", f.name())
}

// partial returns an error with an entry for each rejected person. A fault without a person rejects the
// whole batch.
func (f *failure) partial(batch int) error {
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

// explain explains a rejected call by the name of its first error.
func (c *client) explain(err error) error {
	status, ok := errors.AsType[*outbound.StatusError](err)
	if !ok {
		return err
	}
	f, ok := parseFailure(status.Body)
	if !ok && status.Code == http.StatusNotFound { // the response for an unknown version is a web page
		return action.Wrap(status, action.Internal, "%s", retired)
	}
	faults := f.faults()
	if len(faults) == 0 {
		return err
	}
	if wait, err := time.ParseDuration(faults[0].Details.Quota.RetryDelay); err == nil && status.RetryAfter == 0 {
		status.RetryAfter = wait
	}
	known, ok := meanings[faults[0].name()]
	if !ok {
		return action.Wrap(status, action.KindOf(err), "Google Ads did not accept the request. (%s)", faults[0].name())
	}
	return action.Wrap(status, known.Kind, "%s", known.Message)
}

// parseFailure reads an error's body. Streams wrap it in an array.
func parseFailure(body []byte) (f failure, ok bool) {
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

// lastPart returns what follows the last slash.
func lastPart(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }
