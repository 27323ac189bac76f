package outbound

import (
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/net/idna"
)

// HostPattern names a host, as example.com or 10.1.2.3, or all hosts below a domain, as
// *.example.com, which example.com itself is not.
type HostPattern string

// UnmarshalText implements [encoding.TextUnmarshaler].
func (h *HostPattern) UnmarshalText(text []byte) error {
	star, domain := "", strings.TrimSpace(string(text))
	if rest, ok := strings.CutPrefix(domain, "*."); ok {
		star, domain = "*.", rest
	}
	name, ok := hostName(domain)
	if _, err := netip.ParseAddr(name); !ok || star != "" && err == nil {
		return fmt.Errorf("%q must be a host such as example.com, or *.example.com for all subdomains", text)
	}
	*h = HostPattern(star + name)
	return nil
}

// Matches reports whether the pattern covers a host, however that is spelled.
func (h HostPattern) Matches(host string) bool {
	name, ok := hostName(host)
	if !ok {
		return false
	}
	if domain, below := strings.CutPrefix(string(h), "*"); below {
		return strings.HasSuffix(name, domain)
	}
	return name == string(h)
}

// hostName brings a host name or address to the one spelling in which hosts are compared. It
// is false for what is neither, such as 0x7f.1, which some resolvers take for an address.
func hostName(host string) (string, bool) {
	host = strings.TrimSuffix(host, ".")
	if a, err := netip.ParseAddr(host); err == nil {
		return a.WithZone("").Unmap().String(), true
	}
	if looksLikeAddress(host) {
		return "", false
	}
	name, err := idna.Lookup.ToASCII(host)
	return strings.ToLower(name), err == nil && name != "" && name[0] != '.'
}

// looksLikeAddress is the rule of the URL standard for hosts that can only be IPv4 addresses
// (https://url.spec.whatwg.org/#ends-in-a-number-checker): the last part is a number, be it
// decimal, octal or hexadecimal.
func looksLikeAddress(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if hex, ok := strings.CutPrefix(strings.ToLower(last), "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}
