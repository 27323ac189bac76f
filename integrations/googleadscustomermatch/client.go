package googleadscustomermatch

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"regexp"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/googleadscustomermatch/people"
	"integrationhub.dev/integrations/internal/google"
	"integrationhub.dev/integrations/internal/google/datamanager"
)

const host = "https://googleads.googleapis.com/"

// client calls the Google Ads API with the tokens of one user. Google has no Go client for it, so these
// are REST calls:
// https://developers.google.com/google-ads/api/rest/overview
type client struct {
	*google.Client
	base string
	i    *Integration
}

// open returns a client with the stored tokens. login may be empty.
func (i *Integration) open(kept string, login customerID) *client {
	c := &client{Client: i.Open(kept), base: host + string(i.settings.APIVersion) + "/", i: i}
	c.act(login)
	return c
}

// act sets the login account of later calls. It gives access to the accounts below it.
func (c *client) act(login customerID) {
	c.Header = http.Header{}
	if token := c.i.settings.DeveloperToken.Reveal(); token != "" {
		c.Header.Set("Developer-Token", token)
	}
	if login != "" {
		c.Header.Set("Login-Customer-Id", string(login))
	}
}

// dataManager returns a client of the Data Manager API with the same sign-in.
func (c *client) dataManager() *datamanager.Client { return datamanager.New(c.Client) }

// once makes a call without retries.
func (c *client) once(ctx context.Context, path string, in, out any) error {
	return c.explain(c.Once(ctx, http.MethodPost, c.base+path, nil, in, out))
}

// accessible lists the accounts that the user has direct access to.
func (c *client) accessible(ctx context.Context) ([]customerID, error) {
	var list struct {
		Names []string `json:"resourceNames"`
	}
	err := c.Reads.Do(ctx, func(ctx context.Context) error {
		return c.explain(c.Once(ctx, http.MethodGet, c.base+"customers:listAccessibleCustomers", nil, nil, &list))
	})
	var ids []customerID
	for _, name := range list.Names {
		var id customerID
		if id.UnmarshalText([]byte(lastPart(name))) == nil {
			ids = append(ids, id)
		}
	}
	return ids, err
}

// result is a row of a query's response.
type result struct {
	Customer struct {
		ID      string `json:"id"`
		Name    string `json:"descriptiveName"`
		Manager bool   `json:"manager"`
	} `json:"customerClient"`
	List struct {
		ResourceName string `json:"resourceName"`
		Name         string `json:"name"`
	} `json:"userList"`
}

// query asks in the Google Ads Query Language. Nothing that a user wrote goes into text.
func (c *client) query(ctx context.Context, account customerID, text string) ([]result, error) {
	var batches []struct {
		Results []result `json:"results"`
	}
	err := c.Reads.Do(outbound.WithDoubt(ctx, ""), func(ctx context.Context) error {
		return c.once(ctx, "customers/"+string(account)+"/googleAds:searchStream", map[string]string{"query": text}, &batches)
	})
	var all []result
	for _, b := range batches {
		all = append(all, b.Results...)
	}
	return all, err
}

// createUserList creates an empty list. A second call would create another one, or fail because the name
// is in use.
func (c *client) createUserList(ctx context.Context, in input, name string) (listName, error) {
	crm := map[string]string{"upload_key_type": keyType(in.Mobile), "data_source_type": "FIRST_PARTY"}
	if in.Mobile {
		crm["app_id"] = in.App
	}
	call := map[string]any{"validate_only": false, "operations": []any{map[string]any{"create": map[string]any{
		"name": name, "description": in.Description, "membership_status": "OPEN", "membership_life_span": lifeSpan, "crm_based_user_list": crm,
	}}}}
	var made struct {
		Results []struct {
			ResourceName listName `json:"resourceName"`
		} `json:"results"`
	}
	once := deliver.Once{Name: c.Name, MaybeDeliveredHint: "An empty list may already have been created."}
	err := once.Do(ctx, func(ctx context.Context) error {
		return c.once(ctx, "customers/"+string(in.Target)+"/userLists:mutate", call, &made)
	})
	switch {
	case err != nil:
		return "", err
	case len(made.Results) != 1:
		return "", action.Errorf(action.Unavailable, "Google Ads did not say which list it created.")
	}
	return made.Results[0].ResourceName, nil
}

// lifeSpan is the number of days that people stay in a list: Google's maximum.
const lifeSpan = 540

func keyType(mobile bool) string {
	if mobile {
		return "MOBILE_ADVERTISING_ID"
	}
	return "CONTACT_INFO"
}

