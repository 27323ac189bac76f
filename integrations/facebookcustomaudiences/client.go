package facebookcustomaudiences

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
)

const (
	name  = "Facebook"
	graph = "https://graph.facebook.com"
)

// pace says how calls that may be made twice are tried again. Meta counts calls by the hour
// and asks to back off: https://developers.facebook.com/docs/graph-api/overview/rate-limiting
type pace struct{ reads, uploads deliver.Retry }

var standardPace = pace{
	reads:   deliver.Retry{MaxAttempts: 3, InitialBackoff: 500 * time.Millisecond, MaxBackoff: 4 * time.Second},
	uploads: deliver.Retry{MaxAttempts: 10, InitialBackoff: 2 * time.Second, MaxBackoff: 90 * time.Second},
}

// What bounds one call.
const (
	readTimeout   = 30 * time.Second
	uploadTimeout = 3 * time.Minute
)

// client is one user's access during one request.
type client struct {
	*Integration
	token string
}

// call calls the Graph API once. A nil in is a call without a body. The token goes in a header,
// not in the address, which others may log.
func (c *client) call(ctx context.Context, method, path string, in, out any) error {
	api := c.api()
	api.Authorize = outbound.Bearer(action.Secret(c.token))
	if in != nil {
		api.Timeout = uploadTimeout
	}
	return api.Call(ctx, method, "/"+string(c.settings.APIVersion)+"/"+path, in, out)
}

// api is the Graph API, without a user's access.
func (i *Integration) api() outbound.API {
	return outbound.API{Name: name, Base: graph, Client: i.deps.HTTP, Timeout: readTimeout, Explain: explain}
}

// proof shows that a call comes from the app that the token belongs to, which apps can demand:
// https://developers.facebook.com/docs/graph-api/guides/secure-requests
func (c *client) proof() url.Values {
	mac := hmac.New(sha256.New, []byte(c.settings.ClientSecret.Reveal()))
	mac.Write([]byte(c.token))
	return url.Values{"appsecret_proof": {hex.EncodeToString(mac.Sum(nil))}}
}

// named is an ad account or an audience.
type named struct {
	ID      string `json:"id"`
	Account string `json:"account_id"`
	Name    string `json:"name"`
}

// list asks for all of a list, page by page. Only the form's time bounds it.
func (c *client) list(ctx context.Context, path, fields string) ([]named, error) {
	query := c.proof()
	query.Set("fields", fields)
	query.Set("limit", "100")
	var all []named
	for {
		var page struct {
			Data   []named `json:"data"`
			Paging struct {
				Next    string `json:"next"`
				Cursors struct {
					After string `json:"after"`
				} `json:"cursors"`
			} `json:"paging"`
		}
		err := c.pace.reads.Do(ctx, func(ctx context.Context) error {
			return c.call(ctx, http.MethodGet, path+"?"+query.Encode(), nil, &page)
		})
		if err != nil {
			return nil, err
		}
		all = append(all, page.Data...)
		if page.Paging.Next == "" || page.Paging.Cursors.After == "" {
			return all, nil
		}
		query.Set("after", page.Paging.Cursors.After)
	}
}

// createAudience makes an empty audience. A second call would make a second one.
func (c *client) createAudience(ctx context.Context, in input) (graphID, error) {
	var made struct {
		ID graphID `json:"id"`
	}
	once := deliver.Once{Name: name, MaybeDeliveredHint: "An empty audience may already have been created."}
	err := once.Do(ctx, func(ctx context.Context) error {
		return c.call(ctx, http.MethodPost, "act_"+string(in.Account)+"/customaudiences?"+c.proof().Encode(), map[string]string{
			"name": in.Name, "description": in.Description, "customer_file_source": "USER_PROVIDED_ONLY", "subtype": "CUSTOM",
		}, &made)
	})
	if err == nil && made.ID == "" {
		err = action.Errorf(action.Unavailable, "Facebook did not say which audience it created.")
	}
	return made.ID, err
}

// removeTimeout is for taking back an audience after a delivery, whose time may be over.
const removeTimeout = 30 * time.Second

// removeAudience takes back an audience that nobody was put into.
func (c *client) removeAudience(ctx context.Context, id graphID) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeTimeout)
	defer cancel()
	err := c.pace.reads.Do(ctx, func(ctx context.Context) error {
		return c.call(ctx, http.MethodDelete, string(id)+"?"+c.proof().Encode(), nil, nil)
	})
	if err != nil {
		c.deps.Log.WarnContext(ctx, "an empty audience is left at the destination", "error", err)
	}
}
