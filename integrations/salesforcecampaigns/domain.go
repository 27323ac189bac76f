package salesforcecampaigns

import (
	"errors"
	"net/url"
	"strings"
)

// domain is the beginning of a customer's addresses at Salesforce, such as
// https://MyDomainName.my.salesforce.com. Tokens go there, and users set it themselves: so it
// must be Salesforce's.
type domain string

// hosts are the ends of Salesforce's host names: its own, those of older domains, of the
// government's and of China's.
// https://help.salesforce.com/s/articleView?id=sf.domain_name_url_formats.htm
var hosts = []string{".salesforce.com", ".force.com", ".cloudforce.com", ".salesforce.mil", ".sfcrmproducts.cn"}

// lightning is the end of the host names that people see in their browsers; the API is not
// there.
const lightning = ".lightning.force.com"

var errDomain = errors.New("must be the address of a Salesforce domain, such as https://MyDomainName.my.salesforce.com")

// UnmarshalText implements [encoding.TextUnmarshaler]. What follows the host is dropped.
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
