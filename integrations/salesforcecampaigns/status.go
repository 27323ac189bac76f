package salesforcecampaigns

import (
	"context"
	"net/http"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
)

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
