package marketo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/rows"
)

// keep tells the plan the lead of a row.
func (d *delivery) keep(l *lead) {
	if d.plan == nil || l.kept {
		return
	}
	l.kept = true
	d.plan.Add(strconv.FormatUint(l.id, 10))
	d.known.Add(1)
}

// finish removes from the lists the leads that are not in the result, if they are mirrored, and answers the delivery.
func (d *delivery) finish(ctx context.Context, result *deliver.Result) (*action.Response, error) {
	if d.plan == nil {
		return rows.Response(result, "leads", "%d leads updated.")
	}
	for range int64(result.Sent()+result.Failed()) - d.known.Load() {
		d.plan.Unknown()
	}
	var (
		done []string
		errs []error
	)
	for _, list := range d.input.Targets {
		removed, err := d.mirror(ctx, list, result.Complete())
		if err != nil {
			errs = append(errs, err)
			continue
		}
		done = append(done, fmt.Sprintf("%d removed from list %s", removed, list))
	}
	switch err := result.Err("leads"); {
	case err != nil:
		errs = slices.Insert(errs, 0, err)
	case len(errs) == 0:
		return &action.Response{Message: fmt.Sprintf("%d leads updated, %s.", result.Sent(), strings.Join(done, ", "))}, nil
	default:
		done = slices.Insert(done, 0, fmt.Sprintf("%d leads updated", result.Sent()))
	}
	var message []string
	for _, err := range errs {
		if m := action.MessageOf(err); !slices.Contains(message, m) { // lists may fail for the same reason
			message = append(message, m)
		}
	}
	if len(done) > 0 {
		message = append(message, strings.Join(done, ", ")+".")
	}
	return nil, action.Wrap(errors.Join(errs...), action.KindOf(errs[0]), "%s", strings.Join(message, " "))
}

// mirror removes from a list the leads that are not in the result, and returns their number.
func (d *delivery) mirror(ctx context.Context, list string, complete bool) (int, error) {
	removals, err := d.plan.Removals(d.members(ctx, list), complete)
	if err != nil {
		return 0, err
	}
	removed := 0
	var first error
	for batch := range slices.Chunk(removals, leadsPerCall) {
		failed, err := d.remove(ctx, list, batch)
		removed += len(batch) - len(failed)
		for _, cause := range failed {
			first = cmp.Or(first, cause)
		}
		if deliver.Stopped(err) {
			break
		}
	}
	if removed == len(removals) {
		return removed, nil
	}
	return removed, action.Wrap(first, action.KindOf(first), "%d of %d members were removed from list %s. %s",
		removed, len(removals), list, action.MessageOf(first))
}

// remove removes leads from a list and returns the errors for those that may still be on it.
func (d *delivery) remove(ctx context.Context, list string, batch []string) (map[uint64]error, error) {
	ids := make([]uint64, len(batch))
	for i, id := range batch {
		ids[i], _ = strconv.ParseUint(id, 10, 64) // members formatted them
	}
	failed, err := d.list(ctx, http.MethodDelete, list, ids)
	if err != nil {
		failed = map[uint64]error{}
		for _, id := range ids {
			failed[id] = err
		}
	}
	return failed, err
}

// members yields the IDs of a list's leads, page by page
// (https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/list-membership).
func (d *delivery) members(ctx context.Context, list string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		query := url.Values{"batchSize": {strconv.Itoa(leadsPerCall)}, "fields": {idField}}
		for {
			var page []result
			var next string
			err := deliver.Call(ctx, d.limiter, retry, func(ctx context.Context) (err error) {
				page = nil
				next, err = d.client.page(ctx, outbound.WithQuery(listPath(list), query), &page)
				return err
			})
			withoutID := slices.ContainsFunc(page, func(r result) bool { return r.ID == 0 })
			if samePage := next != "" && next == query.Get("nextPageToken"); err == nil && (samePage || withoutID) {
				err = action.Errorf(action.Unavailable, "Unexpected response from Marketo.")
			}
			if err != nil {
				yield("", err)
				return
			}
			for _, r := range page {
				if !yield(strconv.FormatUint(r.ID, 10), nil) {
					return
				}
			}
			if next == "" {
				return
			}
			query.Set("nextPageToken", next)
		}
	}
}
