package facebookcustomaudiences

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
)

// failure is the body of an unsuccessful response:
// https://developers.facebook.com/docs/graph-api/guides/error-handling
type failure struct {
	Error struct {
		Code      int  `json:"code"`
		Subcode   int  `json:"error_subcode"`
		Transient bool `json:"is_transient"`
	} `json:"error"`
}

// meanings are the meanings of error codes. Meta's messages can quote tokens and values, so they are not
// shown: https://developers.facebook.com/docs/marketing-api/error-reference,
// https://developers.facebook.com/docs/graph-api/guides/error-handling
var meanings = map[int]action.Error{
	1: {Kind: action.Unavailable, Message: "Facebook is temporarily unavailable."},
	2: {Kind: action.Unavailable, Message: "Facebook is temporarily unavailable."},
	3: {Kind: action.Forbidden, Message: "The hub's Facebook app lacks the permission to manage ads. " +
		"The hub's administrator must request it from Meta."},
	4:     {Kind: action.RateLimited, Message: "Facebook is rate limiting the hub's app. Try again later."},
	10:    {Kind: action.Forbidden, Message: "The Facebook user or the hub's app lacks the permission for this ad account."},
	17:    {Kind: action.RateLimited, Message: "Facebook is rate limiting this user. Try again later."},
	32:    {Kind: action.RateLimited, Message: "Facebook is rate limiting requests. Try again later."},
	80003: {Kind: action.RateLimited, Message: "Facebook is rate limiting this ad account's audiences. Try again later."},
	80004: {Kind: action.RateLimited, Message: "Facebook is rate limiting this ad account. Try again later."},
	100:   {Kind: action.Invalid, Message: "Facebook rejected the request, or the ad account or audience does not exist."},
	102:   {Kind: action.Unauthenticated, Message: errSignIn.Message},
	104:   {Kind: action.Internal, Message: "Facebook does not accept the hub's app secret. The hub's administrator must check it."},
	190:   {Kind: action.Unauthenticated, Message: errSignIn.Message},
	200:   {Kind: action.Forbidden, Message: "The Facebook user lacks the permission for this ad account or audience."},
	294:   {Kind: action.Forbidden, Message: "The sign-in lacks the permission to manage ads. Log in again and grant it."},
	341:   {Kind: action.RateLimited, Message: "Facebook is rate limiting requests. Try again later."},
	368:   {Kind: action.Forbidden, Message: "Meta has blocked this user or app because of its policies."},
	613:   {Kind: action.RateLimited, Message: "Facebook is rate limiting this ad account. Try again later."},
	2635: {Kind: action.Internal, Message: "Meta has retired the version of its API that the hub calls. " +
		"The hub's administrator must set FACEBOOK_API_VERSION to a current one."},
	2650: {Kind: action.Unavailable, Message: "Facebook temporarily cannot change the audience."},
	2654: {Kind: action.Invalid, Message: "Facebook could not create the audience."},
}

// The subcodes of a session, which are of code 2650
// (https://developers.facebook.com/docs/marketing-api/audiences/guides/custom-audiences, "Replace Users API").
const (
	inProgress = 1870145 // another replacement is
	notBegun   = 1870147 // no batch with number 1 has arrived
	notUpdated = 1870148
	timedOut   = 1870158 // after 90 minutes
	finished   = 1870159 // the last batch has arrived
	tooMany    = 1870144
)

// details are the meanings of subcodes. They are more specific than the codes.
var details = map[int]action.Error{
	1870034:    termsNotAccepted,
	1870090:    termsNotAccepted,
	inProgress: {Kind: action.Unavailable, Message: "The audience is being changed by another upload."},
	notBegun:   {Kind: action.Invalid, Message: "Facebook does not have the first batch of this upload."},
	notUpdated: {Kind: action.Invalid, Message: "Facebook did not update the audience completely."},
	timedOut:   {Kind: action.Invalid, Message: "Facebook closed the session of this upload, because it took more than 90 minutes."},
	finished:   {Kind: action.Invalid, Message: "Facebook closed the session of this upload."},
	tooMany:    {Kind: action.Invalid, Message: "Facebook cannot replace an audience of 100 million people or more."},
	1870047: {Kind: action.Forbidden, Message: "Facebook does not remove these people, because the audience would become too small " +
		"for an active ad set."},
	1870050: {Kind: action.Forbidden, Message: "The ad account is not linked to a business portfolio."},
	1713230: {Kind: action.Forbidden, Message: "Meta has restricted this audience. Appeal in Audience Manager, or create a new audience."},
}

