package datamanager

import "integrationhub.dev/hub/action"

const (
	noHash      = "A value is not a SHA-256 hash."
	noAccess    = "The Google user cannot access the account or the list, or not through this login account."
	noList      = "The list does not exist in the Google Ads account."
	nameUsed    = "The account already has a list with this name."
	notPossible = "The list cannot be changed: Google manages it, or restricted it."
	noTerms     = "The account has not accepted the customer data terms of Google. Accept them in Google Ads, under Data manager."
)

// meanings are the meanings of errors by their reasons:
// https://developers.google.com/data-manager/api/reference/rest/v1/ErrorReason
var meanings = map[string]*action.Error{
	"INTERNAL_ERROR":     action.Errorf(action.Unavailable, "%s is temporarily unavailable.", Name),
	"DEADLINE_EXCEEDED":  action.Errorf(action.Timeout, "%s did not respond in time.", Name),
	"RESOURCE_EXHAUSTED": action.Errorf(action.RateLimited, "%s is rate limiting requests. Try again later.", Name),
	"NOT_FOUND":          action.Errorf(action.NotFound, "The account, list or conversion action does not exist."),
	"PERMISSION_DENIED":  action.Errorf(action.Forbidden, "%s", noAccess),

	"INVALID_HEX_ENCODING":      action.Errorf(action.Invalid, "%s", noHash),
	"INVALID_BASE64_ENCODING":   action.Errorf(action.Invalid, "%s", noHash),
	"INVALID_SHA256_FORMAT":     action.Errorf(action.Invalid, "%s", noHash),
	"INVALID_POSTAL_CODE":       action.Errorf(action.Invalid, "A postal code is not valid."),
	"INVALID_COUNTRY_CODE":      action.Errorf(action.Invalid, "A country code is not valid."),
	"INVALID_REGION_CODE":       action.Errorf(action.Invalid, "A country code is not valid."),
	"INVALID_AUDIENCE_MEMBER":   action.Errorf(action.Invalid, "A row has no data that identifies a person."),
	"INVALID_MOBILE_ID_FORMAT":  action.Errorf(action.Invalid, "A mobile device ID is not a valid advertising ID of Google or Apple."),
	"TOO_MANY_USER_IDENTIFIERS": action.Errorf(action.Invalid, "A row has more values than Google accepts for one person."),
	"NO_IDENTIFIERS_PROVIDED":   action.Errorf(action.Invalid, "A row has no value that identifies a person or an ad click."),

	"INVALID_USER_LIST_ID":              action.Errorf(action.NotFound, "%s", noList),
	"INVALID_USER_LIST_TYPE":            action.Errorf(action.Invalid, "The list is for another kind of data, or not a Customer Match list."),
	"INVALID_DESTINATION":               action.Errorf(action.Invalid, "Google does not accept the account or the list as a destination."),
	"DESTINATION_ACCOUNT_TYPE_MISMATCH": action.Errorf(action.Invalid, "The account ID is not that of an account of this product."),
	"OPERATING_ACCOUNT_LOGIN_ACCOUNT_MISMATCH": action.Errorf(action.Invalid,
		"For this, the login account must be the account that receives the data."),
	"TERMS_AND_CONDITIONS_NOT_SIGNED": action.Errorf(action.Forbidden, "%s", noTerms),
	"NOT_ALLOWLISTED":                 action.Errorf(action.Forbidden, "Google has not enabled the account for this."),
	"ADVERTISER_NOT_ALLOWLISTED_FOR_UPLOADED_DATA": action.Errorf(action.Forbidden,
		"Google has not enabled the account for Customer Match. It enables accounts by their history."),
	"USER_LIST_TYPE_NOT_SUPPORTED_FOR_ACCOUNT": action.Errorf(action.Forbidden, "The account cannot have a list of this kind."),
	"EU_POLITICAL_ADVERTISING_DECLARATION_REQUIRED": action.Errorf(action.Forbidden,
		"The account has campaigns without the declaration on political advertising in the EU. Make it in Google Ads."),

	"DISPLAY_NAME_ALREADY_USED":        action.Errorf(action.Invalid, "%s", nameUsed),
	"ALREADY_EXISTS":                   action.Errorf(action.Invalid, "%s", nameUsed),
	"INVALID_DISPLAY_NAME":             action.Errorf(action.Invalid, "Google does not accept the name of the list."),
	"USER_LIST_NAME_RESERVED":          action.Errorf(action.Invalid, "The name of the list is reserved for Google's own lists."),
	"INVALID_DESCRIPTION":              action.Errorf(action.Invalid, "Google does not accept the description of the list."),
	"OWNERSHIP_REQUIRED_FOR_UPDATE":    action.Errorf(action.Forbidden, "Only the account that created the list can change it."),
	"USER_LIST_MUTATION_NOT_SUPPORTED": action.Errorf(action.Forbidden, "%s", notPossible),
	"SENSITIVE_USER_LIST_IMMUTABLE":    action.Errorf(action.Forbidden, "%s", notPossible),
	"INVALID_REMOVE_AS_OF_TIME":        action.Errorf(action.Internal, "The hub's clock is ahead of Google's. Its administrator must set it."),
	"INVALID_REQUEST_ID":               action.Errorf(action.NotFound, "The request no longer exists at Google."),

	"INVALID_CONVERSION_ACTION_ID":   action.Errorf(action.NotFound, "The conversion action does not exist in the Google Ads account."),
	"INVALID_CONVERSION_ACTION_TYPE": action.Errorf(action.Invalid, "The conversion action is of a type that cannot be imported to."),
	"INVALID_CURRENCY_CODE":          action.Errorf(action.Invalid, "A currency code is not valid."),
	"INVALID_EVENT_NAME":             action.Errorf(action.Invalid, "Google does not accept the name of the event."),
	"EVENT_TIME_INVALID":             action.Errorf(action.Invalid, "An event is too old, or in the future."),
	"RESERVED_NAME_USED":             action.Errorf(action.Invalid, "The name of a parameter is reserved."),
	"DESTINATION_ACCOUNT_NOT_ENABLED_ENHANCED_CONVERSIONS_FOR_LEADS": action.Errorf(action.Forbidden,
		"Enhanced conversions for leads are not turned on in the Google Ads account."),
	"DESTINATION_ACCOUNT_DATA_POLICY_PROHIBITS_ENHANCED_CONVERSIONS": action.Errorf(action.Forbidden,
		"Google's customer data policies do not allow enhanced conversions in the account."),
	"DESTINATION_ACCOUNT_ENHANCED_CONVERSIONS_TERMS_NOT_SIGNED": action.Errorf(action.Forbidden, "%s", noTerms),
}
