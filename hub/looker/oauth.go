package looker

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"slices"
	"strings"
	"time"
)

// The addresses that hubs and browsers get from Looker.
// Source: the reference's tests and public logs have /action_hub_state/ and /downloads/ with 40
// characters. The path of state_redir_url is an assumption.
const (
	statePath    = "/action_hub_state/"
	redirectPath = "/action_hub_oauth_redirect/"
	downloadPath = "/downloads/"
)

// maxState limits a user's state. Source: docs/action_api.md of the reference, ActionState.
const maxState = 32 << 10

// minRefresh is the minimum time between requests that refresh a state. Source: the same.
const minRefresh = 10 * time.Minute

// addSignIn adds the one-time addresses of a sign-in to a request for a form.
// Source: Looker's documentation of the action hub: state_url for integrations that use OAuth. The
// reference sends the browser to state_redir_url where a token_url is listed.
func (l *Looker) addSignIn(e *envelope, p prepared) {
	switch {
	case !p.definition.UsesOAuth:
		return
	case p.definition.DelegateOAuth:
		e.StateURL = l.options.URL + delegatePath + l.tickets.issue(ticket{user: p.user, integration: p.id})
		e.Data["state_url"] = e.StateURL
		return
	}
	id := l.tickets.issue(ticket{user: p.user, integration: p.id})
	e.StateURL = l.options.URL + statePath + id
	e.Data["state_url"] = e.StateURL
	if p.definition.TokenURL != "" {
		id := l.tickets.issue(ticket{user: p.user, integration: p.id})
		e.StateRedirURL = l.options.URL + redirectPath + id
	}
}

// answerState is the state in a hub's response.
type answerState struct {
	Data        *string `json:"data"`
	RefreshTime *int64  `json:"refresh_time"`
}

func (a formAnswer) state() answerState {
	var s answerState
	if a.State != nil {
		_ = json.Unmarshal(*a.State, &s) // keepState has refused what cannot be read
	}
	return s
}

// keepState stores the state in a response, if it has one. Without data, and with the data "reset",
// which the reference sends, it is deleted.
func (l *Looker) keepState(user, id string, raw *json.RawMessage) error {
	if raw == nil || string(*raw) == "null" {
		return nil
	}
	var s answerState
	if err := json.Unmarshal(*raw, &s); err != nil {
		return fmt.Errorf("the state in the action hub's response is not valid: %w", err)
	}
	return l.SetState(user, id, deref(s.Data), time.Duration(deref(s.RefreshTime))*time.Second)
}

// SetState replaces a user's state of an integration, as the user's sign-in at a hub does. Empty data
// deletes it. The form is requested again after the refresh time; 0 is never.
func (l *Looker) SetState(user, id, data string, refresh time.Duration) error {
	if len(data) > maxState {
		return fmt.Errorf("the state has %d bytes; Looker stores at most %d", len(data), maxState)
	}
	l.secrets.addState(data)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state.user(user) == nil {
		return errNoUser(user)
	}
	if _, i := l.state.integration(id); i == nil {
		return errNoIntegration
	}
	l.state.States = slices.DeleteFunc(l.state.States, func(s userState) bool { return s.User == user && s.Integration == id })
	if data != "" && data != "reset" {
		l.state.States = append(l.state.States, userState{
			User: user, Integration: id, Data: data, RefreshSeconds: int64(refresh / time.Second), Requested: l.options.Now(),
		})
	}
	l.save()
	return nil
}

// HasState reports whether Looker has a state of an integration for a user.
func (l *Looker) HasState(user, id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state.userState(user, id) != nil
}

// storeState is the address at which a hub stores the tokens of a sign-in, once.
func (l *Looker) storeState(w http.ResponseWriter, r *http.Request) {
	entry := l.journal.request(r, []byte(redacted))
	finish := func(p reply) {
		text, _ := p.encode()
		l.journal.responded(entry, p.status, text)
		send(w, p, text)
	}
	if r.Method != http.MethodPost {
		finish(errorReply(http.StatusMethodNotAllowed, "Method not allowed"))
		return
	}
	data, err := io.ReadAll(io.LimitReader(r.Body, maxState+1))
	if err != nil || len(data) == 0 || len(data) > maxState {
		finish(errorReply(http.StatusBadRequest, "The state is empty, too large or incomplete."))
		return
	}
	k, ok := l.tickets.use(strings.TrimPrefix(r.URL.Path, statePath))
	if !ok {
		finish(notFound())
		return
	}
	if err := l.SetState(k.user, k.integration, string(data), 0); err != nil {
		finish(errorReply(http.StatusNotFound, err.Error()))
		return
	}
	finish(reply{status: http.StatusOK, body: struct{}{}})
}

