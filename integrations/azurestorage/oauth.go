package azurestorage

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
)

// identity is the pod's identity. Microsoft Entra Workload ID sets these variables in the pod:
// https://azure.github.io/azure-workload-identity/docs/
type identity struct {
	Client    string `env:"AZURE_CLIENT_ID"`
	Tenant    string `env:"AZURE_TENANT_ID"`
	TokenFile string `env:"AZURE_FEDERATED_TOKEN_FILE"`
	Authority string `env:"AZURE_AUTHORITY_HOST" envDefault:"https://login.microsoftonline.com/"`
}

// missing returns the names of the variables that are not set.
func (i identity) missing() []string {
	var keys []string
	for _, variable := range [][2]string{
		{"AZURE_CLIENT_ID", i.Client}, {"AZURE_FEDERATED_TOKEN_FILE", i.TokenFile}, {"AZURE_TENANT_ID", i.Tenant},
	} {
		if key, value := variable[0], variable[1]; value == "" {
			keys = append(keys, key)
		}
	}
	return keys
}

var _ azcore.TokenCredential = podCredential{}

// podCredential exchanges the pod's token for an access token:
// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow, third case.
// Microsoft's azidentity does the same, but it is a large dependency.
type podCredential struct {
	identity
	http  *http.Client
	retry deliver.Retry
}

// GetToken implements [azcore.TokenCredential]. The SDK keeps the token until it expires, but it does
// not retry. Errors can be shown to the Looker user.
func (p podCredential) GetToken(ctx context.Context, o policy.TokenRequestOptions) (token azcore.AccessToken, err error) {
	err = p.retry.Do(ctx, func(ctx context.Context) error {
		token, err = p.exchange(ctx, o.Scopes)
		return err
	})
	return token, err
}

const identityRefused = "Azure does not accept the hub's own identity. The hub's administrator must check its federated credential."

func (p podCredential) exchange(ctx context.Context, scopes []string) (azcore.AccessToken, error) {
	assertion, err := os.ReadFile(p.TokenFile) // each time, because Kubernetes replaces it
	if err != nil {
		return azcore.AccessToken{}, action.Wrap(fmt.Errorf("reading the pod's token: %w", err), action.Internal, identityRefused)
	}
	c := clientcredentials.Config{
		ClientID: p.Client, Scopes: scopes, AuthStyle: oauth2.AuthStyleInParams,
		TokenURL: strings.TrimRight(p.Authority, "/") + "/" + url.PathEscape(p.Tenant) + "/oauth2/v2.0/token",
		EndpointParams: url.Values{
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {string(assertion)},
		},
	}
	token, err := c.Token(context.WithValue(ctx, oauth2.HTTPClient, p.http))
	if err != nil {
		return azcore.AccessToken{}, explainIdentity(ctx, err)
	}
	return azcore.AccessToken{Token: token.AccessToken, ExpiresOn: token.Expiry.UTC()}, nil
}

// explainIdentity drops the response, which can quote the request.
func explainIdentity(ctx context.Context, err error) error {
	answer, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		return outbound.ConnectionError(ctx, err, "Microsoft Entra")
	}
	detail := &outbound.StatusError{Code: answer.Response.StatusCode}
	if kind := action.KindOfStatus(detail.Code); kind.Retryable() {
		return action.Wrap(detail, kind, "Microsoft Entra is temporarily unavailable. Try again later.")
	}
	return action.Wrap(detail, action.Unauthenticated, identityRefused)
}

// credentials are what the account's settings in Looker contain. Without a key and a signature, the hub uses its pod's
// identity.
type credentials struct {
	name accountName
	// key is an account key.
	key string
	// signature is a shared access signature: the parameters of a URL.
	signature string
	// container is the one that a shared access signature's URL names.
	container string
	// endpoint is the blob service's URL if a connection string or a URL names one, or unknownEndpoint.
	endpoint string
}

// unknownEndpoint is an endpoint outside of Azure. The hub does not send data to it: only its administrator chooses
// such addresses.
const unknownEndpoint = "unknown"

func (c *credentials) isEmpty() bool { return c.key == "" && c.signature == "" }

