package looker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"integrationhub.dev/hub/looker/api"
)

// The methods here are what an administrator does in Looker's user interface. They need no access
// token, and have no rate limit.

// AddHub adds a hub and requests its list. It returns the hub's ID.
func (l *Looker) AddHub(ctx context.Context, url, token string) (string, error) {
	id, refused := l.addHub(url, token)
	if refused != nil {
		return "", refused.err()
	}
	l.fetchList(ctx, id)
	return id, nil
}

// SetHubToken replaces the token of a hub, and requests its list.
func (l *Looker) SetHubToken(ctx context.Context, id, token string) error {
	if refused := l.changeHub(id, api.IntegrationHub{AuthorizationToken: &token}); refused != nil {
		return refused.err()
	}
	l.fetchList(ctx, id)
	return nil
}

// DeleteHub deletes a hub with all settings of its integrations.
func (l *Looker) DeleteHub(id string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state.hub(id) == nil {
		return fmt.Errorf("there is no hub %q", id)
	}
	l.state.deleteHub(id)
	l.save()
	return nil
}

// RefreshHub requests a hub's list, like the button Refresh.
// Source: Looker's documentation of the action hub.
func (l *Looker) RefreshHub(ctx context.Context, id string) error {
	l.mu.Lock()
	h := l.state.hub(id)
	l.mu.Unlock()
	if h == nil {
		return fmt.Errorf("there is no hub %q", id)
	}
	l.fetchList(ctx, id)
	return nil
}

// RequireLegalAgreement makes a hub unusable until the text is accepted; an empty text ends that.
func (l *Looker) RequireLegalAgreement(id, text string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.state.hub(id)
	if h == nil {
		return fmt.Errorf("there is no hub %q", id)
	}
	h.LegalAgreement, h.LegalSigned = text, false
	l.save()
	return nil
}

// ChangeIntegration changes an integration's settings.
func (l *Looker) ChangeIntegration(id string, change api.Integration) error {
	body, err := json.Marshal(change)
	if err != nil {
		return fmt.Errorf("encoding the change: %w", err)
	}
	return l.changeIntegration(id, body).err()
}

// AddUserAttribute adds a user attribute to the instance, if it does not have it.
func (l *Looker) AddUserAttribute(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Contains(l.options.UserAttributes, name) {
		l.options.UserAttributes = append(slices.Clone(l.options.UserAttributes), name)
	}
}

// SetUserAttribute sets a user's value of a user attribute; an empty one removes it.
func (l *Looker) SetUserAttribute(user, name, value string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Contains(l.options.UserAttributes, name) {
		return fmt.Errorf("there is no user attribute %q", name)
	}
	u := l.state.user(user)
	if u == nil {
		return errNoUser(user)
	}
	u.Attributes[name] = value
	if value == "" {
		delete(u.Attributes, name)
	}
	l.save()
	return nil
}

// Hubs returns all hubs as the API shows them.
func (l *Looker) Hubs() []api.IntegrationHub {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := []api.IntegrationHub{}
	for _, h := range l.state.Hubs {
		list = append(list, h.view())
	}
	return list
}

// Integrations returns the integrations that a hub lists, as the API shows them.
func (l *Looker) Integrations(hub string) []api.Integration {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := []api.Integration{}
	if h := l.state.hub(hub); h != nil {
		for _, i := range h.Integrations {
			if i.Listed {
				list = append(list, l.view(h.ID, i))
			}
		}
	}
	return list
}

// Definition returns an integration as its hub lists it.
func (l *Looker) Definition(id string) (Definition, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, i := l.state.integration(id)
	if i == nil {
		return Definition{}, false
	}
	return i.Definition, true
}

// Definitions returns the integrations that a hub lists, in its order.
func (l *Looker) Definitions(hub string) []Definition {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []Definition
	if h := l.state.hub(hub); h != nil {
		for _, i := range h.Integrations {
			if i.Listed {
				list = append(list, i.Definition)
			}
		}
	}
	return list
}

// Params returns the values that an integration's params have for a user, secrets among them.
func (l *Looker) Params(user, id string) (map[string]string, error) {
	p, err := l.prepare(user, id)
	return p.params, err
}

// Redact replaces all secrets that the simulator knows in a text.
func (l *Looker) Redact(text string) string { return l.secrets.redact(text) }

// err is the error in a reply; nil if it has none.
func (p reply) err() error {
	switch body := p.body.(type) {
	case api.Error:
		return errors.New(*body.Message)
	case api.ValidationError:
		errs := []error{errors.New(*body.Message)}
		for _, e := range body.Errors {
			errs = append(errs, fmt.Errorf("%s: %s", deref(e.Field), deref(e.Message)))
		}
		return errors.Join(errs...)
	}
	return nil
}
