package datamanager

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
)

// UserList is an audience that people are uploaded to:
// https://developers.google.com/data-manager/api/reference/rest/v1/accountTypes.accounts.userLists
type UserList struct {
	// Name is the resource name, and ID the number at its end. Google sets both.
	Name        string       `json:"name,omitempty"`
	ID          string       `json:"id,omitempty"`
	DisplayName string       `json:"displayName"`
	Description string       `json:"description,omitempty"`
	Membership  string       `json:"membershipStatus,omitempty"`
	Duration    string       `json:"membershipDuration,omitempty"`
	Access      string       `json:"accountAccessStatus,omitempty"`
	ReadOnly    bool         `json:"readOnly,omitempty"`
	Ingested    IngestedInfo `json:"ingestedUserListInfo"`
}

// IngestedInfo is what a list is made of.
type IngestedInfo struct {
	KeyTypes []KeyType    `json:"uploadKeyTypes"`
	Contact  *ContactInfo `json:"contactIdInfo,omitempty"`
	Mobile   *MobileInfo  `json:"mobileIdInfo,omitempty"`
}

// KeyType is the kind of data of a list.
type KeyType string

// The kinds of data.
const (
	ContactIDs KeyType = "CONTACT_ID"
	MobileIDs  KeyType = "MOBILE_ID"
)

// FirstParty is the source of data that an advertiser has collected itself.
const FirstParty = "DATA_SOURCE_TYPE_FIRST_PARTY"

// ContactInfo is about a list of contact data.
type ContactInfo struct {
	Source string `json:"dataSourceType"`
}

// MobileInfo is about a list of mobile IDs.
type MobileInfo struct {
	Source   string `json:"dataSourceType"`
	KeySpace string `json:"keySpace"`
	AppID    string `json:"appId"`
}

// The key spaces of mobile IDs.
const (
	IOS     = "IOS"
	Android = "ANDROID"
)

// Days is a duration in the API's format.
func Days(n int) string { return fmt.Sprintf("%ds", n*int((24*time.Hour).Seconds())) }

// Open reports whether people can be added to the list.
func (l UserList) Open() bool { return !l.ReadOnly && l.Membership == "OPEN" && l.Access != "DISABLED" }

var listName = regexp.MustCompile(`^accountTypes/[A-Z_]+/accounts/[0-9]+/userLists/[0-9]+$`)

// Accounts is an account, and the one through which the user can access it.
type Accounts struct{ Login, Operating Account }

// header is the access path of requests other than those of the ingestion service:
// https://developers.google.com/data-manager/api/devguides/concepts/destinations
func (a Accounts) header() http.Header { return http.Header{"Login-Account": {a.Login.resource()}} }

// maxPages bounds the lists of one account: 20,000.
const maxPages = 20

// CheckAccess returns nil if the user can access the account by this API.
func (c *Client) CheckAccess(ctx context.Context, to Accounts) error {
	query := url.Values{"pageSize": {"1"}}
	var page struct{}
	return explain(c.as(to.header()).Read(ctx, base+to.Operating.resource()+"/userLists", query, &page))
}

// UserLists returns an account's lists.
func (c *Client) UserLists(ctx context.Context, of Accounts) ([]UserList, error) {
	var all []UserList
	query := url.Values{"pageSize": {"1000"}}
	for range maxPages {
		var page struct {
			Lists []UserList `json:"userLists"`
			Next  string     `json:"nextPageToken"`
		}
		err := c.as(of.header()).Read(ctx, base+of.Operating.resource()+"/userLists", query, &page)
		if err != nil {
			return nil, explain(err)
		}
		all = append(all, page.Lists...)
		if page.Next == "" {
			break
		}
		query.Set("pageToken", page.Next)
	}
	return all, nil
}

// CreateUserList creates an empty list. A second call would fail, because the name is in use.
func (c *Client) CreateUserList(ctx context.Context, of Accounts, list UserList) (UserList, error) {
	var made UserList
	once := deliver.Once{Name: Name, MaybeDeliveredHint: "An empty list may already have been created."}
	err := once.Do(ctx, func(ctx context.Context) error {
		address := base + of.Operating.resource() + "/userLists"
		return explain(c.as(of.header()).Once(ctx, http.MethodPost, address, nil, list, &made))
	})
	if err == nil && (!listName.MatchString(made.Name) || made.ID == "") {
		err = action.Errorf(action.Unavailable, "%s did not say which list it created.", Name)
	}
	return made, err
}

// DeleteUserList deletes a list.
func (c *Client) DeleteUserList(ctx context.Context, of Accounts, list UserList) error {
	return explain(c.as(of.header()).Write(ctx, http.MethodDelete, base+list.Name, nil, nil, nil))
}
