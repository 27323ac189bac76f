package upstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/catalog"
	"integrationhub.dev/hub/outbound"
)

const (
	listTimeout = 30 * time.Second
	// maxList is the maximum size of a list in bytes. The reference's has a quarter of a megabyte.
	maxList = 16 << 20
	// maxActions is the maximum number of integrations in a list.
	maxActions = 500
	// maxIcon is the maximum size of an icon's data URI; a larger one is left out.
	maxIcon = 256 << 10
	// listAgent makes upstreams list what the newest Looker can use. Requests of Looker have its own version,
	// so that an upstream refuses what that cannot use.
	listAgent = "LookerOutgoingWebhook/99.0.0"
)

// actionName is what names of integrations consist of, so that they are a segment of a URL.
var actionName = regexp.MustCompile(`^[A-Za-z0-9][-A-Za-z0-9._]{0,99}$`)

// Refresh fetches the upstream's list. If that fails, the last one stays.
func (h *Hub) Refresh(ctx context.Context) {
	ctx, cancel := context.WithTimeout(outbound.WithSecrets(ctx), listTimeout)
	defer cancel()
	now := time.Now().UTC().Truncate(time.Second)
	integrations, refused, err := h.fetch(ctx)
	last := h.State()
	next := State{Integrations: integrations, Refused: refused, Fetched: now}
	if err != nil {
		h.log.DebugContext(ctx, "fetching the list of an upstream failed", "error", err)
		next = last
		next.Problem = outbound.SecretsOf(ctx).Scrub(action.MessageOf(err))
		if errors.Is(err, context.DeadlineExceeded) {
			next.Problem = h.name + " did not return its list in time."
		}
		if last.Problem == "" {
			next.Since = now
		}
		if errors.Is(err, errSelf) { // before it was recognized, its list may have been fetched
			next.Integrations, next.Refused = nil, nil
		}
	}
	if len(next.Refused) > 0 && !slices.Equal(next.Refused, last.Refused) {
		h.log.WarnContext(ctx, "integrations of an upstream are refused", "count", len(next.Refused),
			"first", next.Refused[0].Name, "reason", next.Refused[0].Reason)
	}
	next.Version = last.Version
	if next.Problem != last.Problem || last.Fetched.IsZero() ||
		!reflect.DeepEqual(next.Integrations, last.Integrations) || !slices.Equal(next.Refused, last.Refused) {
		next.Version++
	}
	h.state.Store(&next)
}

func (h *Hub) fetch(ctx context.Context) ([]catalog.Remote, []catalog.Refusal, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.config.URL+"/", strings.NewReader("{}"))
	if err != nil {
		return nil, nil, errors.New("the URL of the upstream is not valid")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", listAgent)
	h.addVia(req, nil)
	if err := h.authorize(req); err != nil {
		return nil, nil, err
	}
	res, err := outbound.Do(h.client, req, h.name)
	if err != nil {
		return nil, nil, explainSelf(explainToken(err, h.name), h.name)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxList+1))
	switch {
	case err != nil:
		return nil, nil, outbound.ConnectionError(ctx, err, h.name)
	case len(text) > maxList:
		return nil, nil, action.Errorf(action.Unavailable, "The list of %s is larger than %d MB.", h.name, maxList>>20)
	}
	return h.decode(text)
}

// explainToken says what a rejected token means: hubs answer 403, other servers 401.
func explainToken(err error, name string) error {
	if status, ok := errors.AsType[*outbound.StatusError](err); ok && isTokenRejected(status.Code) {
		return action.Wrap(err, action.Unauthenticated, "%s rejected this hub's token. Ask the hub's administrator.", name)
	}
	return err
}

// errSelf means that an upstream is this hub.
var errSelf = errors.New("the upstream is this hub itself")

// explainSelf says what a loop means when a list is requested, which hubs do not pass on.
func explainSelf(err error, name string) error {
	if status, ok := errors.AsType[*outbound.StatusError](err); ok && status.Code == http.StatusLoopDetected {
		return action.Wrap(fmt.Errorf("%w: %w", errSelf, err), action.Invalid, "%s is this hub itself. Correct its URL, or remove the upstream.", name)
	}
	return err
}

func isTokenRejected(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden
}

