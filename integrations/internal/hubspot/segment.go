package hubspot

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
)

// Limits of calls about members: HubSpot's maximum for a page of the list, and a moderate size of changes, for
// which HubSpot names no limit (https://developers.hubspot.com/docs/api-reference/latest/crm/lists/guide).
const (
	memberPage   = 250
	removalBatch = 500
)

// segmentPath returns a path below the segment.
func (c *client) segmentPath(segments ...string) string {
	return c.version.path("lists", append([]string{string(c.segment)}, segments...)...)
}

// explainSegment explains why a call about the segment failed.
func (c *client) explainSegment(err *action.Error, status *outbound.StatusError) error {
	switch err.Kind {
	case action.Forbidden:
		return deliver.Stop(action.Wrap(err, err.Kind, "The access token cannot change segments: it needs the scopes crm.lists.read "+
			"and crm.lists.write."))
	case action.NotFound:
		return deliver.Stop(action.Wrap(err, err.Kind, "HubSpot has no segment with the ID %s.", c.segment))
	default:
		return c.explain(err, status)
	}
}

// checkSegment checks that the segment can be changed and has the right type of records. HubSpot itself manages the
// members of DYNAMIC segments: "records can only be added to or removed" of MANUAL and SNAPSHOT ones
// (https://developers.hubspot.com/docs/api-reference/latest/crm/lists/guide).
func (c *client) checkSegment(ctx context.Context) error {
	var answer struct {
		List struct {
			ObjectType     string `json:"objectTypeId"`
			ProcessingType string `json:"processingType"`
		} `json:"list"`
	}
	if err := c.call(ctx, http.MethodGet, c.segmentPath(), nil, &answer, c.explainSegment); err != nil {
		return err
	}
	switch {
	case answer.List.ObjectType != c.object.typeID:
		return action.InvalidField("list_id", "The HubSpot segment %s is not one of %s.", c.segment, c.object.Type)
	case answer.List.ProcessingType != "MANUAL" && answer.List.ProcessingType != "SNAPSHOT":
		return action.InvalidField("list_id", "The HubSpot segment %s is active: HubSpot chooses its members itself. "+
			"Enter a static one.", c.segment)
	}
	return nil
}

// membership is the response to a change of members.
type membership struct {
	// Missing are the IDs of records that do not exist.
	Missing []string `json:"recordIdsMissing"`
}

// addMembers adds the records of updates to the segment. Those that are members are left as they are.
func (c *client) addMembers(ctx context.Context, batch []update) error {
	failed, index := map[int]error{}, map[string]int{}
	var ids []string
	for i, u := range batch {
		id := *u.record
		if id == "" && c.property == "" {
			id = u.ID
		}
		if id == "" {
			failed[i] = action.Errorf(action.Unavailable, "HubSpot did not return the IDs of some %s, so they were not added to the segment.",
				c.object.Type)
			continue
		}
		index[id], ids = i, append(ids, id)
	}
	if len(ids) == 0 {
		return deliver.Partial(failed)
	}
	var answer membership
	if err := c.call(ctx, http.MethodPut, c.segmentPath("memberships", "add"), ids, &answer, c.explainSegment); err != nil {
		return action.Wrap(err, action.KindOf(err), "Some %s were updated, but not added to the segment. %s",
			c.object.Type, action.MessageOf(err))
	}
	for _, id := range answer.Missing {
		if i, known := index[id]; known {
			reason := "HubSpot updated the " + c.object.One + ", but did not add it to the segment."
			failed[i] = c.rejections.Rejected(reason, c.rowName(batch[i]))
		}
	}
	return deliver.Partial(failed)
}

// members yields the record IDs in the segment.
func (c *client) members(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		query := url.Values{"limit": {strconv.Itoa(memberPage)}}
		for {
			var page struct {
				Results []struct {
					ID string `json:"recordId"`
				} `json:"results"`
				Paging struct {
					Next struct {
						After string `json:"after"`
					} `json:"next"`
				} `json:"paging"`
			}
			path := outbound.WithQuery(c.segmentPath("memberships"), query)
			if err := c.call(ctx, http.MethodGet, path, nil, &page, c.explainSegment); err != nil {
				yield("", err)
				return
			}
			for _, m := range page.Results {
				if !yield(m.ID, nil) {
					return
				}
			}
			if page.Paging.Next.After == "" {
				return
			}
			query.Set("after", page.Paging.Next.After)
		}
	}
}

// removeOthers removes the members that are not in the result, and returns their number. A row that failed has no record
// ID if it is matched by a property, so its record cannot be told from the others.
func (c *client) removeOthers(ctx context.Context, result *deliver.Result) (int, error) {
	if c.property != "" {
		for range result.Failed() {
			c.plan.Unknown()
		}
	}
	others, err := c.plan.Removals(c.members(ctx), result.Complete())
	if err != nil {
		return 0, err
	}
	removed := deliver.Batches(ctx, deliver.Items(others), deliver.Options[string]{
		Size: removalBatch, Concurrency: concurrency, Limiter: c.limiter, Retry: retry,
	}, c.removeMembers)
	err = removed.Err("removals")
	if err != nil {
		const format = "%d members were not removed from the segment. %s"
		err = action.Wrap(err, action.KindOf(err), format, removed.Failed(), action.MessageOf(err))
	}
	return removed.Sent(), err
}

// removeMembers removes records from the segment in one call, which can be repeated.
func (c *client) removeMembers(ctx context.Context, ids []string) error {
	return c.api(c.explainSegment).Call(ctx, http.MethodPut, c.segmentPath("memberships", "remove"), ids, &membership{})
}
