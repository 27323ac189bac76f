package salesforcecampaigns

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/signin"
)

// timeout bounds one call. A call with members takes seconds; Salesforce's own limit is ten minutes.
const timeout = 2 * time.Minute

// retry is for calls that can be repeated: those that change nothing, and additions.
var retry = deliver.Retry{MaxAttempts: 6, InitialBackoff: time.Second, MaxBackoff: time.Minute}

// client calls a user's org by its REST API
// (https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/intro_rest.htm).
type client struct {
	http    *http.Client
	domain  domain
	version apiVersion
	session *signin.Session
}

// address returns the URL of a path within the API version.
func (c *client) address(path string) string {
	return string(c.domain) + "/services/data/v" + string(c.version) + "/" + path
}

// call makes one call, and once more with a new access token if the first one was rejected.
func (c *client) call(ctx context.Context, method, address string, in, out any) error {
	return c.session.Call(ctx, func(ctx context.Context, access string) error {
		api := outbound.API{
			Name: name, Client: c.http, Timeout: timeout, Authorize: outbound.Bearer(action.Secret(access)), Explain: c.explain,
		}
		return api.Call(ctx, method, address, in, out)
	})
}

// get makes a call that changes nothing.
func (c *client) get(ctx context.Context, address string, out any) error {
	return retry.Do(ctx, func(ctx context.Context) error {
		return c.call(ctx, http.MethodGet, address, nil, out)
	})
}

// query yields the records of a SOQL query, page by page
// (https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_query.htm).
func query[T any](ctx context.Context, c *client, soql string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		address := c.address("query?q=" + url.QueryEscape(soql))
		for address != "" {
			var page struct {
				Records []T    `json:"records"`
				Done    bool   `json:"done"`
				Next    string `json:"nextRecordsUrl"`
			}
			if err := c.get(ctx, address, &page); err != nil {
				yield(none, err)
				return
			}
			for _, r := range page.Records {
				if !yield(r, nil) {
					return
				}
			}
			switch {
			case page.Done:
				return
			case !strings.HasPrefix(page.Next, "/services/data/"): // the next page must be on the same host: it gets the token
				yield(none, action.Errorf(action.Unavailable, "Salesforce did not say where the rest of the records is."))
				return
			}
			address = string(c.domain) + page.Next
		}
	}
}

// createCampaign creates a campaign and returns its ID. Each call creates another one.
func (c *client) createCampaign(ctx context.Context, campaign string) (string, error) {
	var answer saveResult
	once := deliver.Once{Name: name, MaybeDeliveredHint: "The campaign may already have been created. Check before retrying."}
	err := once.Do(ctx, func(ctx context.Context) error {
		return c.call(ctx, http.MethodPost, c.address("sobjects/Campaign"), map[string]string{"Name": campaign}, &answer)
	})
	switch {
	case err != nil:
		return "", err
	case !answer.Success || !recordID.MatchString(answer.ID):
		return "", action.Errorf(action.Invalid, "Salesforce did not create the campaign: %s.", answer.reason())
	}
	return answer.ID, nil
}

// memberStatus is a status that the members of one campaign can have. Salesforce accepts a member with another one:
// "If the specified Status value isn't a valid status, the API assigns the default status"
// (https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_campaignmember.htm).
// Its fields are in
// https://developer.salesforce.com/docs/platform/object-reference/references/standard-objects/object-campaignmemberstatus.html.
type memberStatus struct {
	Label     string `json:"Label"`
	SortOrder int    `json:"SortOrder"`
}

