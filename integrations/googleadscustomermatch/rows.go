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
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/googleadscustomermatch/people"
	"integrationhub.dev/integrations/internal/google/datamanager"
)

// ingestion adds people to a list, or removes them, by the Data Manager API. Google processes a request
// that it accepted, whatever happens to later ones.
type ingestion struct {
	*client
	in       input
	api      *datamanager.Client
	accounts datamanager.Accounts
	to       datamanager.Destination
	// created is the new list.
	created datamanager.UserList
	// title is the name of the list in messages.
	title string
	// started is when the first people were sent.
	started time.Time
	// requests are the IDs of the accepted requests.
	requests []string
	// outcome is that of [deliver.Options].
	outcome func(index int, err error)
}

func newIngestion(c *client, in input, outcome func(int, error)) *ingestion {
	accounts := in.accounts()
	return &ingestion{
		client: c, in: in, api: c.dataManager(), accounts: accounts, title: "the list", outcome: outcome,
		to: datamanager.Destination{Login: &accounts.Login, Operating: accounts.Operating, ID: lastPart(string(in.List))},
	}
}

func (u *ingestion) send(ctx context.Context, p *people.People) (string, error) {
	result := deliver.Batches(ctx, p.All(), deliver.Options[people.Person]{
		Size: datamanager.MaxAudienceMembers, Retry: u.Writes, Outcome: u.outcome,
	}, u.batch)
	err := result.Err("rows")
	if result.Sent() == 0 {
		u.withdraw(ctx)
		return u.in.summary(0, u.title, p), err
	}
	return u.finish(ctx, u.in.summary(result.Sent(), u.title, p), err)
}

// batch sends people. It can be repeated, because a list has each person once.
func (u *ingestion) batch(ctx context.Context, batch []people.Person) error {
	err := u.begin(ctx)
	if err == nil {
		err = datamanager.SendValid(batch, func(some []people.Person) error { return u.ingest(outbound.WithDoubt(ctx, ""), some) })
	}
	if e, ok := errors.AsType[*action.Error](err); ok && slices.Contains(fatalKinds, e.Kind) {
		return deliver.Stop(err)
	}
	return err
}

func (u *ingestion) ingest(ctx context.Context, some []people.Person) error {
	members := make([]datamanager.AudienceMember, len(some))
	for n, p := range some {
		members[n] = p.Member()
	}
	var (
		accepted datamanager.Accepted
		err      error
	)
	to := []datamanager.Destination{u.to}
	if u.in.Mode == removeFromList {
		in := datamanager.RemoveAudienceMembers{Destinations: to, Members: members, Encoding: datamanager.Hex}
		accepted, err = u.api.RemoveAudienceMembers(ctx, in)
	} else {
		accepted, err = u.api.IngestAudienceMembers(ctx, datamanager.IngestAudienceMembers{
			Destinations: to, Members: members, Encoding: datamanager.Hex, Consent: u.in.consent(),
			Terms: &datamanager.TermsOfService{CustomerMatch: datamanager.TermsAccepted},
		})
	}
	if err == nil {
		u.requests = append(u.requests, accepted.RequestID)
	}
	return err
}

// begin creates the list with the first batch.
func (u *ingestion) begin(ctx context.Context) error {
	if u.started.IsZero() {
		u.started = u.i.now().UTC()
	}
	if u.to.ID != "" {
		return nil
	}
	list, err := u.api.CreateUserList(ctx, u.accounts, u.in.userList(u.started))
	if err != nil {
		return deliver.Stop(err) // a retry could create a second list
	}
	u.created, u.to.ID, u.title = list, list.ID, fmt.Sprintf("the new list %q", u.in.titleOf(u.started))
	return nil
}

