package azurestorage

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"

	"integrationhub.dev/hub/action"
)

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
		return c, action.Errorf(action.Invalid, "The connection string has no storage account.")
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
