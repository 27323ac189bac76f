package looker

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"integrationhub.dev/hub/looker/api"
)

// With delegated OAuth, Looker holds the destination's OAuth client. An administrator installs it at targets, such
// as workspaces, each user signs in at Looker, and the hub gets the user's tokens as the state.
//
// Source: Looker's document has delegate_oauth, installed_delegate_oauth_targets, delegate_oauth_url and
// delegate_oauth_result. The reference's slack_app reads a state that is a list of install_id and token, links
// state_url for the sign-in, and answers the test with a field for each workspace.

// delegatePath is where a user signs in. The path is an assumption.
const delegatePath = "/action_hub_delegate_oauth/"

// Installation is an installation of a delegated OAuth client.
type Installation struct {
	ID string `json:"installation_id"`
	// Target is what it is installed at, such as the ID of a Slack workspace, and Name its name.
	Target string `json:"installation_target_id"`
	Name   string `json:"name"`
	// Token is what users get who sign in.
	Token string `json:"token"`
}

// delegatedToken is an item of the state.
type delegatedToken struct {
	InstallID string `json:"install_id"`
	Token     string `json:"token"`
}

// SetInstallations replaces the installations of an integration with delegated OAuth, as an administrator does on the
// page of delegate_oauth_url. That users can use all of them at once is an assumption; an update of
// installed_delegate_oauth_targets changes it.
func (l *Looker) SetInstallations(id string, all []Installation) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, i := l.state.integration(id)
	switch {
	case i == nil:
		return errNoIntegration
	case !i.Definition.DelegateOAuth:
		return errors.New("the integration does not use delegated OAuth")
	}
	isIncomplete := func(in Installation) bool { return in.ID == "" || in.Target == "" || in.Token == "" }
	if slices.ContainsFunc(all, isIncomplete) {
		return errors.New("an installation needs an ID, a target and a token")
	}
	i.Installations, i.Targets = slices.Clone(all), []string{}
	for _, in := range all {
		l.secrets.add(in.Token)
		i.Targets = append(i.Targets, in.Target)
	}
	l.save()
	return nil
}

// installed are the installations that users can use.
func (i *integration) installed() []Installation {
	return slices.DeleteFunc(slices.Clone(i.Installations), func(in Installation) bool { return !slices.Contains(i.Targets, in.Target) })
}

// delegatedState is the state that a hub gets: without the tokens of targets that users cannot use any more.
func (i *integration) delegatedState(data string) string {
	var tokens []delegatedToken
	if !i.Definition.DelegateOAuth || json.Unmarshal([]byte(data), &tokens) != nil {
		return data
	}
	usable := i.installed()
	tokens = slices.DeleteFunc(tokens, func(t delegatedToken) bool {
		is := func(in Installation) bool { return in.ID == t.InstallID }
		return slices.ContainsFunc(i.Installations, is) && !slices.ContainsFunc(usable, is)
	})
	if len(tokens) == 0 {
		return ""
	}
	text, _ := json.Marshal(tokens) // texts never fail
	return string(text)
}

// maxSignIn limits the form of [signInPage].
const maxSignIn = 64 << 10

// signInDelegated signs a user in, once: at all installations, or with the token that the user enters.
func (l *Looker) signInDelegated(w http.ResponseWriter, r *http.Request) {
	entry := l.journal.request(r, nil)
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	finish := func(status int, message string) {
		l.journal.responded(entry, status, nil)
		http.Error(w, message, status)
	}
	id := strings.TrimPrefix(r.URL.Path, delegatePath)
	k, ok := l.tickets.find(id)
	if !ok {
		finish(http.StatusNotFound, "This sign-in is invalid or has expired.")
		return
	}
	label, tokens := l.delegatedTokens(k.integration)
	switch {
	case len(tokens) > 0 && r.Method == http.MethodGet:
	case len(tokens) == 0 && r.Method == http.MethodGet:
		l.journal.responded(entry, http.StatusOK, nil)
		header.Set("Content-Type", "text/html; charset=utf-8")
		header.Set("Content-Security-Policy", "default-src 'none'; form-action 'self'; frame-ancestors 'none'")
		_ = signInPage(label).Render(r.Context(), w) // the browser may be gone
		return
	case len(tokens) == 0 && r.Method == http.MethodPost:
		r.Body = http.MaxBytesReader(w, r.Body, maxSignIn)
		one := delegatedToken{InstallID: r.PostFormValue("installation"), Token: r.PostFormValue("token")}
		if one.InstallID == "" || one.Token == "" {
			finish(http.StatusBadRequest, "The installation or the token is missing.")
			return
		}
		tokens = []delegatedToken{one}
	default:
		finish(http.StatusMethodNotAllowed, "Method not allowed.")
		return
	}
	if _, ok := l.tickets.use(id); !ok {
		finish(http.StatusNotFound, "This sign-in is invalid or has expired.")
		return
	}
	text, _ := json.Marshal(tokens) // texts never fail
	if err := l.SetState(k.user, k.integration, string(text), 0); err != nil {
		finish(http.StatusNotFound, err.Error())
		return
	}
	finish(http.StatusOK, "You are signed in. Close this tab.")
}

// delegatedTokens returns the label of an integration, and the tokens of its installations.
func (l *Looker) delegatedTokens(id string) (label string, tokens []delegatedToken) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, i := l.state.integration(id)
	if i == nil {
		return "", nil
	}
	for _, in := range i.installed() {
		tokens = append(tokens, delegatedToken{in.ID, in.Token})
	}
	return i.Definition.Label, tokens
}

// delegateResults are the results of a test, one for each installation that users can use. The hub's answer has a field
// "Connected" for each target that works. That Looker takes its installation_id for the target is an assumption.
func (l *Looker) delegateResults(id string, answer formAnswer) []api.DelegateOauthTest {
	var connected []string
	for _, f := range answer.Fields {
		var target struct {
			ID string `json:"installation_id"`
		}
		if f.Name == "Connected" && json.Unmarshal([]byte(f.Value), &target) == nil {
			connected = append(connected, target.ID)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, i := l.state.integration(id)
	if i == nil || !i.Definition.DelegateOAuth {
		return nil
	}
	results := []api.DelegateOauthTest{}
	for _, in := range i.installed() {
		results = append(results, api.DelegateOauthTest{
			Name: &in.Name, InstallationTargetID: &in.Target, InstallationID: &in.ID, Success: new(slices.Contains(connected, in.Target)),
		})
	}
	return results
}

// notConnected is the message of a test for the installations that do not work, or "".
func notConnected(results []api.DelegateOauthTest) string {
	var names []string
	for _, r := range results {
		if !*r.Success {
			names = append(names, fmt.Sprintf("%s (%s)", *r.Name, *r.InstallationTargetID))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "Not connected: " + strings.Join(names, ", ") + "."
}
