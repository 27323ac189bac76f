package googleadscustomermatch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
)

// maxPerCall is Google's recommendation:
// https://developers.google.com/google-ads/api/docs/remarketing/audience-segments/customer-match/get-started
const maxPerCall = 10_000

// upload adds people to a list by the Google Ads API, in three steps: it creates a job, adds people to it,
// and runs it. Nothing changes before that, so a truncated source changes nothing.
type upload struct {
	*client
	in   input
	list listName
	job  jobName
	// title is the name of the list in messages.
	title string
	// stopped is the error that ended the upload.
	stopped error
}

func (u *upload) send(ctx context.Context, p *people) (string, error) {
	u.list, u.title = u.in.List, "the list"
	result := deliver.Batches(ctx, p.all(), deliver.Options[person]{
		// Google counts the values, not the people.
		Size: maxPerCall, MaxBytes: maxPerCall, Weight: func(p person) int { return len(p) },
		Retry: u.Writes,
	}, func(ctx context.Context, batch []person) error {
		err := u.begin(ctx)
		if err == nil {
			err = u.addOperations(ctx, u.job, batch)
		}
		if e, ok := errors.AsType[*action.Error](err); ok && slices.Contains(fatalKinds, e.Kind) {
			return u.stop(err)
		}
		return err
	})
	switch {
	case u.stopped != nil:
		return "", u.abandon(ctx, u.stopped)
	case p.truncated != nil:
		return "", u.abandon(ctx, p.truncated)
	case ctx.Err() != nil:
		return "", u.abandon(ctx, context.Cause(ctx))
	case result.Sent() == 0:
		u.withdraw(ctx)
		return summary(0, u.title, p), result.Err("rows")
	case u.in.Mirror && result.Failed() > 0:
		err := result.Err("rows")
		return "", action.Wrap(err, action.KindOf(err), "The list was not changed: with mirroring, its members are replaced only if "+
			"Google Ads accepts all rows, and it did not accept %d of %d. %s", result.Failed(), result.Sent()+result.Failed(), reasons(err))
	}
	if err := u.run(ctx, u.job); err != nil {
		return "", action.Wrap(err, action.KindOf(err), "%d rows were uploaded, but Google Ads did not start adding them to the list. %s",
			result.Sent(), action.MessageOf(err))
	}
	return summary(result.Sent(), u.title, p), result.Err("rows")
}

// reasons are the reasons for which rows failed, without numbers.
func reasons(err error) string {
	var messages []string
	if e, ok := errors.AsType[*action.Error](err); ok {
		if all, ok := e.Err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // of deliver.Result, which joins the reasons
			for _, reason := range all.Unwrap() {
				messages = append(messages, action.MessageOf(reason))
			}
		}
	}
	return strings.Join(messages, " ")
}

// fatalKinds are the kinds of error that every other batch would return too.
var fatalKinds = []action.Kind{action.Unauthenticated, action.Forbidden, action.NotFound, action.Internal}

// stop ends the upload.
func (u *upload) stop(err error) error {
	u.stopped = err
	return deliver.Stop(err)
}

// begin creates the list and the job with the first batch.
func (u *upload) begin(ctx context.Context) error {
	now := u.i.now().UTC()
	if u.list == "" {
		name := u.in.titleOf(now)
		list, err := u.createUserList(ctx, u.in, name)
		if err != nil {
			return u.stop(err) // a retry could create a second list
		}
		u.list, u.title = list, fmt.Sprintf("the new list %q", name)
	}
	if u.job != "" {
		return nil
	}
	job, err := u.createJob(ctx, u.in, u.list, now.UnixMilli())
	if err == nil && u.in.Mirror {
		err = u.removeAll(ctx, job) // if it fails, the next attempt creates another job
	}
	if err == nil {
		u.job = job
	}
	return err
}

// abandon ends an upload whose job must not run.
func (u *upload) abandon(ctx context.Context, why error) error {
	u.withdraw(ctx)
	return action.Wrap(why, action.KindOf(why), "%s No members were added to the list.", action.MessageOf(why))
}

// removeTimeout bounds the removal of a list after a delivery whose timeout may be over.
const removeTimeout = 30 * time.Second

// withdraw removes a new list that stayed empty.
func (u *upload) withdraw(ctx context.Context) {
	if u.in.List != "" || u.list == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeTimeout)
	defer cancel()
	if err := u.removeUserList(ctx, u.in.Target, u.list); err != nil {
		u.Log.WarnContext(ctx, "empty list was not removed from the destination", "error", err)
	}
}