// readCredentials reads what people paste for the account and the key: a name, a key, a shared access signature, a
// URL with or without one, or a connection string.
func readCredentials(account, key string) (credentials, error) {
	var c credentials
	first, err := parsePasted(account, accountField)
	if err != nil {
		return c, err
	}
	second, err := parsePasted(key, keyField)
	if err != nil {
		return c, err
	}
	c = credentials{name: first.name, endpoint: cmp.Or(second.endpoint, first.endpoint)}
	if second.name != "" && first.name != "" && second.name != first.name {
		return c, action.Errorf(action.Invalid, "The %s is for the storage account %s, but the action's settings in Looker name %s. "+
			"Correct one of them.", second.what, second.name, first.name)
	}
	if c.name == "" {
		return c, action.Errorf(action.Invalid, "The connection string names no storage account.")
	}
	c.key, c.signature, c.container = second.key, second.signature, second.container
	if second.isEmpty() {
		c.key, c.signature, c.container = first.key, first.signature, first.container
	}
	return c, c.check()
}

// check checks the form of the key. Its messages are the reference's.
func (c *credentials) check() error {
	if c.signature != "" {
		if query, err := url.ParseQuery(c.signature); err != nil || query.Get("sig") == "" {
			return action.Errorf(action.Invalid, "The provided shared access signature is not complete")
		}
		return nil
	}
	if _, err := base64.StdEncoding.DecodeString(c.key); err != nil {
		return action.Errorf(action.Invalid, "The provided Account Key is not a valid base64 string")
	}
	return nil
}

// The names of the two settings in Looker.
const (
	accountField = "account"
	keyField     = "accessKey"
)

// pasted is the text of one setting.
type pasted struct {
	credentials
	// what describes the text in messages.
	what string
}

func parsePasted(text, field string) (pasted, error) {
	text = clean(text)
	switch {
	case isConnectionString(text):
		return parseConnectionString(text)
	case field == keyField && !strings.ContainsAny(text, "?&"):
		return pasted{credentials: credentials{key: text}}, nil
	case strings.ContainsAny(text, "?&"):
		p := parseSignature(text)
		if field == accountField && p.name == "" {
			return named(text, "")
		}
		return p, nil
	}
	if u, err := url.Parse(text); err == nil && u.Host != "" {
		name, endpoint := accountOf(u.Host)
		text = cmp.Or(string(name), text)
		return named(text, endpoint)
	}
	return named(text, "")
}

func named(name, endpoint string) (p pasted, err error) {
	if err := p.name.UnmarshalText([]byte(name)); err != nil {
		return p, action.Errorf(action.Invalid, "%q %v.", accountField, err)
	}
	p.endpoint = endpoint
	return p, nil
}

// clean removes what comes with a copied text: blanks, line breaks, invisible characters, quotes, and the escapes of
// a web page. Neither keys nor signatures contain them.
func clean(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || !unicode.IsGraphic(r) {
			return -1
		}
		return r
	}, text)
	return strings.ReplaceAll(strings.Trim(text, `"'`), "&amp;", "&")
}

// parseSignature parses a shared access signature: alone, after a question mark, or at the end of a URL. Portals show
// all of them.
func parseSignature(text string) (p pasted) {
	p.what = "shared access signature"
	address, signature, found := strings.Cut(text, "?")
	if !found {
		address, signature = "", text
	}
	p.signature = signature
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return p
	}
	var name accountName
	if name, p.endpoint = accountOf(u.Host); name == "" {
		return p // the hub's endpoint can be a custom domain
	}
	p.name = name
	p.container, _, _ = strings.Cut(strings.Trim(u.Path, "/"), "/")
	return p
}

// The keys of connection strings that matter here:
// https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string
const (
	settingName      = "accountname"
	settingKey       = "accountkey"
	settingSignature = "sharedaccesssignature"
	settingEndpoint  = "blobendpoint"
	settingSuffix    = "endpointsuffix"
)

func isConnectionString(text string) bool {
	first, _, _ := strings.Cut(text, ";")
	key, _, found := strings.Cut(first, "=")
	switch key = strings.ToLower(key); key {
	case settingName, settingKey, settingSignature, settingSuffix, "defaultendpointsprotocol", "usedevelopmentstorage":
		return found
	}
	return found && strings.HasSuffix(key, "endpoint") // that of any service
}

