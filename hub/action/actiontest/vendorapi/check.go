package vendorapi

import (
	"errors"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// Check fails a test for each difference between its requests and the vendor's description, where
// there is one for the host. Without the folder of descriptions it says once that it is skipped.
func Check(t testing.TB, requests []Request) {
	t.Helper()
	report(t, apis, requests)
}

func report(t testing.TB, table []api, requests []Request) {
	t.Helper()
	reported := map[string]bool{}
	for _, r := range requests {
		candidates := of(table, r.Host)
		if len(candidates) == 0 || isS3(r) {
			continue
		}
		for _, f := range check(t, candidates, r) {
			if key := f.key(); !reported[key] {
				reported[key] = true
				f.report(t)
			}
		}
	}
}

// judged is a finding, with the reason if it is right nevertheless.
type judged struct {
	Finding
	api, accepted string
}

func (f judged) report(t testing.TB) {
	t.Helper()
	if f.accepted != "" {
		t.Logf("%s: %s, which is right: %s", f.api, f.Finding, f.accepted)
		return
	}
	t.Errorf("a request differs from the description of %s: %s", f.api, f.Finding)
}

// check checks a request by the first description that has its path.
func check(t testing.TB, candidates []api, r Request) []judged {
	t.Helper()
	var chosen *api
	var d *Description
	for i := range candidates {
		candidate, err := candidates[i].load()
		switch {
		case errors.Is(err, errAbsent):
			skip(t)
			return nil
		case err != nil:
			t.Errorf("loading the description of %s: %v", candidates[i].name, err)
			return nil
		}
		if chosen == nil || candidate.Knows(r.Path) {
			chosen, d = &candidates[i], candidate
		}
		if candidate.Knows(r.Path) {
			break
		}
	}
	if !d.Knows(r.Path) && isUndescribed(r) {
		return nil
	}
	var all []judged
	for _, f := range d.Check(r) {
		all = append(all, judged{f, chosen.name, chosen.accepted[f.key()]})
	}
	return all
}

func of(table []api, host string) []api {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	var found []api
	for _, a := range table {
		for _, pattern := range a.hosts {
			domain, wild := strings.CutPrefix(pattern, "*")
			if host == pattern || wild && strings.HasSuffix(host, domain) {
				found = append(found, a)
				break
			}
		}
	}
	return found
}

func isUndescribed(r Request) bool {
	for _, u := range undescribed {
		if of([]api{{hosts: []string{u.host}}}, r.Host) == nil {
			continue
		}
		if t, err := newTemplate(u.path); err == nil {
			if _, ok := t.match(r.Path); ok {
				return true
			}
		}
	}
	return false
}

// isS3 reports whether a request is one of Amazon's S3 API, which Google serves at the same host as its own
// (https://docs.cloud.google.com/storage/docs/interoperability).
func isS3(r Request) bool {
	return strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
}

var index = regexp.MustCompile(`([ .])\d+(\.|$)`)

// key identifies a finding without what differs between requests of the same kind: the detail, and
// the positions in lists.
func (f Finding) key() string {
	f.Detail = ""
	f.Place = index.ReplaceAllString(f.Place, "$1*$2")
	return f.String()
}

var skipped sync.Once

func skip(t testing.TB) {
	t.Helper()
	skipped.Do(func() {
		t.Logf("Requests are not checked against the vendors' descriptions: there is no folder shared/vendor-apis, and %s is not set.",
			EnvFolder)
	})
}