// fetchState is the address to which a hub sends the browser at the end of a sign-in. Looker exchanges
// the sealed state in it for the user's tokens at the hub's token URL.
func (l *Looker) fetchState(w http.ResponseWriter, r *http.Request) {
	entry := l.journal.request(r, nil)
	finish := func(status int, message string) {
		l.journal.responded(entry, status, nil)
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, message+"\n") // the browser may be gone
	}
	k, ok := l.tickets.use(strings.TrimPrefix(r.URL.Path, redirectPath))
	sealed := r.URL.Query().Get("state")
	if !ok || sealed == "" {
		finish(http.StatusNotFound, "This sign-in is invalid or has expired.")
		return
	}
	if err := l.exchange(r.Context(), k, sealed); err != nil {
		finish(http.StatusBadGateway, "The sign-in failed: "+l.secrets.redact(err.Error()))
		return
	}
	finish(http.StatusOK, "You are signed in. Close this tab.")
}

func (l *Looker) exchange(ctx context.Context, k ticket, sealed string) error {
	p, err := l.prepare(k.user, k.integration)
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]string{"state": sealed})
	if err != nil {
		return fmt.Errorf("encoding the state: %w", err)
	}
	_, status, answer, err := l.call(ctx, hubCall{
		kind: CallToken, hub: p.hub, integration: p.id, user: p.user, url: p.definition.TokenURL, token: p.token,
		timeout: l.options.CallTimeout, body: strings.NewReader(string(body)),
	})
	if err == nil {
		err = statusError(status, answer)
	}
	if err != nil {
		return err
	}
	return l.SetState(k.user, k.integration, string(answer), 0)
}

// RefreshStates requests the forms whose states are due, and returns how many. A form that fails is
// requested again after the same time.
func (l *Looker) RefreshStates(ctx context.Context) (int, error) {
	l.mu.Lock()
	now := l.options.Now()
	var due []userState
	for i := range l.state.States {
		s := &l.state.States[i]
		wait := max(time.Duration(s.RefreshSeconds)*time.Second, minRefresh)
		if s.RefreshSeconds > 0 && now.Sub(s.Requested) >= wait {
			s.Requested = now
			due = append(due, *s)
		}
	}
	l.mu.Unlock()
	var errs []error
	for _, s := range due {
		if _, err := l.Form(ctx, s.User, s.Integration, nil); err != nil {
			errs = append(errs, fmt.Errorf("refreshing the state of user %s for %s: %w", s.User, s.Integration, err))
		}
	}
	return len(due), errors.Join(errs...)
}

// RefreshInterval is how often a program checks whether users' states are due. Looker refreshes them every
// ten minutes at most.
const RefreshInterval = 30 * time.Second

// RefreshEvery requests the forms whose states are due at an interval, until ctx ends.
func (l *Looker) RefreshEvery(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if _, err := l.RefreshStates(ctx); err != nil && ctx.Err() == nil {
				l.options.Log.WarnContext(ctx, "refreshing states", "error", l.Redact(err.Error()))
			}
		}
	}
}

// SignIn signs a user in like a browser: it requests the form, and follows its sign-in link over
// whatever redirects. It returns the last page. Provider pages that need a person are not supported.
func (l *Looker) SignIn(ctx context.Context, user, id string) (Page, error) {
	form, err := l.Form(ctx, user, id, nil)
	if err != nil {
		return Page{}, err
	}
	n := slices.IndexFunc(form.Fields, func(f Field) bool { return f.OAuthURL != "" })
	if n < 0 {
		return Page{}, errors.New(cmp.Or(form.Error, "the form has no sign-in link"))
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return Page{}, err
	}
	browser := &http.Client{Transport: l.client.Transport, Jar: jar, Timeout: l.options.CallTimeout}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, form.Fields[n].OAuthURL, http.NoBody)
	if err != nil {
		return Page{}, fmt.Errorf("opening the sign-in link: %w", err)
	}
	res, err := browser.Do(req)
	if err != nil {
		return Page{}, fmt.Errorf("following the sign-in link: %s", l.secrets.redact(err.Error()))
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxRecorded))
	if err != nil {
		return Page{}, fmt.Errorf("reading the last page of the sign-in: %w", err)
	}
	return Page{Status: res.StatusCode, Text: l.secrets.redact(string(text)), SignedIn: l.HasState(user, id)}, nil
}

// Page is where a sign-in ended.
type Page struct {
	Status int    `json:"status"`
	Text   string `json:"text"`
	// SignedIn is whether Looker has the user's tokens.
	SignedIn bool `json:"signed_in"`
}
