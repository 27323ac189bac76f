package marketo

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
)

// problem is an error of a call or of a lead
// (https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/error-codes).
type problem struct {
	Code    code   `json:"code"`
	Message string `json:"message"`
}

// code is an error code. Marketo sends a string or a number.
type code string

// UnmarshalJSON implements [json.Unmarshaler].
func (c *code) UnmarshalJSON(text []byte) error {
	*c = code(strings.Trim(string(text), `"`))
	return nil
}

var _ json.Unmarshaler = (*code)(nil)

const (
	tokenInvalid  code = "601"
	tokenExpired  code = "602"
	accessDenied  code = "603"
	rateExceeded  code = "606"
	quotaReached  code = "607"
	invalidJSON   code = "609"
	notFound      code = "610"
	tooManyAtOnce code = "615"
	notEnabled    code = "703"
	leadNotFound  code = "1004"
	noField       code = "1006"
	noPartition   code = "1008"
	partitionless code = "1009"
	noFieldHere   code = "1011"
	noObject      code = "1013"
	notOnList     code = "1015"
	importing     code = "1019"
	noStatus      code = "1025"
	pastStatus    code = "1037"
)

// skipped is the status of a record that was rejected.
const skipped = "skipped"

// temporary are the codes of temporary errors: timeouts, an instance that cannot be reached, unhandled exceptions, locked
// records, and lists that are imported to. They say nothing about the leads.
var temporary = []code{"604", "608", "611", "614", "713", "719", importing}

// forAll are the codes of errors that every later call would have: unknown fields, objects and statuses, partitions, and
// features that the instance lacks.
var forAll = []code{"616", notEnabled, noField, noPartition, partitionless, noFieldHere, noObject, noStatus}

// windowLength is the period of Marketo's rate limit.
const windowLength = 20 * time.Second

// limited returns a rate limit error.
func limited(wait time.Duration, text string) error {
	return action.Wrap(&outbound.StatusError{Code: http.StatusTooManyRequests, RetryAfter: wait}, action.RateLimited, "%s", text)
}

// explain returns the error for a problem with a call. Codes of the 500s and 600s are about the request, the
// connection or the instance, never about a lead, except that of a body that is not valid JSON.
func (p problem) explain() error {
	switch {
	case p.Code == tokenInvalid, p.Code == tokenExpired:
		return action.Errorf(action.Unauthenticated, "Marketo rejected its own access token.")
	case p.Code == rateExceeded:
		return limited(windowLength, "Marketo is rate limiting requests: its limit is 100 calls in 20 seconds.")
	case p.Code == tooManyAtOnce:
		return limited(2*time.Second, "Marketo is limiting concurrent requests.")
	case p.Code == quotaReached:
		return deliver.Stop(action.Errorf(action.Forbidden, "Marketo rejected the request: the instance reached its daily quota."))
	case p.Code == accessDenied:
		return deliver.Stop(action.Errorf(action.Forbidden, "Marketo denied access. The API user's role lacks a permission (603)."))
	case p.Code == notFound:
		return deliver.Stop(action.Errorf(action.NotFound, "The resource does not exist in Marketo (610)."))
	case slices.Contains(temporary, p.Code), p.Code.hundreds() == 5:
		return action.Errorf(action.Unavailable, "Marketo is temporarily unavailable: %s.", p.text())
	case slices.Contains(forAll, p.Code):
		return deliver.Stop(action.Errorf(action.Invalid, "Marketo reported: %s.", p.text()))
	case p.Code.hundreds() == 6 && p.Code != invalidJSON:
		return deliver.Stop(action.Errorf(action.Internal, "Marketo did not accept the hub's request: %s.", p.text()))
	}
	return action.Errorf(action.Invalid, "Marketo reported: %s.", p.text())
}

// hundreds is the class of a code of three digits, and 0 for other codes.
func (c code) hundreds() int {
	if n, err := strconv.Atoi(string(c)); err == nil && n < 1000 {
		return n / 100
	}
	return 0
}

// quoted matches the parts of messages that can be values of a lead.
var quoted = regexp.MustCompile(`'[^']*'|"[^"]*"|\S+@\S+`)

// text returns Marketo's message without a lead's values and without a full stop. It keeps the names of
// fields, which the query's author has to change.
func (p problem) text() string {
	text := p.Message
	if p.Code != noField && p.Code != noFieldHere {
		text = quoted.ReplaceAllString(text, "…")
	}
	text = strings.TrimSuffix(action.Line(text), ".")
	if text == "" {
		return fmt.Sprintf("error %s", action.Line(string(p.Code)))
	}
	return fmt.Sprintf("%s (%s)", text, action.Line(string(p.Code)))
}

// reason is why a lead was rejected.
func (r result) reason() string {
	if len(r.Reasons) == 0 {
		return "the lead was rejected without a reason"
	}
	return r.Reasons[0].text()
}

func (r result) has(c code) bool {
	return slices.ContainsFunc(r.Reasons, func(p problem) bool { return p.Code == c })
}
