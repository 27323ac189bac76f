package azurestorage_test

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/azurestorage"
)

const (
	account   = "looker1"
	signature = "?sv=2024-11-04&ss=b&sig=s%2F1g%3D"
)

var accountKey = base64.StdEncoding.EncodeToString([]byte("an account key that signs"))

// fake is a storage account. It refuses what is not signed, and keeps blocks apart from
// blobs, as Azure does.
type fake struct {
	containers []string
	blocks     map[string]string // by blob and block id
	blobs      map[string]string
	types      map[string]string
	// fail, unless nil, answers a call in place of the account; what is the call's query
	// parameter comp, and n counts the calls of that kind from 1.
	fail func(what string, n int) *actiontest.Reply
	// lose is the kind of call whose first answer does not arrive.
	lose  string
	calls map[string]int
	// cloud is the suffix of the account's host, unless it is the public cloud's.
	cloud string
}

func (f *fake) host() string {
	if f.cloud != "" {
		return account + "." + f.cloud
	}
	return account + ".blob.core.windows.net"
}

func newFake(containers ...string) *fake {
	return &fake{containers: containers, blocks: map[string]string{}, blobs: map[string]string{}, types: map[string]string{}, calls: map[string]int{}, lose: "nothing"}
}

func (f *fake) start(t *testing.T) action.Integration {
	t.Helper()
	return f.startWith(t, nil)
}

func (f *fake) startWith(t *testing.T, env map[string]string) action.Integration {
	t.Helper()
	d := actiontest.NewDestination(t).Handle(f.serve)
	i := actiontest.New(t, azurestorage.New, actiontest.Deps(t, d, env))
	azurestorage.Quick(i, 10)
	return i
}

func refusal(status int, code string) actiontest.Reply {
	return actiontest.Reply{
		Status: status, Header: map[string]string{"x-ms-error-code": code, "Content-Type": "application/xml"},
		Body: "<?xml version=\"1.0\"?><Error><Code>" + code + "</Code><Message>Quotes " + accountKey + "</Message></Error>",
	}
}

func (f *fake) serve(r actiontest.Recorded) actiontest.Reply {
	if r.Host == "login.microsoftonline.com" {
		return f.signIn(r)
	}
	if r.Host != f.host() {
		return refusal(http.StatusNotFound, "ResourceNotFound")
	}
	what := r.Query.Get("comp")
	if r.Query.Has("sig") {
		if reply := f.checkSAS(r, what); reply != nil {
			return *reply
		}
	} else if !signed(r) {
		return unauthenticated("The MAC signature found in the HTTP request '" + accountKey + "' is not the same as any computed signature. " +
			"Server used following string to sign: 'PUT\n'.")
	}
	f.calls[what]++
	if f.fail != nil {
		if reply := f.fail(what, f.calls[what]); reply != nil {
			return *reply
		}
	}
	name, _ := url.PathUnescape(strings.TrimPrefix(r.Path, "/"))
	switch {
	case r.Method == http.MethodGet && what == "list" && r.Header.Get("Accept") != "application/xml":
		return refusal(http.StatusNotAcceptable, "UnsupportedHeader")
	case r.Method == http.MethodGet && what == "list":
		return f.list(r.Query.Get("marker"))
	case r.Method != http.MethodPut:
		return refusal(http.StatusMethodNotAllowed, "UnsupportedHttpVerb")
	}
	if container, _, _ := strings.Cut(name, "/"); !slices.Contains(f.containers, container) {
		return refusal(http.StatusNotFound, "ContainerNotFound")
	}
	if _, there := f.blobs[name]; there && what != "block" && r.Header.Get("If-None-Match") == "*" {
		return refusal(http.StatusConflict, "BlobAlreadyExists")
	}
	switch what {
	case "block":
		f.blocks[name+" "+r.Query.Get("blockid")] = string(r.Body)
	case "blocklist":
		if reply := f.commit(name, r); reply.Status != http.StatusCreated {
			return reply
		}
	case "":
		f.blobs[name], f.types[name] = string(r.Body), r.Header.Get("x-ms-blob-content-type")
	}
	if f.lose == what && f.calls[what] == 1 {
		return actiontest.Reply{Reset: true}
	}
	return actiontest.Reply{Status: http.StatusCreated}
}

// unauthenticated is the response to credentials that are not valid.
func unauthenticated(detail string) actiontest.Reply {
	reply := refusal(http.StatusForbidden, "AuthenticationFailed")
	reply.Body = strings.Replace(reply.Body, "</Error>", "<AuthenticationErrorDetail>"+detail+"</AuthenticationErrorDetail></Error>", 1)
	return reply
}

// checkSAS checks a shared access signature as Azure does. The details are those that people report, as in
// https://github.com/microsoft/AzureStorageExplorer/issues/3219 and
// https://github.com/microsoft/AzureStorageExplorer/issues/6198.
// https://learn.microsoft.com/rest/api/storageservices/create-account-sas
// https://learn.microsoft.com/rest/api/storageservices/create-service-sas
func (f *fake) checkSAS(r actiontest.Recorded, what string) *actiontest.Reply {
	q := r.Query
	reply := unauthenticated("Signature did not match. String to sign used was " + account + "\n" + q.Get("sp"))
	if q.Get("sig") != "s/1g=" || r.Header.Get("Authorization") != "" {
		return &reply
	}
	if reply := checkTime(q.Get("st"), q.Get("se")); reply != nil {
		return reply
	}
	list := what == "list"
	switch {
	case list && q.Has("sr"):
		reply = unauthenticated("srt is mandatory. Cannot be empty")
	case q.Has("ss") && !strings.Contains(q.Get("ss"), "b"):
		reply = refusal(http.StatusForbidden, "AuthorizationServiceMismatch")
	case q.Has("srt") && !strings.Contains(q.Get("srt"), map[bool]string{true: "s", false: "o"}[list]):
		reply = refusal(http.StatusForbidden, "AuthorizationResourceTypeMismatch")
	case q.Has("sp") && !strings.ContainsAny(q.Get("sp"), map[bool]string{true: "l", false: "wc"}[list]):
		reply = refusal(http.StatusForbidden, "AuthorizationPermissionMismatch")
	case q.Has("sip"):
		reply = refusal(http.StatusForbidden, "AuthorizationSourceIPMismatch")
		reply.Body = strings.Replace(reply.Body, "</Error>", "<SourceIP>203.0.113.7</SourceIP></Error>", 1)
	default:
		return nil
	}
	return &reply
}

