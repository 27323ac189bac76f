package outbound

import (
	"errors"
	"testing"
)

func TestHostPattern(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pattern  string
		yes, not []string
	}{
		{
			"Example.com",
			[]string{"example.com", "EXAMPLE.com.", "example.com."},
			[]string{"www.example.com", "example.com.evil.test", "evil-example.com", "example.org", "", "example.com..", "еxample.com"},
		},
		{"*.example.com", []string{"a.example.com", "a.b.Example.COM."}, []string{"example.com", "evilexample.com", "a.example.com.evil.test", ".example.com"}},
		{"bücher.example", []string{"xn--bcher-kva.example", "BÜCHER.example"}, []string{"bucher.example"}},
		{"10.1.2.3", []string{"10.1.2.3", "::ffff:10.1.2.3", "0:0:0:0:0:ffff:a01:203"}, []string{"10.1.2.30", "012.1.2.3", "167838211", "0xa010203"}},
		{"fd00::1", []string{"fd00::1", "fd00:0::0001"}, []string{"fd00::2"}},
	} {
		var p HostPattern
		if err := p.UnmarshalText([]byte(tt.pattern)); err != nil {
			t.Errorf("%s: %v", tt.pattern, err)
			continue
		}
		for _, h := range tt.yes {
			if !p.Matches(h) {
				t.Errorf("%s does not cover %s", tt.pattern, h)
			}
		}
		for _, h := range tt.not {
			if p.Matches(h) {
				t.Errorf("%s covers %q", tt.pattern, h)
			}
		}
	}
	for _, bad := range []string{"", "*", "*.", "*.10.0.0.1", "a b", "https://example.com", "example.com:443", "0x7f.1", "*.*.com", "a*.com"} {
		var p HostPattern
		if err := p.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q was taken for %q", bad, p)
		}
	}
}

func TestCheckHost(t *testing.T) {
	t.Parallel()
	narrow := Policy{Hosts: []HostPattern{"example.com", "*.example.org", "10.0.0.1"}, Ports: []uint16{443}}
	for address, want := range map[string]bool{
		"example.com:443": true, "a.example.org:443": true, "10.0.0.1:443": true,
		"example.com:22": false, "example.org:443": false, "10.0.0.2:443": false, "example.com": false, "example.com:70000": false, "example.com:": false,
	} {
		if err := narrow.CheckHost(address); (err == nil) != want || err != nil && !errors.Is(err, ErrForbiddenAddress) {
			t.Errorf("%s: %v", address, err)
		}
	}
	if err := (Policy{}).CheckHost("anything.test:22"); err != nil {
		t.Error(err)
	}
}
