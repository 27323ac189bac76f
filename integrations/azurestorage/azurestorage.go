// Package azurestorage writes query results and dashboards into containers of Azure Storage.
package azurestorage

import (
	"errors"
	"regexp"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/choice"
	"integrationhub.dev/integrations/internal/microsoft/workloadid"
	"integrationhub.dev/integrations/internal/objectstore"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
)

// name is the destination's name in messages.
const name = "Azure Storage"

// settings are the hub's environment variables.
type settings struct {
	// Endpoint is the blob service's URL. It contains {account}. Empty means Azure's.
	Endpoint endpoint `env:"AZURE_STORAGE_ENDPOINT"`
	// AllowedContainers are the containers that users may write to, with or without their account. Empty allows all.
	AllowedContainers allowed `env:"AZURE_STORAGE_ALLOWED_CONTAINERS"`
	// PodIdentity makes the access key optional. Without one, the hub uses its pod's identity.
	PodIdentity bool `env:"AZURE_STORAGE_POD_IDENTITY"`
}

// account is what the Looker administrator enters.
type account struct {
	// Account is the name of a storage account. It is a secret because people paste connection strings.
	Account action.Secret `param:"account,required"`
	// Key is an account key, a shared access signature, or a connection string.
	Key action.Secret `param:"accessKey"`
	credentials
}

// Validate sets the credentials.
func (a *account) Validate() (err error) {
	a.credentials, err = readCredentials(a.Account.Reveal(), a.Key.Reveal())
	return err
}

// target is what the Looker user enters.
type target struct {
	Container containerName `form:"container"`
}

// Validate checks that there is a container. Its message is the reference's.
func (t *target) Validate() error {
	if t.Container == "" {
		return action.InvalidField("container", "Need Azure container.")
	}
	return nil
}

// stages allow 1.2 TiB within Azure's limit of 50,000 blocks. Buffers take 24 MiB up to 156 GiB, 64 MiB
// up to 625 GiB, and then 128 MiB. The SDK's UploadStream is not used, because it has one block size.
// https://learn.microsoft.com/azure/storage/blobs/scalability-targets
var stages = []objectstore.Stage{
	{Size: 8 << 20, Parts: 20000, Buffers: 3},
	{Size: 16 << 20, Parts: 10000, Buffers: 4},
	{Size: 32 << 20, Parts: 10000, Buffers: 2},
	{Size: 64 << 20, Parts: 10000, Buffers: 2},
}

// Integration writes block blobs to Azure Storage.
type Integration struct {
	objectstore.Store[account, target]
	settings settings
	// pod is set if the hub uses its pod's identity.
	pod  workloadid.Pod
	deps action.Deps
	// initialBackoff and maxBackoff limit the wait between two attempts of a request.
	initialBackoff, maxBackoff time.Duration
}

// New makes the integration. It needs no settings.
func New(deps action.Deps) (action.Integration, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	i := &Integration{settings: s, deps: deps, initialBackoff: time.Second, maxBackoff: 20 * time.Second}
	i.Store = objectstore.Store[account, target]{
		Plan: objectstore.Plan{Destination: name, Stages: stages},
		Bucket: choice.List{Name: "container", Label: "Container", Denied: "The name of the container. The credentials are not allowed to list " +
			"containers, so no list is available."},
		Allowed: func(a account) objectstore.Allowed { return s.AllowedContainers.Within(string(a.name)) },
		Name:    func(t target) string { return string(t.Container) },
		List:    i.listContainers, Object: i.newBlob,
		Suggest: func(a account) string { return a.container },
	}
	if s.PodIdentity {
		if i.pod, err = action.Settings[workloadid.Pod](deps); err != nil {
			return nil, err
		}
		if missing := i.pod.Missing(); len(missing) > 0 {
			return nil, &action.MissingSettingsError{Keys: missing}
		}
	}
	return i, nil
}

// Definition implements [action.Integration]. With a pod identity the key is optional.
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

// accountName is part of a host name.
type accountName string

// https://learn.microsoft.com/azure/storage/common/storage-account-overview#storage-account-name
var validAccount = regexp.MustCompile(`^[a-z0-9]{3,24}$`)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (a *accountName) UnmarshalText(text []byte) error {
	if !validAccount.Match(text) {
		return errors.New("must be the name of a storage account: 3 to 24 lowercase letters and digits")
	}
	*a = accountName(text)
	return nil
}

// containerName is part of a URL path.
type containerName string

// https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata
var validContainer = regexp.MustCompile(`^(\$root|\$web|[a-z0-9][a-z0-9-]{1,61}[a-z0-9])$`)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (c *containerName) UnmarshalText(text []byte) error {
	if !validContainer.Match(text) {
		return errors.New("must be the name of a container: 3 to 63 lowercase letters, digits and hyphens")
	}
	*c = containerName(text)
	return nil
}

// allowed is a list of containers, such as "reports" or "account/reports".
type allowed struct{ objectstore.Allowed }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (a *allowed) UnmarshalText(text []byte) (err error) {
	a.Allowed, err = objectstore.ParseAllowed(string(text), func(entry string) error {
		account, container, found := strings.Cut(entry, "/")
		if !found {
			return new(containerName).UnmarshalText([]byte(entry))
		}
		if err := new(accountName).UnmarshalText([]byte(account)); err != nil {
			return err
		}
		return new(containerName).UnmarshalText([]byte(container))
	})
	return err
}

// endpoint is the URL of a blob service.
type endpoint string

// UnmarshalText implements [encoding.TextUnmarshaler].
func (e *endpoint) UnmarshalText(text []byte) error {
	parsed, err := objectstore.ParseEndpoint(string(text), "{account}", "https://{account}.blob.core.windows.net")
	*e = endpoint(parsed)
	return err
}
