package looker

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/oapi-codegen/nullable"

	"integrationhub.dev/hub/looker/api"
)

// newIntegration is disabled. A param that names a user attribute uses it.
// Source: docs/action_api.md of the reference, Param.
func newIntegration(d Definition) *integration {
	i := &integration{Definition: d, Listed: true, Settings: map[string]setting{}}
	for _, p := range d.Params {
		if p.UserAttributeName != "" {
			i.Settings[p.Name] = setting{UserAttribute: p.UserAttributeName}
		}
	}
	return i
}

// view is an integration as the API shows it.
func (l *Looker) view(hubID string, i *integration) api.Integration {
	d := i.Definition
	v := api.Integration{
		ID: new(integrationID(hubID, d.Name)), IntegrationHubID: &hubID, Label: &d.Label, Enabled: new(i.Enabled),
		UsesOauth: &d.UsesOAuth, DelegateOauth: &d.DelegateOAuth, RequiredFields: d.RequiredFields,
		InstalledDelegateOauthTargets:     slices.Clone(i.Targets),
		SupportedActionTypes:              supported[api.IntegrationSupportedActionTypes](l, "supported_action_types", d.ActionTypes),
		SupportedFormats:                  supported[api.IntegrationSupportedFormats](l, "supported_formats", d.Formats),
		SupportedFormattings:              supported[api.IntegrationSupportedFormattings](l, "supported_formattings", d.Formattings),
		SupportedVisualizationFormattings: supported[api.IntegrationSupportedVisualizationFormattings](l, "supported_visualization_formattings", d.VisFormattings),
		SupportedDownloadSettings:         supported[api.IntegrationSupportedDownloadSettings](l, "supported_download_settings", d.DownloadSettings),
	}
	if d.Description != "" {
		v.Description = &d.Description
	}
	if d.PrivacyLink != "" {
		v.PrivacyLink = &d.PrivacyLink
	}
	for _, p := range d.Params {
		v.Params = append(v.Params, paramView(p, i.Settings[p.Name]))
	}
	return v
}

// supported are the values that both the hub and Looker's document list. A hub that lists none
// supports all. Source: the descriptions of these members in Looker's document. That Looker ignores
// unknown values is an assumption.
func supported[T ~string](l *Looker, property string, listed []string) []T {
	known := listed
	if l.options.Document != nil {
		known = l.options.Document.Enum("Integration", property)
	}
	var values []T
	for _, v := range known {
		if len(listed) == 0 || slices.Contains(listed, v) {
			values = append(values, T(v))
		}
	}
	return values
}

// paramView shows a value only where it is not sensitive.
// Source: the descriptions of IntegrationParam in Looker's document.
func paramView(p Param, s setting) api.IntegrationParam {
	v := api.IntegrationParam{
		Name: &p.Name, Label: &p.Label, Required: &p.Required, Sensitive: new(p.Secret()), PerUser: &p.PerUser,
		HasValue: new(s.Value != "" || s.UserAttribute != ""),
	}
	if p.Description != "" {
		v.Description = &p.Description
	}
	if p.DelegateOAuthURL != "" {
		v.DelegateOauthURL = &p.DelegateOAuthURL
	}
	if s.UserAttribute != "" {
		v.UserAttributeName = nullable.NewNullableWithValue(s.UserAttribute)
	} else if s.Value != "" && !p.Secret() {
		v.Value = &s.Value
	}
	return v
}

// listIntegrations is GET /integrations. That users who are not administrators see only enabled
// integrations is an assumption.
func (l *Looker) listIntegrations(c *apiCall) reply {
	only, all := c.query.Get("integration_hub_id"), !c.query.Has("integration_hub_id")
	l.mu.Lock()
	defer l.mu.Unlock()
	list := []api.Integration{}
	for _, h := range l.state.Hubs {
		for _, i := range h.Integrations {
			if i.Listed && (all || h.ID == only) && (i.Enabled || c.user.may(Admin)) {
				list = append(list, l.view(h.ID, i))
			}
		}
	}
	return reply{status: http.StatusOK, body: list}
}

