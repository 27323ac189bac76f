package googleadscustomermatch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
)

// Google's advice for one call: https://developers.google.com/google-ads/api/docs/remarketing/audience-segments/customer-match/get-started
const maxPerCall = 10_000

// upload puts people into a list, in three steps: a job is made, people are added to it, and
// it is run. Until it is run nothing has changed, so a source that breaks off changes nothing.
type upload struct {
	*client
	in   input
	list listName
	job  jobName
	// title is what the list is called in messages.
	title string
	// stopped is why no more is sent.
	stopped error
}

func (u *upload) send(ctx context.Context, p *people) (string, error) {
	u.list, u.title = u.in.List, "the list"
	account := deliver.Batches(ctx, p.all(), deliver.Options[person]{
		// Google counts the values, not the people.
		Size: maxPerCall, MaxBytes: maxPerCall, Weight: func(p person) int { return len(p) },
		Retry: u.Writes,
	}, func(ctx context.Context, batch []person) error {
		err := u.begin(ctx)
		if err == nil {
			err = u.addOperations(ctx, u.job, batch)
		}
		if e, ok := errors.AsType[*action.Error](err); ok && slices.Contains(hopeless, e.Kind) {
			return u.stop(err)
		}
		return err
	})
	switch {
	case u.stopped != nil:
		return "", u.abandon(ctx, u.stopped)
	case p.broken != nil:
		return "", u.abandon(ctx, p.broken)
	case ctx.Err() != nil:
		return "", u.abandon(ctx, context.Cause(ctx))
	case account.Sent() == 0:
		u.withdraw(ctx)
		return summary(0, u.title, p), account.Err("rows")
	}
	if err := u.run(ctx, u.job); err != nil {
		return "", action.Wrap(err, action.KindOf(err), "%d rows were uploaded, but Google Ads did not begin to add them to the list. %s",
			account.Sent(), action.MessageOf(err))
	}
	return summary(account.Sent(), u.title, p), account.Err("rows")
}

// hopeless are the kinds of error after which no other batch will do better.
var hopeless = []action.Kind{action.Unauthenticated, action.Forbidden, action.NotFound, action.Internal}

// stop ends the upload.
func (u *upload) stop(err error) error {
	u.stopped = err
	return deliver.Stop(err)
}

// begin makes the list and the job, once there is somebody to put into them.
func (u *upload) begin(ctx context.Context) error {
	now := u.i.now().UTC()
	if u.list == "" {
		name := u.in.Name + " (from Looker " + now.Format(time.DateTime) + "Z)"
		list, err := u.createUserList(ctx, u.in, name)
		if err != nil {
			return u.stop(err) // a second try might make a second list
		}
		u.list, u.title = list, fmt.Sprintf("the new list %q", name)
	}
	if u.job != "" {
		return nil
	}
	job, err := u.createJob(ctx, u.in, u.list, now.UnixMilli())
	u.job = job
	return err
}

// abandon ends an upload that shall not be run.
func (u *upload) abandon(ctx context.Context, why error) error {
	u.withdraw(ctx)
	return action.Wrap(why, action.KindOf(why), "%s Nobody was added to the list.", action.MessageOf(why))
}

// removeTimeout is for taking back a list after a delivery, whose time may be over.
const removeTimeout = 30 * time.Second

// withdraw takes back a list that was made for nothing.
func (u *upload) withdraw(ctx context.Context) {
	if u.in.List != "" || u.list == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeTimeout)
	defer cancel()
	if err := u.removeUserList(ctx, u.in.Target, u.list); err != nil {
		u.Log.WarnContext(ctx, "an empty list is left at the destination", "error", err)
	}
}
