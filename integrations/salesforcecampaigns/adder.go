package salesforcecampaigns

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/rows"
)

// concurrency is the maximum number of concurrent calls. Each locks the campaign, so more would
// only wait for each other.
const concurrency = 3

// lockedRetry is for members that were rejected because the campaign was locked.
var lockedRetry = deliver.Retry{
	MaxAttempts: 6, InitialBackoff: time.Second, MaxBackoff: 30 * time.Second,
	When: func(err error) bool { return errors.Is(err, errLocked) },
}

// errLocked marks the error of a member that was rejected because of a lock.
var errLocked = errors.New("locked")

// The status codes of members that matter here
// (https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_calls_concepts_core_data_objects.htm).
const (
	codeLocked = "UNABLE_TO_LOCK_ROW"
	codeMember = "DUPLICATE_VALUE"
)

// adder adds members to a campaign.
type adder struct {
	client     *client
	status     string
	rejected   *rejectionCounter
	rejections rows.Rejections

	mu sync.Mutex
	// inDoubt are members of calls whose outcome is unknown.
	inDoubt map[member]bool
}

// add adds members in one call. It can be repeated after a call whose outcome is unknown: a
// record cannot be added twice, and one that is a member by then was added by that call.
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
	err := a.client.call(ctx, http.MethodPost, a.client.address("composite/sobjects"), body, &results)
	if err == nil && len(results) != len(batch) {
		err = action.Errorf(action.Unavailable, "Salesforce did not confirm every member.")
	}
	switch kind := action.KindOf(err); {
	case err == nil:
		return a.outcome(batch, results)
	case kind == action.Unavailable, kind == action.Timeout:
		a.markInDoubt(batch)
		return err
	case kind.Retryable():
		return err
	}
	return deliver.Stop(err) // every other call would fail too
}

// markInDoubt remembers members that Salesforce may have added though no response said so.
func (a *adder) markInDoubt(batch []member) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.inDoubt == nil {
		a.inDoubt = map[member]bool{}
	}
	for _, m := range batch {
		a.inDoubt[m] = true
	}
}

// outcome says which members were not added.
func (a *adder) outcome(batch []member, results []saveResult) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	failed := map[int]error{}
	for i, r := range results {
		switch {
		case r.Success, r.code() == codeMember && a.inDoubt[batch[i]]:
		case r.code() == codeLocked:
			failed[i] = action.Wrap(errLocked, action.Unavailable, "Someone else is changing the campaign or its members.")
		default:
			a.rejected.count.Add(1)
			failed[i] = a.rejections.Rejected("Salesforce says: "+r.reason()+".", batch[i].String())
		}
	}
	return deliver.Partial(failed)
}
