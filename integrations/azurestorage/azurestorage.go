// Package azurestorage writes query results and dashboards into containers of Azure Storage.
package azurestorage

import (
	"context"
	"encoding/base64"
	"errors"
	"net/url"
	"regexp"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/objectstore"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
)

// name is what people call the destination.
const name = "Azure Storage"

// settings are the hub's: an administrator's environment.
type settings struct {
	// Endpoint is the blob service's address, in which {account} stands for the account.
	Endpoint endpoint `env:"AZURE_STORAGE_ENDPOINT" envDefault:"https://{account}.blob.core.windows.net"`
	// PodIdentity lets the hub act as its pod where Looker has no key.
	PodIdentity bool `env:"AZURE_STORAGE_POD_IDENTITY"`
}

// account is what the Looker administrator enters.
type account struct {
	Name accountName `param:"account,required"`
	// Key is an account key, or a shared access signature.
	Key action.Secret `param:"accessKey"`
}

func (a *account) hasKey() bool { return strings.TrimSpace(a.Key.Reveal()) != "" }

// signature is the account's shared access signature, and empty for a key. Keys are base64,
// in which neither ? nor & occurs. A signature comes as portals show it: alone, behind a
// question mark, or at the end of an address.
func (a *account) signature() string {
	text := strings.TrimSpace(a.Key.Reveal())
	if _, after, ok := strings.Cut(text, "?"); ok {
		return after
	}
	if strings.Contains(text, "&") {
		return text
	}
	return ""
}

// Validate says in the reference's words that the key is none.
func (a *account) Validate() error {
	if s := a.signature(); s != "" {
		if query, err := url.ParseQuery(s); err != nil || query.Get("sig") == "" {
			return action.Errorf(action.Invalid, "The provided shared access signature is not complete")
		}
		return nil
	}
	if !a.hasKey() {
		return nil // see client
	}
	if _, err := base64.StdEncoding.DecodeString(strings.TrimSpace(a.Key.Reveal())); err != nil {
		return action.Errorf(action.Invalid, "The provided Account Key is not a valid base64 string")
	}
	return nil
}

// target is what the Looker user enters, beside what every store asks for.
type target struct {
	Container containerName `form:"container"`
}

// Validate says in the reference's words that there is no container.
func (t *target) Validate() error {
	if t.Container == "" {
		return action.InvalidField("container", "Need Azure container.")
	}
	return nil
}

// Integration writes block blobs to Azure Storage.
type Integration struct {
	settings settings
	// pod is set where the hub acts as its pod.
	pod  identity
	deps action.Deps
	plan objectstore.Plan
	// firstWait and longestWait bound the waits between two tries of one call.
	firstWait, longestWait time.Duration
}

// New makes the integration. It needs no settings.
func New(deps action.Deps) (action.Integration, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	i := &Integration{
		settings: s, deps: deps, plan: objectstore.Plan{Destination: name, Stages: stages},
		firstWait: time.Second, longestWait: 20 * time.Second,
	}
	if s.PodIdentity {
		if i.pod, err = action.Settings[identity](deps); err != nil {
			return nil, err
		}
		if missing := i.pod.missing(); len(missing) > 0 {
			return nil, &action.MissingSettingsError{Keys: missing}
		}
	}
	return i, nil
}

// Definition implements [action.Integration]. A hub that acts as its pod asks for no key.
func (i *Integration) Definition() action.Definition {
	return action.Definition{
		Name: "azure_storage", Label: "Azure Storage", Description: "Write data files to an Azure container.",
		Params: []action.Param{
			{Name: "account", Label: "Storage Account", Required: true, Description: "Your account for Azure."},
			{Name: "accessKey", Label: "Access Key", Required: !i.settings.PodIdentity, Sensitive: true, Description: "Your access key for Azure."},
		},
		Types:      []action.Type{action.TypeQuery, action.TypeDashboard},
		Download:   action.URL,
		MinVersion: action.V(5, 5, 0),
	}
}

// Form implements [action.FormBuilder]. A shared access signature that may write but not
// list gets a field to type the container's name into.
func (i *Integration) Form(ctx context.Context, req *action.Request) (*action.Form, error) {
	a, err := action.Decode[account](req)
	if err != nil {
		return nil, err
	}
	container := action.Field{Name: "container", Label: "Container", Required: true}
	names, err := i.listContainers(ctx, a)
	switch {
	case errors.Is(err, errMayNotList):
		container.Type = action.String
		container.Description = "The name of the container. The credentials may not list containers, so there is no choice to offer."
	case err != nil:
		return nil, err
	case len(names) == 0:
		return nil, action.Errorf(action.Invalid, "Create a container in your Azure account.")
	default:
		container.Type, container.Default = action.Select, names[0]
		for _, name := range names {
			container.Options = append(container.Options, action.Option{Name: name, Label: name})
		}
	}
	return &action.Form{Fields: append([]action.Field{container}, objectstore.Fields()...)}, nil
}

// Execute implements [action.Integration].
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	a, err := action.Decode[account](req)
	if err != nil {
		return nil, err
	}
	t, err := action.Decode[target](req)
	if err != nil {
		return nil, err
	}
	d, err := objectstore.Read(req, name)
	if err != nil {
		return nil, err
	}
	b, err := i.newBlob(a, string(t.Container), d)
	if err != nil {
		return nil, err
	}
	if err := i.plan.Write(ctx, d.Data, b); err != nil {
		return nil, err
	}
	return &action.Response{}, nil
}

// accountName becomes part of a host name.
type accountName string

// https://learn.microsoft.com/azure/storage/common/storage-account-overview#storage-account-name
var validAccount = regexp.MustCompile(`^[a-z0-9]{3,24}$`)

// UnmarshalText takes 3 to 24 lowercase letters and digits.
func (a *accountName) UnmarshalText(text []byte) error {
	if !validAccount.Match(text) {
		return errors.New("must be the name of a storage account: 3 to 24 lowercase letters and digits")
	}
	*a = accountName(text)
	return nil
}

// containerName becomes part of a path.
type containerName string

// https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata
var validContainer = regexp.MustCompile(`^(\$root|\$web|[a-z0-9][a-z0-9-]{1,61}[a-z0-9])$`)

// UnmarshalText takes names of containers, those of the root and of a website included.
func (c *containerName) UnmarshalText(text []byte) error {
	if !validContainer.Match(text) {
		return errors.New("must be the name of a container: 3 to 63 lowercase letters, digits and hyphens")
	}
	*c = containerName(text)
	return nil
}

// endpoint is the address of a blob service.
type endpoint string

// UnmarshalText takes an http or https URL with a place for the account.
func (e *endpoint) UnmarshalText(text []byte) error {
	u, err := url.Parse(strings.ReplaceAll(string(text), "{account}", "account"))
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") ||
		u.User != nil || u.RawQuery != "" || u.Fragment != "" || !strings.Contains(string(text), "{account}") {
		return errors.New("must be a URL such as https://{account}.blob.core.windows.net")
	}
	*e = endpoint(strings.TrimRight(string(text), "/"))
	return nil
}