// showIntegration is GET /integrations/{integration_id}.
func (l *Looker) showIntegration(c *apiCall) reply {
	l.mu.Lock()
	defer l.mu.Unlock()
	h, i := l.state.integration(c.path("integration_id"))
	if i == nil || !i.Enabled && !c.user.may(Admin) {
		return notFound()
	}
	return reply{status: http.StatusOK, body: l.view(h.ID, i)}
}

// updateIntegration is PATCH /integrations/{integration_id}.
func (l *Looker) updateIntegration(c *apiCall) reply {
	return l.changeIntegration(c.path("integration_id"), c.body)
}

func (l *Looker) changeIntegration(id string, body []byte) reply {
	var in api.Integration
	if err := json.Unmarshal(body, &in); err != nil {
		return errorReply(http.StatusBadRequest, "The body is not valid JSON.")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	h, i := l.state.integration(id)
	if i == nil {
		return notFound()
	}
	settings, problems := l.newSettings(i, in.Params)
	if len(problems) > 0 {
		return validationReply(problems...)
	}
	if err := h.usable(); err != nil && deref(in.Enabled) && !i.Enabled {
		// That an integration of a hub that cannot be used cannot be enabled is an assumption.
		return validationReply(invalidField("enabled", codeInvalid, err.Error()))
	}
	for name, s := range settings {
		i.Settings[name] = s
		if i.Definition.sensitive(name) {
			l.secrets.add(s.Value)
		}
	}
	if in.Enabled != nil {
		i.Enabled = *in.Enabled
	}
	if in.InstalledDelegateOauthTargets != nil {
		i.Targets = in.InstalledDelegateOauthTargets
	}
	l.save()
	return reply{status: http.StatusOK, body: l.view(h.ID, i)}
}

// newSettings are the settings of the params that a request names; it does not change others, which
// is an assumption.
func (l *Looker) newSettings(i *integration, params []api.IntegrationParam) (map[string]setting, []api.ValidationErrorDetail) {
	settings := map[string]setting{}
	var problems []api.ValidationErrorDetail
	for n, in := range params {
		field := "params." + strconv.Itoa(n)
		if in.Name == nil {
			problems = append(problems, invalidField(field+".name", codeMissing, "This field is required."))
			continue
		}
		p, ok := i.Definition.param(*in.Name)
		if !ok {
			problems = append(problems, invalidField(field+".name", codeInvalid, fmt.Sprintf("The integration has no parameter %q.", *in.Name)))
			continue
		}
		s, problem := l.newSetting(p, i.Settings[p.Name], in)
		if problem != nil {
			problem.Field = new(field + "." + *problem.Field)
			problems = append(problems, *problem)
			continue
		}
		settings[p.Name] = s
	}
	return settings, problems
}

// newSetting is a setting after a change.
//
// Source: the descriptions of IntegrationParam in Looker's document: a null value is ignored and an
// empty one clears it; a null user attribute ends its use; a param for each user must have a user
// attribute. That the attribute must exist is an assumption.
func (l *Looker) newSetting(p Param, s setting, in api.IntegrationParam) (setting, *api.ValidationErrorDetail) {
	if in.Value != nil {
		s.Value = *in.Value
	}
	if in.UserAttributeName.IsNull() {
		s.UserAttribute = ""
	} else if name, err := in.UserAttributeName.Get(); err == nil {
		s.UserAttribute = name
	}
	if p.PerUser && s.UserAttribute == "" && s.Value != "" {
		return s, new(invalidField("value", codeInvalid, "The parameter must have a user attribute instead of a value."))
	}
	if s.UserAttribute != "" && !slices.Contains(l.options.UserAttributes, s.UserAttribute) {
		return s, new(invalidField("user_attribute_name", codeInvalid, fmt.Sprintf("There is no user attribute %q.", s.UserAttribute)))
	}
	return s, nil
}