// statuses lists the member statuses of a campaign, whose ID is valid.
func (c *client) statuses(ctx context.Context, campaign string) ([]memberStatus, error) {
	soql := "SELECT Label, SortOrder FROM CampaignMemberStatus WHERE CampaignId = '" + campaign + "' ORDER BY SortOrder"
	var all []memberStatus
	for s, err := range query[memberStatus](ctx, c, soql) {
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// findStatus returns the status as the campaign writes it.
func findStatus(all []memberStatus, label string) (string, bool) {
	for _, s := range all {
		if strings.EqualFold(strings.TrimSpace(s.Label), strings.TrimSpace(label)) {
			return s.Label, true
		}
	}
	return "", false
}

// existingStatus returns a status of a campaign that exists. One that the campaign lacks is an error: its statuses
// are its owner's to change.
func (c *client) existingStatus(ctx context.Context, campaign, label string) (string, error) {
	if label == "" {
		return "", nil
	}
	all, err := c.statuses(ctx, campaign)
	if err != nil {
		return "", err
	}
	status, found := findStatus(all, label)
	if !found {
		return "", action.InvalidField("member_status", "The campaign has no member status %q. Choose one of its statuses in the form, "+
			"or add it to the campaign in Salesforce.", label)
	}
	return status, nil
}

// newStatus returns a status of a campaign that was just created, and creates it if the campaign lacks it.
func (c *client) newStatus(ctx context.Context, campaign, label string) (string, error) {
	if label == "" {
		return "", nil
	}
	all, err := c.statuses(ctx, campaign)
	if err != nil {
		return "", err
	}
	if status, found := findStatus(all, label); found {
		return status, nil
	}
	order := 0
	for _, s := range all {
		order = max(order, s.SortOrder)
	}
	record := map[string]any{
		"CampaignId": campaign, "Label": label, "HasResponded": false, "IsDefault": false, "SortOrder": order + 1, // which must be unique
	}
	var answer saveResult
	once := deliver.Once{Name: name}
	createErr := once.Do(ctx, func(ctx context.Context) error {
		return c.call(ctx, http.MethodPost, c.address("sobjects/CampaignMemberStatus"), record, &answer)
	})
	// Whatever the response was, the list says whether the campaign has the status.
	if all, err = c.statuses(ctx, campaign); err != nil {
		return "", err
	}
	status, found := findStatus(all, label)
	switch {
	case found:
		return status, nil
	case createErr != nil:
		return "", createErr
	}
	return "", action.Errorf(action.Invalid, "Salesforce did not create the member status %q: %s.", label, answer.reason())
}

// saveResult is the result for one record.
type saveResult struct {
	ID      string `json:"id"`
	Success bool   `json:"success"`
	Errors  []struct {
		Code    string `json:"statusCode"`
		Message string `json:"message"`
	} `json:"errors"`
}

// code returns the code of the first error.
func (r saveResult) code() string {
	if len(r.Errors) == 0 {
		return ""
	}
	return r.Errors[0].Code
}

// reason returns Salesforce's message. It can only quote IDs and the user's answers.
func (r saveResult) reason() string {
	if len(r.Errors) == 0 {
		return "it gave no reason"
	}
	return withCode(r.Errors[0].Message, r.Errors[0].Code)
}

// withCode returns a message with its code, without a full stop.
func withCode(text, code string) string {
	text = strings.TrimSuffix(action.Line(text), ".")
	if text == "" {
		return action.Line(code)
	}
	return fmt.Sprintf("%s (%s)", text, action.Line(code))
}

// explain explains a rejected call
// (https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm).
func (c *client) explain(err *action.Error, status *outbound.StatusError) error {
	var answers []struct {
		Code    string `json:"errorCode"`
		Message string `json:"message"`
	}
	_ = json.Unmarshal(status.Body, &answers) // other bodies do not come from the API
	code, text := "", ""
	if len(answers) > 0 {
		code, text = answers[0].Code, answers[0].Message
	}
	kind := err.Kind
	switch {
	case status.Code == http.StatusGone, code == "UNSUPPORTED_API_VERSION":
		return action.Wrap(err, action.Internal, "Salesforce has retired version %s of its API. "+
			"The hub's administrator must set SALESFORCE_API_VERSION to a newer one.", c.version)
	case code == "INVALID_SESSION_ID":
		return action.Wrap(err, action.Unauthenticated, "Salesforce rejected the access token.")
	case code == "REQUEST_LIMIT_EXCEEDED" && strings.Contains(text, "Concurrent"):
		return action.Wrap(err, action.RateLimited, "Salesforce is limiting concurrent requests. Try again later.")
	case code == "REQUEST_LIMIT_EXCEEDED":
		return action.Wrap(err, action.Forbidden, "Salesforce rejected the request: the org reached its API limit for 24 hours.")
	case kind == action.NotFound:
		return action.Wrap(err, kind, "The resource does not exist in Salesforce. The user may lack access to campaigns, "+
			"or the org does not support version %s of the API (SALESFORCE_API_VERSION).", c.version)
	case code != "" && !kind.Retryable():
		return action.Wrap(err, kind, "Salesforce returned %d: %s.", status.Code, withCode(text, code))
	}
	return err
}
