package airtable

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/signin"
)

const base = "https://api.airtable.com/v0"

// timeout bounds one call.
const timeout = time.Minute

// session makes calls with one user's tokens during one request.
type session struct {
	http   *http.Client
	signIn *signin.Session
	opened tokens
}

func (i *Integration) open(state string) *session {
	opened := parseState(state)
	return &session{http: i.http, signIn: i.signIn.Open(opened.Tokens), opened: opened}
}

// newState returns the state for Looker to store, or nil if the tokens did not change.
func (s *session) newState() *action.State {
	if t := s.signIn.Tokens(); t != s.opened.Tokens {
		return tokens{t, s.opened.Redirect}.state()
	}
	return nil
}

// call calls f with an access token, and once more with a new one if the first one was rejected: Airtable checks the
// token before it does anything.
func (s *session) call(ctx context.Context, f func(context.Context, outbound.API) error) error {
	return s.signIn.Call(ctx, func(ctx context.Context, access string) error {
		return f(ctx, outbound.API{
			Name: name, Base: base, Client: s.http, Timeout: timeout,
			Authorize: outbound.Bearer(action.Secret(access)), Explain: explain,
		})
	})
}

func (s *session) get(ctx context.Context, path string, out any) error {
	return s.call(ctx, func(ctx context.Context, api outbound.API) error {
		return formRetry.Do(ctx, func(ctx context.Context) error { return api.Call(ctx, http.MethodGet, path, nil, out) })
	})
}

// maxBasePages bounds the list of bases, of which a page has a thousand.
const maxBasePages = 5

// bases returns the bases in which the user can edit records. Every grant permits the call, which so checks the sign-in.
// https://airtable.com/developers/web/api/list-bases
func (s *session) bases(ctx context.Context) ([]action.Option, error) {
	var all []action.Option
	query := url.Values{}
	for range maxBasePages {
		var page struct {
			Bases []struct {
				ID         string `json:"id"`
				Name       string `json:"name"`
				Permission string `json:"permissionLevel"`
			} `json:"bases"`
			Offset string `json:"offset"`
		}
		if err := s.get(ctx, outbound.WithQuery("/meta/bases", query), &page); err != nil {
			return nil, err
		}
		for _, b := range page.Bases {
			switch b.Permission {
			case "none", "read", "comment": // these do not allow to add records
			default:
				all = append(all, action.Option{Name: b.ID, Label: b.Name})
			}
		}
		if page.Offset == "" {
			break
		}
		query.Set("offset", page.Offset)
	}
	return all, nil
}

// tables returns the tables of a base: https://airtable.com/developers/web/api/get-base-schema
func (s *session) tables(ctx context.Context, base baseID) ([]action.Option, error) {
	var response struct {
		Tables []struct {
			ID   string `json:"id"`
			Name string `json:"name"`
		} `json:"tables"`
	}
	if err := s.get(ctx, outbound.Path("meta", "bases", string(base), "tables"), &response); err != nil {
		return nil, err
	}
	all := make([]action.Option, len(response.Tables))
	for i, t := range response.Tables {
		all[i] = action.Option{Name: t.ID, Label: t.Name}
	}
	return all, nil
}
