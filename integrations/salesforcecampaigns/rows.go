package salesforcecampaigns

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/mirror"
	"integrationhub.dev/integrations/internal/rowlog"
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
	rejected   *rejectionCounter
	rejections rows.Rejections
	// mirrored accepts records that are members already, as the campaign has to have them.
	mirrored bool
	// existing is the number of such records.
	existing atomic.Int64

	mu sync.Mutex
	// inDoubt are members of calls whose outcome is unknown.
	inDoubt map[member]bool
}

// add adds members in one call. It can be repeated after a call whose outcome is unknown: a
// record cannot be added twice, and one that is a member by then was added by that call.
func (a *adder) add(ctx context.Context, to target, batch []member) error {
	records := make([]map[string]any, len(batch))
	for i, m := range batch {
		records[i] = map[string]any{
			m.kind.field: m.id, "CampaignId": to.campaign, "attributes": map[string]string{"type": "CampaignMember"},
		}
		if to.status != "" {
			records[i]["Status"] = to.status
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
		case r.code() == codeMember && a.mirrored:
			a.existing.Add(1)
		case r.code() == codeLocked:
			failed[i] = action.Wrap(errLocked, action.Unavailable, "Someone else is changing the campaign or its members.")
		default:
			a.rejected.count.Add(1)
			failed[i] = a.rejections.Rejected("Salesforce reported: "+r.reason()+".", batch[i].String())
		}
	}
	return deliver.Partial(failed)
}

// memberType is a type of record that can be a campaign member.
type memberType struct {
	// field is the field of the campaign member with the record ID.
	field string
	noun  string
	// tag is the LookML tag of a column with such IDs. label matches labels if no column is tagged.
	tag   string
	label *regexp.Regexp
}

var (
	contactType = memberType{"ContactId", "contact", "sfdc_contact_id", regexp.MustCompile(`(?i)contact id`)}
	leadType    = memberType{"LeadId", "lead", "sfdc_lead_id", regexp.MustCompile(`(?i)lead id`)}
)

// member is a record to add to the campaign.
type member struct {
	kind *memberType
	id   string
}

func (m member) String() string { return m.kind.noun + " " + m.id }

// column is a column with record IDs.
type column struct {
	kind  *memberType
	index int
}

// memberColumns finds the columns with record IDs: by tag or, if no column has one, by label.
func memberColumns(columns []action.Column) ([]column, error) {
	kinds := []*memberType{&contactType, &leadType}
	tagged := func(c action.Column) bool {
		return slices.ContainsFunc(kinds, func(k *memberType) bool { return slices.Contains(c.Tags, k.tag) })
	}
	var found []column
	for _, kind := range kinds {
		matches := func(by func(action.Column) bool) (some []column) {
			for i, c := range columns {
				if by(c) {
					some = append(some, column{kind, i})
				}
			}
			return some
		}
		some := matches(func(c action.Column) bool { return slices.Contains(c.Tags, kind.tag) })
		if len(some) == 0 {
			some = matches(func(c action.Column) bool { return !tagged(c) && kind.label.MatchString(c.Label) })
		}
		found = append(found, some...)
	}
	if len(found) == 0 {
		return nil, action.Errorf(action.Invalid, "Query requires at least 1 field that is tagged %s or %s, or labelled Contact ID "+
			"or Lead ID.", contactType.tag, leadType.tag)
	}
	return found, nil
}

// source yields members.
type source = iter.Seq2[member, error]

// recordID matches a record ID in either length
// (https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/field_types.htm).
var recordID = regexp.MustCompile(`^[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?$`)

// members yields the members in the rows. A row may have several IDs, but needs one. The plan of a mirrored
// campaign keeps them.
func members(kept *rowlog.Delivery, columns []column, t *rejectionCounter, plan *mirror.Plan) source {
	return func(yield func(member, error) bool) {
		for row, err := range kept.Rows() {
			if err != nil {
				t.truncated.Store(true)
				yield(member{}, err)
				return
			}
			some := false
			for _, c := range columns {
				m := member{c.kind, strings.TrimSpace(row.Cell(c.index).Text())}
				if m.id == "" {
					continue
				}
				some = true
				err := t.check(m)
				if err == nil {
					plan.Add(memberKey(m.id))
				} else {
					plan.Unknown()
				}
				kept.Item(row)
				if !yield(m, err) {
					return
				}
			}
			if some {
				continue
			}
			plan.Unknown()
			kept.Item(row)
			if !yield(member{}, t.reject("A row has no %s.", idNoun(columns))) {
				return
			}
		}
	}
}

func (t *rejectionCounter) check(m member) error {
	if recordID.MatchString(m.id) {
		return nil
	}
	return t.reject("A row's %s ID is not a valid Salesforce ID (it must have 15 or 18 letters and digits).", m.kind.noun)
}

func (t *rejectionCounter) reject(format string, args ...any) error {
	t.count.Add(1)
	return deliver.Reject(action.Errorf(action.Invalid, format, args...))
}

// idNoun names what a row without an ID lacks.
func idNoun(columns []column) string {
	var nouns []string
	for _, c := range columns {
		if n := c.kind.noun + " ID"; !slices.Contains(nouns, n) {
			nouns = append(nouns, n)
		}
	}
	return strings.Join(nouns, " and no ")
}

// rejectionCounter tells rejected members from other failures.
type rejectionCounter struct {
	// count is the number of members that Salesforce rejected or that could not be sent.
	count atomic.Int64
	// truncated is set when the source ended early.
	truncated atomic.Bool
}

// explains reports whether rejected members are the only failures.
func (t *rejectionCounter) explains(a *deliver.Result) bool {
	return !t.truncated.Load() && t.count.Load() == int64(a.Failed())
}
