package googlecloudstorage_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"hash/crc32"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/googlecloudstorage"
)

const email = "hub@project.iam.gserviceaccount.com"

// key is the account's private key, which is made once: it takes a while.
var key = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

func pemKey() string {
	der, err := x509.MarshalPKCS8PrivateKey(key())
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// stored is an object.
type stored struct {
	Body, Type, Encoding string
}

// session is a resumable upload that is under way, or over.
type session struct {
	name    string
	object  stored
	onlyNew bool
	over    bool
}

// fake is as much of Cloud Storage as the integration uses. It checks every sign-in, and shows
// an object only once it is complete and its checksum is right.
type fake struct {
	buckets []string
	// before answers in place of the fake, after once the call did its work; n counts the
	// calls of a kind from 1. The kinds are token, list, begin, piece, status, cancel, delete.
	before, after func(what string, n int) *actiontest.Reply
	// accept is how much of the next piece arrives; 0 means all.
	accept int
	// lie is added to the reported checksums.
	lie string

	objects  map[string]stored
	sessions map[string]*session
	calls    map[string]int
}

func newFake(buckets ...string) *fake {
	return &fake{buckets: buckets, objects: map[string]stored{}, sessions: map[string]*session{}, calls: map[string]int{}}
}

func (f *fake) start(t *testing.T, env map[string]string) action.Integration {
	t.Helper()
	d := actiontest.NewDestination(t).Handle(f.serve)
	i := actiontest.New(t, googlecloudstorage.New, actiontest.Deps(t, d, env))
	googlecloudstorage.Small(i)
	return i
}

// open counts the uploads that are neither over nor taken back.
func (f *fake) open() int {
	n := 0
	for _, s := range f.sessions {
		if !s.over {
			n++
		}
	}
	return n
}

func answer(status int, v any) actiontest.Reply {
	body, err := json.Marshal(v)
	if err != nil {
		return actiontest.Reply{Status: http.StatusInternalServerError}
	}
	return actiontest.Reply{Status: status, Header: map[string]string{"Content-Type": "application/json"}, Body: string(body)}
}

func refusal(status int, message string) actiontest.Reply {
	return answer(status, map[string]any{"error": map[string]any{"code": status, "message": message}})
}

func (f *fake) serve(r actiontest.Recorded) actiontest.Reply {
	what, do := f.route(r)
	if what != "token" && r.Header.Get("Authorization") != "Bearer access" {
		return refusal(http.StatusUnauthorized, "Invalid Credentials")
	}
	f.calls[what]++
	n := f.calls[what]
	if f.before != nil {
		if reply := f.before(what, n); reply != nil {
			return *reply
		}
	}
	reply := do(r)
	if f.after != nil {
		if other := f.after(what, n); other != nil {
			return *other
		}
	}
	return reply
}

func (f *fake) route(r actiontest.Recorded) (what string, do func(actiontest.Recorded) actiontest.Reply) {
	storage := r.Host == "storage.googleapis.com"
	switch {
	case r.Host == "oauth2.googleapis.com" && r.Path == "/token":
		return "token", token
	case r.Host == "sts.googleapis.com":
		return "token", exchange
	case r.Host == "169.254.169.254":
		return "token", metadata
	case storage && r.Method == http.MethodGet && r.Path == "/storage/v1/b":
		return "list", f.list
	case storage && r.Method == http.MethodPost && strings.HasPrefix(r.Path, "/upload/storage/v1/b/"):
		return "begin", f.begin
	case storage && r.Method == http.MethodDelete && r.Query.Has("upload_id"):
		return "cancel", f.cancel
	case storage && r.Method == http.MethodDelete:
		return "delete", f.remove
	case storage && r.Method == http.MethodPut && len(r.Body) == 0:
		return "status", f.piece
	case storage && r.Method == http.MethodPut:
		return "piece", f.piece
	}
	return "other", func(actiontest.Recorded) actiontest.Reply { return refusal(http.StatusNotFound, "Not Found") }
}

// token checks a sign-in's signature (RFC 7523).
func token(r actiontest.Recorded) actiontest.Reply {
	form, _ := url.ParseQuery(string(r.Body))
	parts := strings.Split(form.Get("assertion"), ".")
	if len(parts) != 3 {
		return answer(http.StatusBadRequest, map[string]string{"error": "invalid_request"})
	}
	signature, _ := base64.RawURLEncoding.DecodeString(parts[2])
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	claims, _ := base64.RawURLEncoding.DecodeString(parts[1])
	var said struct{ Iss, Aud, Scope string }
	if json.Unmarshal(claims, &said) != nil || rsa.VerifyPKCS1v15(&key().PublicKey, crypto.SHA256, sum[:], signature) != nil ||
		said.Iss != email || said.Aud != "https://oauth2.googleapis.com/token" || said.Scope != "https://www.googleapis.com/auth/devstorage.read_write" {
		return answer(http.StatusBadRequest, map[string]string{"error": "invalid_grant", "error_description": "quotes " + pemKey()})
	}
	return answer(http.StatusOK, map[string]any{"access_token": "access", "token_type": "Bearer", "expires_in": 3599})
}

// exchange takes a workload's token for one of Google's (RFC 8693).
// metadata is Google's metadata server, which answers only those who know what it is.
func metadata(r actiontest.Recorded) actiontest.Reply {
	if r.Method != http.MethodGet || r.Path != "/computeMetadata/v1/instance/service-accounts/default/token" || r.Header.Get("Metadata-Flavor") != "Google" ||
		r.Query.Get("scopes") != "https://www.googleapis.com/auth/devstorage.read_write" || r.Header.Get("Authorization") != "" {
		return actiontest.Reply{Status: http.StatusForbidden}
	}
	return answer(http.StatusOK, map[string]any{"access_token": "access", "token_type": "Bearer", "expires_in": 3599})
}

func exchange(r actiontest.Recorded) actiontest.Reply {
	form, _ := url.ParseQuery(string(r.Body))
	if form.Get("subject_token") != "workload" || form.Get("audience") != "//iam.googleapis.com/pool" {
		return answer(http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
	}
	return answer(http.StatusOK, map[string]any{
		"access_token": "access", "token_type": "Bearer", "expires_in": 3599,
		"issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
	})
}

// list gives two buckets a page.
func (f *fake) list(r actiontest.Recorded) actiontest.Reply {
	if r.Query.Get("project") != "p1" {
		return refusal(http.StatusBadRequest, "Invalid argument.")
	}
	from, _ := strconv.Atoi(r.Query.Get("pageToken"))
	to := min(from+2, len(f.buckets))
	items := []map[string]string{}
	for _, b := range f.buckets[from:to] {
		items = append(items, map[string]string{"name": b})
	}
	page := map[string]any{"items": items}
	if to < len(f.buckets) {
		page["nextPageToken"] = strconv.Itoa(to)
	}
	return answer(http.StatusOK, page)
}

func (f *fake) begin(r actiontest.Recorded) actiontest.Reply {
	bucket, rest, _ := strings.Cut(strings.TrimPrefix(r.Path, "/upload/storage/v1/b/"), "/")
	var metadata struct{ ContentType, ContentEncoding string }
	if rest != "o" || r.Query.Get("uploadType") != "resumable" || r.Query.Get("name") == "" || json.Unmarshal(r.Body, &metadata) != nil ||
		r.Header.Get("X-Upload-Content-Type") != metadata.ContentType {
		return refusal(http.StatusBadRequest, "Bad Request")
	}
	if !slices.Contains(f.buckets, bucket) {
		return refusal(http.StatusNotFound, "The specified bucket does not exist.")
	}
	id := strconv.Itoa(len(f.sessions) + 1)
	f.sessions[id] = &session{
		name: bucket + "/" + r.Query.Get("name"), object: stored{Type: metadata.ContentType, Encoding: metadata.ContentEncoding},
		onlyNew: r.Query.Get("ifGenerationMatch") == "0",
	}
	return actiontest.Reply{Header: map[string]string{"Location": "https://storage.googleapis.com" + r.Path + "?uploadType=resumable&upload_id=" + id}}
}

func (f *fake) cancel(r actiontest.Recorded) actiontest.Reply {
	delete(f.sessions, r.Query.Get("upload_id"))
	return actiontest.Reply{Status: 499}
}

func (f *fake) remove(r actiontest.Recorded) actiontest.Reply {
	_, name, _ := strings.Cut(strings.TrimPrefix(r.Path, "/storage/v1/b/"), "/o/")
	name, _ = url.PathUnescape(name)
	for object := range f.objects {
		if strings.HasSuffix(object, "/"+name) && r.Query.Get("generation") == "7" {
			delete(f.objects, object)
		}
	}
	return actiontest.Reply{Status: http.StatusNoContent}
}

// piece takes "bytes 0-9/*" and "bytes 10-12/13", and tells where it is on "bytes */*".
func (f *fake) piece(r actiontest.Recorded) actiontest.Reply {
	s := f.sessions[r.Query.Get("upload_id")]
	switch {
	case s == nil:
		return refusal(http.StatusNotFound, "Not Found")
	case s.over:
		return f.made(s)
	}
	span, total, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Content-Range"), "bytes "), "/")
	whole := -1
	if total != "*" {
		whole, _ = strconv.Atoi(total)
	}
	if span != "*" {
		var from, to int
		if _, err := fmt.Sscanf(span, "%d-%d", &from, &to); err != nil || to-from+1 != len(r.Body) ||
			from != len(s.object.Body) || whole < 0 && (to+1)%googlecloudstorage.Piece != 0 {
			return refusal(http.StatusBadRequest, "The bytes do not fit: "+r.Header.Get("Content-Range"))
		}
		body := r.Body
		if f.accept > 0 && len(body) > f.accept {
			body, whole = body[:f.accept], -1
			f.accept = 0
		}
		s.object.Body += string(body)
	}
	if whole == len(s.object.Body) {
		return f.finish(s, r.Header.Get("X-Goog-Hash"))
	}
	header := map[string]string{}
	if n := len(s.object.Body); n > 0 {
		header["Range"] = fmt.Sprintf("bytes=0-%d", n-1)
	}
	return actiontest.Reply{Status: http.StatusPermanentRedirect, Header: header}
}

func sum(body string) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.Checksum([]byte(body), crc32.MakeTable(crc32.Castagnoli))))
}

func (f *fake) finish(s *session, hash string) actiontest.Reply {
	if _, there := f.objects[s.name]; there && s.onlyNew {
		return refusal(http.StatusPreconditionFailed, "At least one of the pre-conditions you specified did not hold.")
	}
	if hash != "crc32c="+sum(s.object.Body) {
		return refusal(http.StatusBadRequest, "Provided CRC32C does not match.")
	}
	f.objects[s.name], s.over = s.object, true
	return f.made(s)
}

func (f *fake) made(s *session) actiontest.Reply {
	return answer(http.StatusOK, map[string]string{
		"crc32c": sum(s.object.Body) + f.lie, "size": strconv.Itoa(len(s.object.Body)), "generation": "7",
	})
}
