package salesforcecampaigns

import (
	"errors"
	"net/url"
	"strings"
)

// domain is the base URL of a customer's org, such as https://MyDomainName.my.salesforce.com. Users
// set it themselves and it gets tokens, so it must be one of Salesforce's.
type domain string

// hosts are the suffixes of Salesforce's host names: current and older ones, Government Cloud, and
// China.
// https://help.salesforce.com/s/articleView?id=sf.domain_name_url_formats.htm
var hosts = []string{".salesforce.com", ".force.com", ".cloudforce.com", ".salesforce.mil", ".sfcrmproducts.cn"}

// lightning is the suffix of host names in the browser, which do not serve the API.
const lightning = ".lightning.force.com"

var errDomain = errors.New("must be the URL of a Salesforce domain, such as https://MyDomainName.my.salesforce.com")

// UnmarshalText implements [encoding.TextUnmarshaler]. The path is dropped.
func (d *domain) UnmarshalText(text []byte) error {
	t := strings.TrimSpace(string(text))
	if !strings.Contains(t, "://") {
		t = "https://" + t
	}
	u, err := url.Parse(t)
	if err != nil || u.Scheme != "https" || u.User != nil || u.Port() != "" {
		return errDomain
	}
	host := strings.ToLower(u.Hostname())
	if own, found := strings.CutSuffix(host, lightning); found {
		host = own + ".my.salesforce.com"
	}
	for _, end := range hosts {
		if own, found := strings.CutSuffix(host, end); found && own != "" && strings.Trim(own, "abcdefghijklmnopqrstuvwxyz0123456789-.") == "" {
			*d = domain("https://" + host)
			return nil
		}
	}
	return errDomain
}
