package googleadscustomermatch

import (
	"context"
	"fmt"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
)

// clockTolerance is how far ahead of Google's clock the hub's may be. Otherwise, mirroring would remove
// people who were just added.
const clockTolerance = 5 * time.Minute

// finish follows the requests, in a job. Google processes them within hours, and only then says whose data
// it could not use. With mirroring, the job also removes the members that are not in the result. text is
// the message of a delivery whose rows have all arrived, and err the error of one whose have not.
func (u *ingestion) finish(ctx context.Context, text string, err error) (string, error) {
	if err != nil && u.in.Mirror {
		err = action.Wrap(err, action.KindOf(err), "%s No members were removed from the list, because not all rows were delivered.",
			action.MessageOf(err))
	}
	mirror := u.in.Mirror && err == nil
	followErr := u.follow(ctx, mirror)
	switch {
	case err != nil:
		return "", err
	case followErr != nil && mirror:
		return "", action.Wrap(followErr, action.KindOf(followErr), "%s No members were removed from the list. %s", text, action.MessageOf(followErr))
	case mirror:
		text += " Then, the hub removes the members that are not in the result."
	}
	return text, nil
}

// follow starts the job. Its error means that the requests are not followed.
func (u *ingestion) follow(ctx context.Context, mirror bool) error {
	err := u.i.startJob(ctx, func(context.Context) (action.Job, error) {
		name := fmt.Sprintf("Customer Match list %s, %d requests, the first is %s", u.to.ID, len(u.requests), u.requests[0])
		return action.Job{Name: name, Follow: func(ctx context.Context) error { return u.complete(ctx, mirror) }}, nil
	})
	if err != nil {
		u.Log.WarnContext(ctx, "requests are not followed", "error", err)
	}
	return err
}

// complete waits until Google has processed the requests. With mirroring, it then removes the members
// who were last added before the delivery. Its error goes to the hub's log.
func (u *ingestion) complete(ctx context.Context, mirror bool) error {
	outcome, err := u.api.Follow(ctx, u.requests)
	if err == nil {
		err = outcome.Err()
	}
	switch {
	case err != nil && mirror:
		return fmt.Errorf("no members were removed from the list: %w", err)
	case err != nil, !mirror:
		return err
	}
	return deliver.Call(ctx, nil, u.Writes, func(ctx context.Context) error {
		_, err := u.api.RemoveOlderMembers(ctx, u.to, u.started.Add(-clockTolerance))
		return err
	})
}
