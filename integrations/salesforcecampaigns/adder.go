package salesforcecampaigns

import (
	"context"
	"errors"
	"net/http"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/reasons"
)

// concurrency is how many chunks are under way at once. Each locks the campaign for a moment, so
// more would only wait for each other.
const concurrency = 3

// lockedRetry is for single members: those that were refused because others held the lock.
var lockedRetry = deliver.Retry{
	Tries: 6, First: time.Second, Longest: 30 * time.Second,
	When: func(err error) bool { return errors.Is(err, errLocked) },
}

// errLocked marks the error for a member that Salesforce may take the next time.
var errLocked = errors.New("locked")

// The status codes of members that matter here
// (https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_calls_concepts_core_data_objects.htm).
const (
	codeLocked = "UNABLE_TO_LOCK_ROW"
	codeMember = "DUPLICATE_VALUE"
)

// adder adds members to a campaign.
type adder struct {
	client  *client
	status  string
	tally   *tally
	reasons reasons.Reasons
}

// add adds members in one call. Nobody becomes a member twice, so the call may be made again
// after one whose answer never came; who is a member by then was made one by that call.
func (a *adder) add(ctx context.Context, campaign string, batch []member) error {
	records := make([]map[string]any, len(batch))
	for i, m := range batch {
		records[i] = map[string]any{m.kind.field: m.id, "CampaignId": campaign, "attributes": map[string]string{"type": "CampaignMember"}}
		if a.status != "" {
			records[i]["Status"] = a.status
		}
	}
	body := map[string]any{"allOrNone": false, "records": records}
	var results []saveResult
	doubt := false
	err := retry.Do(ctx, func(ctx context.Context) error {
		results = nil
		err := a.client.call(ctx, http.MethodPost, a.client.address("composite/sobjects"), body, &results)
		if err == nil && len(results) != len(batch) {
			err = action.Errorf(action.Unavailable, "Salesforce answered, but not for every member.")
		}
		kind := action.KindOf(err)
		doubt = doubt || kind == action.Unavailable || kind == action.Timeout
		return err
	})
	if err == nil {
		return a.settle(batch, results, doubt)
	}
	if action.KindOf(err).Retryable() {
		return err
	}
	return deliver.Stop(err) // no other call would do better
}

// settle finds what became of each member.
func (a *adder) settle(batch []member, results []saveResult, doubt bool) error {
	refused := deliver.RefusedError{}
	for i, r := range results {
		switch {
		case r.Success, doubt && r.code() == codeMember:
		case r.code() == codeLocked:
			refused[i] = action.Wrap(errLocked, action.Unavailable, "Somebody else is changing the campaign or its members.")
		default:
			a.tally.refused.Add(1)
			refused[i] = a.reasons.Refused("Salesforce says: "+r.reason()+".", batch[i].String())
		}
	}
	if len(refused) == 0 {
		return nil
	}
	return refused
}
