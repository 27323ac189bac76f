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

// pace has the retries of calls that can be repeated. Meta counts calls per hour and asks clients to back
// off: https://developers.facebook.com/docs/graph-api/overview/rate-limiting
type pace struct{ reads, uploads deliver.Retry }

var standardPace = pace{
	reads:   deliver.Retry{MaxAttempts: 3, InitialBackoff: 500 * time.Millisecond, MaxBackoff: 4 * time.Second},
	uploads: deliver.Retry{MaxAttempts: 10, InitialBackoff: 2 * time.Second, MaxBackoff: 90 * time.Second},
}

// The timeouts of a call.
const (
	readTimeout   = 30 * time.Second
	uploadTimeout = 3 * time.Minute
)

// client calls the Graph API with the token of one user.
type client struct {
	*Integration
	token string
}

// call makes one call. in, unless nil, is the body. The token is in a header, because proxies may log
// URLs.
func (c *client) call(ctx context.Context, method, path string, in, out any) error {
	api := c.api()
	api.Authorize = outbound.Bearer(action.Secret(c.token))
	if in != nil {
		api.Timeout = uploadTimeout
	}
	return api.Call(ctx, method, "/"+string(c.settings.APIVersion)+"/"+path, in, out)
}

// api is the Graph API without a user's token.
func (i *Integration) api() outbound.API {
	return outbound.API{Name: name, Base: graph, Client: i.deps.HTTP, Timeout: readTimeout, Explain: explain}
}

// proof proves that a call comes from the app that the token belongs to. Apps can require it:
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

// list reads all pages of a list. The form's timeout bounds it.
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

// createAudience creates an empty audience. Each call creates another one.
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

// removeTimeout bounds the removal of an audience after a delivery whose timeout may be over.
const removeTimeout = 30 * time.Second

// removeAudience removes a new audience that stayed empty.
func (c *client) removeAudience(ctx context.Context, id graphID) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeTimeout)
	defer cancel()
	err := c.pace.reads.Do(ctx, func(ctx context.Context) error {
		return c.call(ctx, http.MethodDelete, string(id)+"?"+c.proof().Encode(), nil, nil)
	})
	if err != nil {
		c.deps.Log.WarnContext(ctx, "empty audience was not removed from the destination", "error", err)
	}
}
