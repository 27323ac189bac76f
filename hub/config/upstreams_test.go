package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/config"
)

func TestUpstreams(t *testing.T) {
	t.Parallel()
	load := func(text string) (config.Config, error) {
		return config.Load(map[string]string{
			"ACTION_HUB_BASE_URL": "https://hub.example.com", "ACTION_HUB_LABEL": "Hub", "ACTION_HUB_SECRET": serviceSecret,
			"ACTION_HUB_UPSTREAMS": text,
		})
	}
	c, err := load(`[
		{"name":"legacy","url":"https://legacy.example.com/hub/","tokenFile":"/t","caFile":"/c","integrations":["a","b"],"prefix":"old_"},
		{"name":"other-2","url":"https://10.1.2.3:8443","tokenFile":"/u"}]`)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(config.Upstreams{
		{Name: "legacy", URL: "https://legacy.example.com/hub", TokenFile: "/t", CAFile: "/c", Integrations: []string{"a", "b"}, Prefix: "old_"},
		{Name: "other-2", URL: "https://10.1.2.3:8443", TokenFile: "/u"},
	}, c.Upstreams); diff != "" {
		t.Errorf("upstreams (-want +got):\n%s", diff)
	}
	const fine = `"name":"a","url":"https://a.example.com","tokenFile":"/t"`
	for name, tt := range map[string]struct{ text, reason string }{
		"no JSON":         {"legacy", "must be a JSON array"},
		"an object":       {"{" + fine + "}", "must be a JSON array"},
		"a typo":          {`[{` + fine + `,"prefixes":"x"}]`, "must be a JSON array"},
		"two arrays":      {"[{" + fine + "}][]", "must be one JSON array"},
		"no name":         {`[{"url":"https://a.example.com","tokenFile":"/t"}]`, "name must have"},
		"a name in a URL": {`[{"name":"a/b","url":"https://a.example.com","tokenFile":"/t"}]`, "name must have"},
		"plain http":      {`[{"name":"a","url":"http://a.example.com","tokenFile":"/t"}]`, "url must be a URL"},
		"no host":         {`[{"name":"a","url":"https://:443","tokenFile":"/t"}]`, "url must be a URL"},
		"a user":          {`[{"name":"a","url":"https://u:p@a.example.com","tokenFile":"/t"}]`, "url must not have a user"},
		"a query":         {`[{"name":"a","url":"https://a.example.com/?x=1","tokenFile":"/t"}]`, "url must not have a user, a query"},
		"no token":        {`[{"name":"a","url":"https://a.example.com"}]`, "tokenFile is not set"},
		"a prefix":        {"[{" + fine + `,"prefix":"../"}]`, "prefix must have"},
		"one name twice":  {"[{" + fine + "},{" + fine + "}]", "two upstreams named a"},
		"too many":        {"[" + strings.Repeat("{"+fine+"},", 16) + "{" + fine + "}]", "at most 16"},
		"too many names":  {"[{" + fine + `,"integrations":[` + strings.Repeat(`"x",`, 200) + `"x"]}]`, "at most 200"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := load(tt.text)
			if err == nil || !strings.Contains(err.Error(), tt.reason) || !strings.Contains(err.Error(), "ACTION_HUB_UPSTREAMS") {
				t.Errorf("error %v, want one about ACTION_HUB_UPSTREAMS: %s", err, tt.reason)
			}
		})
	}
}