// listed is an integration in a list of Looker's Action API.
type listed struct {
	Name             string                 `json:"name"`
	Label            string                 `json:"label"`
	Description      string                 `json:"description"`
	URL              string                 `json:"url"`
	FormURL          string                 `json:"form_url"`
	TokenURL         string                 `json:"token_url"`
	Params           []action.Param         `json:"params"`
	RequiredFields   []action.RequiredField `json:"required_fields"`
	Types            []action.Type          `json:"supported_action_types"`
	UsesOAuth        bool                   `json:"uses_oauth"`
	DelegateOAuth    bool                   `json:"delegate_oauth"`
	Formats          []action.Format        `json:"supported_formats"`
	Formattings      []action.Formatting    `json:"supported_formattings"`
	VisFormattings   []action.VisFormatting `json:"supported_visualization_formattings"`
	DownloadSettings []action.Download      `json:"supported_download_settings"`
	Icon             string                 `json:"icon_data_uri"`
	// Via are the hubs between the upstream's list and the integration. Looker's API does not have it.
	Via []string `json:"via"`
}

// decode reads a list. An integration that is not valid does not affect the others.
func (h *Hub) decode(text []byte) (all []catalog.Remote, refused []catalog.Refusal, err error) {
	var list struct {
		Integrations []json.RawMessage `json:"integrations"`
	}
	if err := json.Unmarshal(text, &list); err != nil || list.Integrations == nil {
		return nil, nil, action.Wrap(err, action.Unavailable, "%s did not return a list of integrations. Check its URL.", h.name)
	}
	if len(list.Integrations) > maxActions {
		return nil, nil, action.Errorf(action.Unavailable, "The list of %s has more than %d integrations.", h.name, maxActions)
	}
	seen := map[string]bool{}
	for n, raw := range list.Integrations {
		var l listed
		err := json.Unmarshal(raw, &l)
		if actionName.MatchString(l.Name) && !h.offers(l.Name) {
			continue
		}
		refuse := func(name, reason string) {
			refused = append(refused, catalog.Refusal{Upstream: h.config.Name, Name: name, Reason: reason})
		}
		switch {
		case !actionName.MatchString(l.Name):
			refuse(fmt.Sprintf("integration %d", n+1), "Its name is not valid.")
		case err != nil:
			refuse(h.config.Prefix+l.Name, "Its definition is not valid.")
		case len(l.Types) == 0:
			refuse(h.config.Prefix+l.Name, "Its definition has no action type.")
		case seen[strings.ToLower(l.Name)]: // as in the reference, the first one counts
			refuse(h.config.Prefix+l.Name, "The list contains the name more than once.")
		case h.checkHops(l.Via) != "":
			refuse(h.config.Prefix+l.Name, h.checkHops(l.Via))
		default:
			seen[strings.ToLower(l.Name)] = true
			all = append(all, h.remote(l))
		}
	}
	for _, name := range h.config.Integrations {
		if !seen[strings.ToLower(name)] {
			refused = append(refused, catalog.Refusal{Upstream: h.config.Name, Name: h.config.Prefix + name, Reason: "It is not in the list of " + h.name + "."})
		}
	}
	return all, refused, nil
}

// remote is what this hub offers for an integration in a list. Its URLs become this hub's.
func (h *Hub) remote(l listed) catalog.Remote {
	r := catalog.Remote{
		Upstream: h.config.Name, Name: l.Name, Via: l.Via,
		Definition: action.Definition{
			Name: h.config.Prefix + l.Name, Label: l.Label, Description: l.Description, Params: l.Params, RequiredFields: l.RequiredFields,
			Types: l.Types, Formats: l.Formats, Formattings: l.Formattings, VisFormattings: l.VisFormattings,
			Download: action.Push, FetchTokens: l.TokenURL != "",
		},
		HasForm: l.FormURL != "", SignsIn: l.UsesOAuth && !l.DelegateOAuth, Delegates: l.DelegateOAuth,
	}
	if slices.Contains(l.DownloadSettings, action.URL) {
		r.Definition.Download = action.URL
	}
	if len(l.Icon) <= maxIcon && strings.HasPrefix(l.Icon, "data:image/") {
		r.Icon = l.Icon
	}
	return r
}
