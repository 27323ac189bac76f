package googleadscustomermatch

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/google/datamanager"
)

// ingestion adds people to a list by the Data Manager API. Google adds the people of a request that it
// accepted, whatever happens to later ones.
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
}

func newIngestion(c *client, in input) *ingestion {
	accounts := in.accounts()
	return &ingestion{
		client: c, in: in, api: c.dataManager(), accounts: accounts, title: "the list",
		to: datamanager.Destination{Login: &accounts.Login, Operating: accounts.Operating, ID: lastPart(string(in.List))},
	}
}

func (in input) accounts() datamanager.Accounts { return adsAccounts(in.Login, in.Target) }

func adsAccounts(login, target customerID) datamanager.Accounts {
	return datamanager.Accounts{
		Login:     datamanager.Account{Type: datamanager.GoogleAds, ID: string(login)},
		Operating: datamanager.Account{Type: datamanager.GoogleAds, ID: string(target)},
	}
}

func (u *ingestion) send(ctx context.Context, p *people) (string, error) {
	result := deliver.Batches(ctx, p.all(), deliver.Options[person]{Size: datamanager.MaxAudienceMembers, Retry: u.Writes}, u.batch)
	err := result.Err("rows")
	if result.Sent() == 0 {
		u.withdraw(ctx)
		return summary(0, u.title, p), err
	}
	return u.finish(ctx, summary(result.Sent(), u.title, p), err)
}

// batch sends people. It can be repeated, because a list has each person once.
func (u *ingestion) batch(ctx context.Context, batch []person) error {
	err := u.begin(ctx)
	if err == nil {
		err = datamanager.SendValid(batch, func(some []person) error { return u.ingest(outbound.WithDoubt(ctx, ""), some) })
	}
	if e, ok := errors.AsType[*action.Error](err); ok && slices.Contains(fatalKinds, e.Kind) {
		return deliver.Stop(err)
	}
	return err
}

func (u *ingestion) ingest(ctx context.Context, some []person) error {
	in := datamanager.IngestAudienceMembers{
		Destinations: []datamanager.Destination{u.to}, Members: make([]datamanager.AudienceMember, len(some)), Encoding: datamanager.Hex,
		Consent: u.in.consent(), Terms: &datamanager.TermsOfService{CustomerMatch: datamanager.TermsAccepted},
	}
	for n, p := range some {
		in.Members[n] = p.member()
	}
	accepted, err := u.api.IngestAudienceMembers(ctx, in)
	if err == nil {
		u.requests = append(u.requests, accepted.RequestID)
	}
	return err
}

var consents = map[consent]datamanager.ConsentStatus{"GRANTED": datamanager.ConsentGranted, "DENIED": datamanager.ConsentDenied}

// consent returns nil if there are no answers.
func (in input) consent() *datamanager.Consent {
	c := datamanager.Consent{AdUserData: consents[in.AdUserData], AdPersonalization: consents[in.Personalization]}
	if c == (datamanager.Consent{}) {
		return nil
	}
	return &c
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

// titleOf is the name of a new list, as in the reference.
func (in input) titleOf(created time.Time) string {
	return in.Name + " (from Looker " + created.Format(time.DateTime) + "Z)"
}

// appleID is the form of iOS apps' IDs. Android's are package names.
var appleID = regexp.MustCompile(`^[0-9]+$`)

// userList describes a new list.
func (in input) userList(created time.Time) datamanager.UserList {
	list := datamanager.UserList{
		DisplayName: in.titleOf(created), Description: in.Description, Membership: "OPEN", Duration: datamanager.Days(lifeSpan),
	}
	if !in.Mobile {
		list.Ingested.KeyTypes = []datamanager.KeyType{datamanager.ContactIDs}
		list.Ingested.Contact = &datamanager.ContactInfo{Source: datamanager.FirstParty}
		return list
	}
	list.Ingested.KeyTypes = []datamanager.KeyType{datamanager.MobileIDs}
	list.Ingested.Mobile = &datamanager.MobileInfo{Source: datamanager.FirstParty, KeySpace: datamanager.Android, AppID: in.App}
	if appleID.MatchString(in.App) {
		list.Ingested.Mobile.KeySpace = datamanager.IOS
	}
	return list
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