// parseConnectionString parses a connection string. The protocol is ignored: it is that of the hub's endpoint.
func parseConnectionString(text string) (p pasted, err error) {
	values := map[string]string{}
	for part := range strings.SplitSeq(strings.Trim(text, ";"), ";") {
		key, value, found := strings.Cut(part, "=")
		if !found {
			return p, action.Errorf(action.Invalid, "The connection string is not complete. Copy it again.")
		}
		values[strings.ToLower(key)] = value
	}
	if values[settingKey] == "" && values[settingSignature] == "" {
		return p, action.Errorf(action.Invalid, "The connection string has neither an AccountKey nor a SharedAccessSignature.")
	}
	name, endpoint, err := connectionEndpoint(values)
	if err != nil {
		return p, err
	}
	if name != "" {
		if p, err = named(name, endpoint); err != nil {
			return p, err
		}
	}
	p.what, p.endpoint = "connection string", endpoint
	if p.key = values[settingKey]; p.key == "" {
		p.signature = strings.TrimPrefix(values[settingSignature], "?")
	}
	return p, nil
}

// connectionEndpoint returns the account and the endpoint of a connection string.
func connectionEndpoint(values map[string]string) (name, endpoint string, err error) {
	name = values[settingName]
	address := values[settingEndpoint]
	if address == "" && values[settingSuffix] != "" && name != "" {
		address = "https://" + name + ".blob." + values[settingSuffix]
	}
	if address == "" {
		return name, "", nil
	}
	u, err := url.Parse(address)
	if err != nil {
		return "", "", action.Errorf(action.Invalid, "The connection string is not complete. Copy it again.")
	}
	owner, endpoint := accountOf(u.Host)
	return cmp.Or(name, string(owner)), cmp.Or(endpoint, unknownEndpoint), nil
}

// publicZone is the domain of accounts with Azure DNS zones.
const publicZone = ".storage.azure.net"

// clouds are the domains of Azure Storage, the first two in the public cloud:
// https://learn.microsoft.com/azure/storage/common/storage-account-overview#storage-account-endpoints
var clouds = []string{".core.windows.net", publicZone, ".core.chinacloudapi.cn", ".core.usgovcloudapi.net"}

// accountOf returns the storage account and the blob service's URL for the host of any of its services. They are
// empty if the host is not one of Azure's.
func accountOf(host string) (accountName, string) {
	host = strings.ToLower(host)
	for _, cloud := range clouds {
		before, found := strings.CutSuffix(host, cloud)
		if !found {
			continue
		}
		label, service, _ := strings.Cut(before, ".")
		var name accountName
		if name.UnmarshalText([]byte(strings.TrimSuffix(label, "-secondary"))) != nil {
			return "", ""
		}
		zone := ""
		if z, _, found := strings.Cut(service, "."); found {
			zone = z + "."
		}
		if zone != "" && !isZone(zone) {
			return "", ""
		}
		return name, fmt.Sprintf("https://%s.%sblob%s", name, zone, cloud)
	}
	return "", ""
}

func isZone(zone string) bool {
	return len(zone) > 2 && zone[0] == 'z' && strings.Trim(zone[1:], "0123456789") == "."
}

// parameters are those of the shared access signature.
func (c *credentials) parameters() url.Values {
	query, err := url.ParseQuery(c.signature)
	if err != nil {
		return nil // check has refused it
	}
	return query
}

// canList reports whether the credentials can list containers. A signature for a container or a blob (sr) cannot, and
// one for the account needs the resource type service and the permission list.
// https://learn.microsoft.com/rest/api/storageservices/create-account-sas#blob-service
func (c *credentials) canList() bool {
	q := c.parameters()
	if !q.Has("srt") {
		return !q.Has("sr")
	}
	return strings.Contains(q.Get("srt"), "s") && (!q.Has("sp") || strings.Contains(q.Get("sp"), "l"))
}

// checkContainer returns an error if a shared access signature's URL is that of another container.
func (c *credentials) checkContainer(name string) error {
	if c.container == "" || c.container == name || !c.parameters().Has("sr") {
		return nil
	}
	return action.InvalidField("container", "The shared access signature is for the container %s.", c.container)
}

// validity returns a shared access signature's start and expiry, in UTC. They are zero if it does not have them, as
// with a stored access policy.
func (c *credentials) validity() (start, expiry time.Time) {
	q := c.parameters()
	return parseTime(q.Get("st")), parseTime(q.Get("se"))
}

// timeLayouts are those of a shared access signature:
// https://learn.microsoft.com/rest/api/storageservices/formatting-datetime-values
var timeLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02"}

func parseTime(text string) time.Time {
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}