// checkTime checks the start and the expiry.
func checkTime(from, to string) *actiontest.Reply {
	now, gmt := time.Now().UTC(), func(t time.Time) string { return "[" + t.UTC().Format(http.TimeFormat) + "]" }
	start, _ := time.Parse(time.RFC3339, from)
	expiry, err := time.Parse(time.RFC3339, to)
	var reply actiontest.Reply
	switch {
	case err != nil:
		return nil
	case from == "" && expiry.Before(now):
		reply = unauthenticated("Signed expiry time " + gmt(expiry) + " must be after signed start time " + gmt(now))
	case !start.IsZero() && expiry.Before(start):
		reply = unauthenticated("Signed expiry time " + gmt(expiry) + " must be after signed start time " + gmt(start))
	case expiry.Before(now), start.After(now):
		reply = unauthenticated("Signature not valid in the specified time frame: Start " + gmt(start) + " - Expiry " + gmt(expiry) + " - Current " + gmt(now))
	default:
		return nil
	}
	return &reply
}

// signIn gives the pod a token for its own.
func (f *fake) signIn(r actiontest.Recorded) actiontest.Reply {
	f.calls["sign-in"]++
	if f.fail != nil {
		if reply := f.fail("sign-in", f.calls["sign-in"]); reply != nil {
			return *reply
		}
	}
	form, err := url.ParseQuery(string(r.Body))
	want := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {"client"}, "scope": {"https://storage.azure.com/.default"},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {"pod's token"},
	}
	if err != nil || r.Path != "/tenant/oauth2/v2.0/token" || form.Encode() != want.Encode() {
		return actiontest.Reply{Status: http.StatusBadRequest, Header: map[string]string{"Content-Type": "application/json"}, Body: `{"error":"invalid_grant","error_description":"quotes ` + accountKey + `"}`}
	}
	return actiontest.Reply{Header: map[string]string{"Content-Type": "application/json"}, Body: `{"access_token":"azure's","token_type":"Bearer","expires_in":3599}`}
}

// list gives two containers a page.
func (f *fake) list(marker string) actiontest.Reply {
	from := max(0, slices.Index(f.containers, marker))
	to := min(from+2, len(f.containers))
	var b strings.Builder
	b.WriteString("<EnumerationResults><Containers>")
	for _, c := range f.containers[from:to] {
		b.WriteString("<Container><Name>" + c + "</Name></Container>")
	}
	b.WriteString("</Containers><NextMarker>")
	if to < len(f.containers) {
		b.WriteString(f.containers[to])
	}
	b.WriteString("</NextMarker></EnumerationResults>")
	return actiontest.Reply{Header: map[string]string{"Content-Type": "application/xml"}, Body: b.String()}
}

func (f *fake) commit(name string, r actiontest.Recorded) actiontest.Reply {
	var list struct {
		IDs []string `xml:"Latest"`
	}
	if err := xml.Unmarshal(r.Body, &list); err != nil {
		return refusal(http.StatusBadRequest, "InvalidXmlDocument")
	}
	var whole strings.Builder
	for _, id := range list.IDs {
		block, ok := f.blocks[name+" "+id]
		if !ok {
			return refusal(http.StatusBadRequest, "InvalidBlockList")
		}
		whole.WriteString(block)
	}
	f.blobs[name], f.types[name] = whole.String(), r.Header.Get("x-ms-blob-content-type")
	return actiontest.Reply{Status: http.StatusCreated}
}

// signed checks the signature of a shared key:
// https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key
func signed(r actiontest.Recorded) bool {
	if r.Header.Get("Authorization") == "Bearer azure's" {
		return true
	}
	length := r.Header.Get("Content-Length")
	if length == "0" {
		length = ""
	}
	lines := []string{r.Method, r.Header.Get("Content-Encoding"), r.Header.Get("Content-Language"), length}
	for _, h := range []string{"Content-MD5", "Content-Type", "Date", "If-Modified-Since", "If-Match", "If-None-Match", "If-Unmodified-Since", "Range"} {
		lines = append(lines, r.Header.Get(h))
	}
	for _, h := range slices.Sorted(maps.Keys(r.Header)) {
		if strings.HasPrefix(h, "X-Ms-") {
			lines = append(lines, strings.ToLower(h)+":"+r.Header.Get(h))
		}
	}
	resource := "/" + account + r.Path
	for _, q := range slices.Sorted(maps.Keys(r.Query)) {
		resource += "\n" + q + ":" + strings.Join(r.Query[q], ",")
	}
	key, _ := base64.StdEncoding.DecodeString(accountKey)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(strings.Join(append(lines, resource), "\n")))
	return r.Header.Get("Authorization") == fmt.Sprintf("SharedKey %s:%s", account, base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

// digest makes long texts comparable.
func digest(text string) string {
	return fmt.Sprintf("%d bytes, %x", len(text), md5.Sum([]byte(text)))
}
