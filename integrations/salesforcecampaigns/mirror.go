package salesforcecampaigns

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/mirror"
	"integrationhub.dev/integrations/internal/rows"
)

// campaignMember is a member that Salesforce lists. A lead that was converted has a contact's ID, too.
type campaignMember struct {
	ID        string `json:"Id"`
	ContactID string `json:"ContactId"`
	LeadID    string `json:"LeadId"`
}

// keys are the IDs by which the result can name the member.
func (m campaignMember) keys() []string {
	var keys []string
	for _, id := range []string{m.ContactID, m.LeadID} {
		if recordID.MatchString(id) {
			keys = append(keys, memberKey(id))
		}
	}
	return keys
}

// memberKey is the same for both lengths of an ID: the last three of 18 characters are a checksum
// (https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/field_types.htm).
func memberKey(id string) string { return id[:15] }

// codeDeleted is the status code of a record that is deleted already.
const codeDeleted = "ENTITY_IS_DELETED"

// mirror removes the members that are not in the result, after the others were added, and reports both. err is the
// delivery's own error.
func (i *Integration) mirror(ctx context.Context, d *delivery, a *adder, added *deliver.Result, err error) (string, error) {
	removed, removeErr := i.removeOthers(ctx, d.client, d.plan, d.Campaign, added.Complete())
	existing := int(a.existing.Load())
	report := fmt.Sprintf("%d members added, %d were members already, %d removed.", added.Sent()-existing, existing, removed)
	if rejected := added.Err("members"); rejected != nil {
		report = action.MessageOf(rejected) + " " + report
	}
	if removeErr != nil {
		report += " " + action.MessageOf(removeErr)
	}
	switch {
	case err != nil:
		return "", action.Wrap(errors.Join(err, removeErr), action.KindOf(err), "%s", report)
	case removeErr != nil:
		return "", action.Wrap(removeErr, action.KindOf(removeErr), "%s", report)
	}
	return report, nil
}

// removeOthers removes the members that are not in the result, and returns their number.
func (i *Integration) removeOthers(ctx context.Context, c *client, plan *mirror.Plan, campaign string, complete bool) (int, error) {
	// Accounts can be members too, which a result cannot name.
	soql := "SELECT Id, ContactId, LeadId FROM CampaignMember WHERE CampaignId = '" + campaign + "' " +
		"AND (ContactId != null OR LeadId != null)"
	others, err := mirror.RemovalsOf(plan, query[campaignMember](ctx, c, soql), campaignMember.keys, complete)
	if err != nil {
		return 0, err
	}
	r := &remover{client: c}
	result := deliver.Batches(ctx, deliver.Items(others), deliver.Options[campaignMember]{
		Size: i.settings.ChunkSize, Concurrency: concurrency, Retry: retry, RetryItems: lockedRetry,
	}, r.remove)
	return result.Sent(), removalError(result)
}

// removalError says how many members could not be removed.
func removalError(result *deliver.Result) error {
	err := result.Err("removals")
	if err == nil {
		return nil
	}
	return action.Wrap(err, action.KindOf(err), "%d members were not removed. %s", result.Failed(), action.MessageOf(err))
}

// remover removes members from a campaign.
type remover struct {
	client     *client
	rejections rows.Rejections
}

// remove removes members in one call, which can be repeated
// (https://developer.salesforce.com/docs/platform/api-rest/guide/resources-composite-sobjects-collections-delete.html).
func (r *remover) remove(ctx context.Context, batch []campaignMember) error {
	ids := make([]string, len(batch))
	for i, m := range batch {
		if !recordID.MatchString(m.ID) {
			return action.Errorf(action.Unavailable, "Salesforce listed a campaign member without a valid ID.")
		}
		ids[i] = m.ID
	}
	var results []saveResult
	address := r.client.address("composite/sobjects?allOrNone=false&ids=" + strings.Join(ids, ","))
	err := r.client.call(ctx, http.MethodDelete, address, nil, &results)
	switch {
	case err == nil && len(results) != len(batch):
		return action.Errorf(action.Unavailable, "Salesforce did not confirm every removal.")
	case err == nil:
		return r.outcome(batch, results)
	case action.KindOf(err).Retryable():
		return err
	}
	return deliver.Stop(err) // every other call would fail too
}

// outcome says which members were not removed. One that is deleted already was removed by an earlier
// attempt or by somebody else.
func (r *remover) outcome(batch []campaignMember, results []saveResult) error {
	failed := map[int]error{}
	for i, res := range results {
		switch {
		case res.Success, res.code() == codeDeleted:
		case res.code() == codeLocked:
			failed[i] = action.Wrap(errLocked, action.Unavailable, "Someone else is changing the campaign or its members.")
		default:
			failed[i] = r.rejections.Rejected("Salesforce reported: "+res.reason()+".", "campaign member "+batch[i].ID)
		}
	}
	return deliver.Partial(failed)
}