var termsNotAccepted = action.Error{
	Kind:    action.Forbidden,
	Message: "The ad account has not accepted Meta's Custom Audience terms: https://www.facebook.com/customaudiences/app/tos/",
}

// permission reports whether a code is for a missing permission.
func permission(code int) bool { return code >= 200 && code <= 299 }

// graphError is an error with a subcode.
type graphError struct {
	error
	subcode int
}

func (e graphError) Unwrap() error { return e.error }

// subcode returns the subcode of an error that Facebook answered with; 0 if it has none.
func subcode(err error) int {
	e, _ := errors.AsType[graphError](err)
	return e.subcode
}

// systemMeanings are those of calls with an administrator's token.
var systemMeanings = map[int]action.Error{
	100: {Kind: action.Invalid, Message: meanings[100].Message + " The system user token must be of the hub's Facebook app."},
	102: systemTokenRejected,
	190: systemTokenRejected,
	200: {Kind: action.Forbidden, Message: "The system user lacks the permission for this ad account or audience."},
	294: {Kind: action.Forbidden, Message: "The system user token lacks the permission ads_management. " + checkSystemToken},
}

const checkSystemToken = "A Looker administrator must replace it in the action's settings."

var systemTokenRejected = action.Error{
	Kind: action.Unauthenticated, Message: "Facebook does not accept the system user token. " + checkSystemToken,
}

// explain explains a rejected call with a user's sign-in, or without one.
func explain(err *action.Error, status *outbound.StatusError) error {
	return explainBy(meanings, err, status)
}

// explainSystem explains a rejected call with an administrator's token.
func explainSystem(err *action.Error, status *outbound.StatusError) error {
	all := maps.Clone(meanings)
	maps.Copy(all, systemMeanings)
	return explainBy(all, err, status)
}

func explainBy(meanings map[int]action.Error, err *action.Error, status *outbound.StatusError) error {
	var r failure
	if json.Unmarshal(status.Body, &r) != nil || r.Error.Code == 0 {
		return err
	}
	code := r.Error.Code
	if permission(code) && meanings[code].Message == "" {
		code = 200
	}
	known, detailed := details[r.Error.Subcode]
	if !detailed {
		known = meanings[code]
	}
	switch {
	case code < 0 && !detailed: // "Negative-value error codes are internal Facebook errors."
		known = meanings[1]
	case known.Message == "":
		known = action.Error{Kind: err.Kind, Message: "Facebook did not accept the request."}
		if r.Error.Transient {
			known.Kind = action.Unavailable
		}
	case r.Error.Transient && !detailed && !known.Kind.Retryable():
		known.Kind = action.Unavailable
	}
	if minutes := throttledMinutes(r.Error.Code, status.Header); minutes > 0 {
		status.RetryAfter = time.Duration(minutes) * time.Minute
		if minutes > 1 {
			known.Message = strings.TrimSuffix(known.Message, "later.") + fmt.Sprintf("in %d minutes.", minutes)
		}
	}
	return action.Wrap(graphError{err, r.Error.Subcode}, known.Kind, "%s (%s)", known.Message, number(r))
}

// useCases are the kinds of calls that have limits, by the code of the error.
var useCases = map[int]string{80003: "custom_audience", 80004: "ads_management"}

// throttledMinutes returns after how many minutes Meta accepts such calls again, or 0 if it does not say:
// https://developers.facebook.com/docs/graph-api/overview/rate-limiting ("X-Business-Use-Case-Usage")
func throttledMinutes(code int, header http.Header) (minutes int) {
	var byBusiness map[string][]struct {
		Type    string `json:"type"`
		Minutes int    `json:"estimated_time_to_regain_access"`
	}
	if useCases[code] == "" || json.Unmarshal([]byte(header.Get("X-Business-Use-Case-Usage")), &byBusiness) != nil {
		return 0
	}
	for _, usage := range byBusiness {
		for _, u := range usage {
			if u.Type == useCases[code] {
				minutes = max(minutes, u.Minutes)
			}
		}
	}
	return min(minutes, 24*60)
}

// number returns the error's number for Meta's support and documentation.
func number(r failure) string {
	if r.Error.Subcode == 0 {
		return fmt.Sprintf("Facebook's error %d.", r.Error.Code)
	}
	return fmt.Sprintf("Facebook's error %d, %d.", r.Error.Code, r.Error.Subcode)
}