// withdraw deletes a new list that stayed empty.
func (u *ingestion) withdraw(ctx context.Context) {
	if u.created.Name == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeTimeout)
	defer cancel()
	if err := u.api.DeleteUserList(ctx, u.accounts, u.created); err != nil {
		u.Log.WarnContext(ctx, "empty list was not removed from the destination", "error", err)
	}
}

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
		return "", action.Wrap(followErr, action.KindOf(followErr), "%s No members were removed from the list. %s", text,
			action.MessageOf(followErr))
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
// who were last added before the delivery. Its error makes the job fail, which raises an alert. Without
// mirroring, the hub only reports the outcome, so a part of the rows or the hub's stop is not an error.
func (u *ingestion) complete(ctx context.Context, mirror bool) error {
	outcome, err := u.api.Follow(ctx, u.requests)
	switch {
	case err != nil && mirror:
		return fmt.Errorf("no members were removed from the list: %w", err)
	case ctx.Err() != nil:
		u.Log.InfoContext(ctx, "requests are no longer followed", "list", u.to.ID)
		return nil //nolint:nilerr // the hub stops
	case err != nil:
		return err
	}
	switch err = outcome.Err(); {
	case err != nil && mirror:
		return fmt.Errorf("no members were removed from the list: %w", err)
	case err != nil && outcome.Failures < outcome.Records:
		u.Log.WarnContext(ctx, "destination could not process all rows", "list", u.to.ID, "error", err)
		return nil
	case err != nil, !mirror:
		return err
	}
	return deliver.Call(ctx, nil, u.Writes, func(ctx context.Context) error {
		_, err := u.api.RemoveOlderMembers(ctx, u.to, u.started.Add(-clockTolerance))
		return err
	})
}

// maxPerCall is Google's recommendation:
// https://developers.google.com/google-ads/api/docs/remarketing/audience-segments/customer-match/get-started
const maxPerCall = 10_000

// upload adds people to a list, or removes them, by the Google Ads API, in three steps: it creates a job,
// adds people to it, and runs it. Nothing changes before that, so a truncated source changes nothing.
type upload struct {
	*client
	in   input
	list listName
	job  jobName
	// title is the name of the list in messages.
	title string
	// stopped is the error that ended the upload.
	stopped error
	// outcome is that of [deliver.Options].
	outcome func(index int, err error)
}

func (u *upload) send(ctx context.Context, p *people.People) (string, error) {
	u.list, u.title = u.in.List, "the list"
	result := deliver.Batches(ctx, p.All(), deliver.Options[people.Person]{
		// Google counts the values, not the people.
		Size: maxPerCall, MaxBytes: maxPerCall, Weight: func(p people.Person) int { return len(p) },
		Retry: u.Writes, Outcome: u.outcome,
	}, func(ctx context.Context, batch []people.Person) error {
		err := u.begin(ctx)
		if err == nil {
			err = u.addOperations(ctx, u.job, u.in.Mode, batch)
		}
		if e, ok := errors.AsType[*action.Error](err); ok && slices.Contains(fatalKinds, e.Kind) {
			return u.stop(err)
		}
		return err
	})
	switch {
	case u.stopped != nil:
		return "", u.abandon(ctx, u.stopped)
	case p.Truncated != nil:
		return "", u.abandon(ctx, p.Truncated)
	case ctx.Err() != nil:
		return "", u.abandon(ctx, context.Cause(ctx))
	case result.Sent() == 0:
		u.withdraw(ctx)
		return u.in.summary(0, u.title, p), result.Err("rows")
	case u.in.Mirror && result.Failed() > 0:
		err := result.Err("rows")
		return "", action.Wrap(err, action.KindOf(err), "The list was not changed: with mirroring, its members are replaced only if "+
			"Google Ads accepts all rows, and it did not accept %d of %d. %s", result.Failed(), result.Sent()+result.Failed(), reasons(err))
	}
	if err := u.run(ctx, u.job); err != nil {
		return "", action.Wrap(err, action.KindOf(err), "%d rows were uploaded, but Google Ads did not start to process them. %s",
			result.Sent(), action.MessageOf(err))
	}
	return u.in.summary(result.Sent(), u.title, p), result.Err("rows")
}

// reasons are the reasons for which rows failed, without numbers.
func reasons(err error) string {
	var messages []string
	if e, ok := errors.AsType[*action.Error](err); ok {
		if all, ok := e.Err.(interface{ Unwrap() []error }); ok { // of deliver.Result, which joins the reasons
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
	const added, removed = "No members were added to the list.", "No members were removed from the list."
	if u.in.Mode == removeFromList {
		return action.Wrap(why, action.KindOf(why), "%s %s", action.MessageOf(why), removed)
	}
	return action.Wrap(why, action.KindOf(why), "%s %s", action.MessageOf(why), added)
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
