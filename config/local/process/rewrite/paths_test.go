package rewrite

import "testing"

func TestPathsIn(t *testing.T) {
	p := NewPaths(
		Mount{Path: "/tls", Source: "/run/v/tls"},
		Mount{Path: "/etc/hub", Source: "/run/v/config"},
		Mount{Path: "/etc/hub/secret/", Source: "/run/v/secret"},
		Mount{Path: "/", Source: "/run/v/root"},
	)
	for text, want := range map[string]string{
		"/tls":                          "/run/v/tls",
		"/tls/":                         "/run/v/tls/",
		"/tls/tls.crt":                  "/run/v/tls/tls.crt",
		"--cert=/tls/tls.crt":           "--cert=/run/v/tls/tls.crt",
		"/tls/a,/etc/hub/secret/b":      "/run/v/tls/a,/run/v/secret/b",
		"/etc/hub/settings:/tls":        "/run/v/config/settings:/run/v/tls",
		"/etc/hub/secrets":              "/run/v/config/secrets",
		"cat '/tls/tls.crt' >/etc/hub":  "cat '/run/v/tls/tls.crt' >/run/v/config",
		"file:///tls/tls.crt":           "file:///run/v/tls/tls.crt",
		"/tlsx":                         "/tlsx",
		"/var/tls":                      "/var/tls",
		"https://example.com/tls":       "https://example.com/tls",
		"https://tls/tls.crt":           "https://tls/tls.crt",
		"/":                             "/",
		"":                              "",
		"tls":                           "tls",
		"https://example.com:443/tls/x": "https://example.com:443/tls/x",
	} {
		if got := p.In(text); got != want {
			t.Errorf("In(%q) = %q, want %q", text, got, want)
		}
	}
}

// A source that lies below another mount's path is not mapped a second time.
func TestPathsInMapsOnce(t *testing.T) {
	p := NewPaths(Mount{Path: "/a", Source: "/b/x"}, Mount{Path: "/b", Source: "/a/y"})
	if got, want := p.In("/a:/b/c"), "/b/x:/a/y/c"; got != want {
		t.Errorf("In = %q, want %q", got, want)
	}
}

func TestPathsOf(t *testing.T) {
	p := NewPaths(Mount{Path: "/tls", Source: "/run/v/tls"}, Mount{Path: "/tls/extra", Source: "/run/v/extra"})
	for name, want := range map[string]string{
		"/tls": "/run/v/tls", "/tls/": "/run/v/tls", "/tls/x/../tls.key": "/run/v/tls/tls.key",
		"/tls/extra/ca": "/run/v/extra/ca", "/tmp/x": "/tmp/x", "/tlsx": "/tlsx",
	} {
		got, mapped := p.Of(name)
		if got != want || mapped != (want != name) {
			t.Errorf("Of(%q) = %q, %v, want %q", name, got, mapped, want)
		}
	}
}