// removeUserList removes a list.
func (c *client) removeUserList(ctx context.Context, account customerID, list listName) error {
	call := map[string]any{"operations": []any{map[string]any{"remove": list}}}
	return c.Reads.Do(ctx, func(ctx context.Context) error {
		return c.once(ctx, "customers/"+string(account)+"/userLists:mutate", call, nil)
	})
}

// jobName is the resource name of an upload job. It becomes part of URLs.
type jobName string

var jobForm = regexp.MustCompile(`^customers/[0-9]+/offlineUserDataJobs/[0-9]+$`)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (n *jobName) UnmarshalText(text []byte) error {
	if !jobForm.Match(text) {
		return errors.New("is not the resource name of a job")
	}
	*n = jobName(text)
	return nil
}

// createJob creates an upload job. It can be repeated: Google deletes jobs that do not run.
func (c *client) createJob(ctx context.Context, in input, list listName, external int64) (jobName, error) {
	metadata := map[string]any{"user_list": list}
	agreed := map[string]consent{}
	if in.AdUserData != "" {
		agreed["ad_user_data"] = in.AdUserData
	}
	if in.Personalization != "" {
		agreed["ad_personalization"] = in.Personalization
	}
	if len(agreed) > 0 {
		metadata["consent"] = agreed
	}
	var made struct {
		ResourceName jobName `json:"resourceName"`
	}
	err := c.once(ctx, "customers/"+string(in.Target)+"/offlineUserDataJobs:create", map[string]any{"job": map[string]any{
		"external_id": external, "type": "CUSTOMER_MATCH_USER_LIST", "customer_match_user_list_metadata": metadata,
	}}, &made)
	if err == nil && made.ResourceName == "" {
		err = action.Errorf(action.Unavailable, "Failed sanity check for offlineUserDataJobResourceName.")
	}
	return made.ResourceName, err
}

// addOperations adds people to a job: to add them to the list, or to remove them. A job has one kind of
// operation. Its error has an entry for each person that Google rejected. It can
// be repeated, because a list has each person once.
func (c *client) addOperations(ctx context.Context, job jobName, mode string, batch []people.Person) error {
	operations := make([]operation, len(batch))
	for n, p := range batch {
		if mode == removeFromList {
			operations[n].Remove = &userData{p}
		} else {
			operations[n].Create = &userData{p}
		}
	}
	var response struct {
		Partial *failure `json:"partialFailureError"`
	}
	err := c.once(ctx, string(job)+":addOperations", map[string]any{"enable_partial_failure": true, "operations": operations}, &response)
	if err == nil && response.Partial != nil {
		err = response.Partial.partial(len(batch))
	}
	return err
}

// removeAll makes the removal of all members the first operation of a job, as Google requires:
// https://developers.google.com/google-ads/api/docs/remarketing/audience-segments/customer-match/manage
// It cannot be repeated for the same job.
func (c *client) removeAll(ctx context.Context, job jobName) error {
	return c.once(ctx, string(job)+":addOperations", map[string]any{"operations": []any{map[string]bool{"remove_all": true}}}, nil)
}

type operation struct {
	Create *userData `json:"create,omitempty"`
	Remove *userData `json:"remove,omitempty"`
}

type userData struct {
	UserIdentifiers people.Person `json:"user_identifiers"`
}

// run starts the job.
func (c *client) run(ctx context.Context, job jobName) error {
	once := deliver.Once{Name: c.Name, MaybeDeliveredHint: "It may already have started."}
	return once.Do(ctx, func(ctx context.Context) error {
		return c.once(ctx, string(job)+":run", struct{}{}, nil)
	})
}

func (in input) accounts() datamanager.Accounts { return adsAccounts(in.Login, in.Target) }

func adsAccounts(login, target customerID) datamanager.Accounts {
	return datamanager.Accounts{
		Login:     datamanager.Account{Type: datamanager.GoogleAds, ID: string(login)},
		Operating: datamanager.Account{Type: datamanager.GoogleAds, ID: string(target)},
	}
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

// titleOf is the name of a new list, as in the reference.
func (in input) titleOf(created time.Time) string {
	return in.Name + " (from Looker " + created.Format(time.DateTime) + "Z)"
}

// appleID is the form of iOS apps' IDs. Android's are package names.
var appleID = regexp.MustCompile(`^[0-9]+$`)

// userList describes a new list. Google's pages differ on whether the description is required:
// https://developers.google.com/data-manager/api/devguides/audiences/google-ads/customer-match/upgrade/field-mappings
func (in input) userList(created time.Time) datamanager.UserList {
	title := in.titleOf(created)
	list := datamanager.UserList{
		DisplayName: title, Description: cmp.Or(in.Description, title), Membership: "OPEN", Duration: datamanager.Days(lifeSpan),
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
