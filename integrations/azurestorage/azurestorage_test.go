package azurestorage_test

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/azurestorage"
	"integrationhub.dev/integrations/internal/objectstore"
)

type answers = map[string]string

func params() answers { return answers{"account": account, "accessKey": accountKey} }

func form() answers { return answers{"container": "reports", "filename": "orders.csv"} }

// csv is a query whose result is n bytes long.
func csv(t *testing.T, form answers, n int) *action.Request {
	t.Helper()
	return actiontest.Inline(t, actiontest.Query(params(), form), "text/csv", "csv", []byte(text(n)))
}

func text(n int) string {
	var b strings.Builder
	for line := 0; b.Len() < n; line++ {
		fmt.Fprintf(&b, "%d,x\n", line)
	}
	return b.String()[:n]
}

const wrongKey = "The access key is not a key of this storage account. Check both in the action's settings in Looker."

func TestForm(t *testing.T) {
	t.Parallel()
	option := func(n string) action.Option { return action.Option{Name: n, Label: n} }
	for _, tt := range []struct {
		name  string
		fake  *fake
		key   string
		fail  func(string, int) *actiontest.Reply
		want  action.Field
		error string
	}{
		{
			name: "several pages", fake: newFake("a", "b", "reports"), key: accountKey,
			want: action.Field{
				Name: "container", Label: "Container", Type: action.Select, Required: true, Default: "a",
				Options: []action.Option{option("a"), option("b"), option("reports")},
			},
		},
		{
			name: "by signature", fake: newFake("a"), key: signature,
			want: action.Field{Name: "container", Label: "Container", Type: action.Select, Required: true, Default: "a", Options: []action.Option{option("a")}},
		},
		{
			name: "a signature that may not list", fake: newFake("a"), key: signature,
			fail: func(string, int) *actiontest.Reply { r := refusal(403, "AuthorizationResourceTypeMismatch"); return &r },
			want: action.Field{
				Name: "container", Label: "Container", Type: action.String, Required: true,
				Description: "The name of the container. The credentials are not allowed to list containers, so no list is available.",
			},
		},
		{
			name: "none", fake: newFake(), key: accountKey, want: action.Field{},
			error: "Create a container in your Azure account.",
		},
		{name: "another key", fake: newFake("a"), key: "YW5vdGhlcg==", want: action.Field{}, error: wrongKey},
		{
			name: "invalid key", fake: newFake("a"), key: "not base64!", want: action.Field{},
			error: "The provided Account Key is not a valid base64 string",
		},
		{
			name: "half a signature", fake: newFake("a"), key: "?sv=1&ss=b", want: action.Field{},
			error: "The provided shared access signature is not complete",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.fake.fail = tt.fail
			i := tt.fake.start(t)
			p := params()
			p["accessKey"] = tt.key
			got, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(p, nil))
			if tt.error != "" {
				if action.MessageOf(err) != tt.error || strings.Contains(err.Error(), accountKey) {
					t.Errorf("error %v, want %q", err, tt.error)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&action.Form{Fields: append([]action.Field{tt.want}, objectstore.Fields()...)}, got); diff != "" {
				t.Errorf("form (-want +got):\n%s", diff)
			}
		})
	}
}

// What arrives is what was sent, however many blocks it takes, and nothing else is there.
func TestWire(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		size  int
		calls map[string]int
	}{
		{1, map[string]int{"": 1}},
		{9, map[string]int{"": 1}},
		{10, map[string]int{"block": 1, "blocklist": 1}},
		{11, map[string]int{"block": 2, "blocklist": 1}},
		{40, map[string]int{"block": 4, "blocklist": 1}},
		{41, map[string]int{"block": 5, "blocklist": 1}},
		{100, map[string]int{"block": 7, "blocklist": 1}},
	} {
		t.Run(fmt.Sprint(tt.size), func(t *testing.T) {
			t.Parallel()
			f := newFake("reports")
			i := f.start(t)
			if _, err := i.Execute(t.Context(), csv(t, form(), tt.size)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(map[string]string{"reports/orders.csv": text(tt.size)}, f.blobs); diff != "" {
				t.Errorf("blobs (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.calls, f.calls); diff != "" || f.types["reports/orders.csv"] != "text/csv" {
				t.Errorf("type %q, calls (-want +got):\n%s", f.types["reports/orders.csv"], diff)
			}
		})
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for filename, want := range map[string]string{
		"": "reports/Orders by day.csv", "a b/ü&?.csv": "reports/a b/ü&?.csv", "../x": "", "x/": "", "a\x00b": "", strings.Repeat("x", 1025): "",
	} {
		f := newFake("reports")
		i := f.start(t)
		_, err := i.Execute(t.Context(), csv(t, answers{"container": "reports", "filename": filename}, 5))
		names := slices.Collect(maps.Keys(f.blobs))
		if want == "" {
			if action.KindOf(err) != action.Invalid || len(names) > 0 {
				t.Errorf("%q: %v; wrote %q", filename, err, names)
			}
			continue
		}
		if err != nil || !slices.Equal(names, []string{want}) {
			t.Errorf("%q: %v; wrote %q, want %q", filename, err, names, want)
		}
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	once := func(what string, n int, r actiontest.Reply) func(string, int) *actiontest.Reply {
		return func(w string, count int) *actiontest.Reply {
			if w == what && count <= n {
				return &r
			}
			return nil
		}
	}
	const always = 1000
	for _, tt := range []struct {
		name    string
		size    int
		fail    func(string, int) *actiontest.Reply
		message string // none: the blob arrives
		kind    action.Kind
	}{
		{"busy for a moment", 5, once("", 2, refusal(503, "ServerBusy")), "", 0},
		{"a block resets", 30, once("block", 1, actiontest.Reply{Reset: true}), "", 0},
		{"the list of blocks fails once", 30, once("blocklist", 1, refusal(500, "InternalError")), "", 0},
		{"busy for good", 5, once("", always, refusal(503, "ServerBusy")), "Azure Storage is throttling requests. Try again later.", action.RateLimited},
		{"unavailable", 30, once("block", always, actiontest.Reply{Status: 500}), "Azure Storage returned 500 Internal Server Error.", action.Unavailable},
		{"the list of blocks fails", 30, once("blocklist", always, refusal(400, "InvalidBlockList")), "Azure Storage returned 400 InvalidBlockList.", action.Invalid},
		{"gone in between", 30, once("block", always, refusal(404, "ContainerNotFound")), "The container does not exist.", action.NotFound},
		{"no permission", 5, once("", always, refusal(403, "AuthorizationPermissionMismatch")), "Azure Storage denied access. The credentials need the permission to create and write blobs.", action.Forbidden},
		{"no keys allowed", 5, once("", always, refusal(403, "KeyBasedAuthenticationNotPermitted")), "The storage account does not allow access by key.", action.Forbidden},
		{"protected", 5, once("", always, refusal(409, "BlobImmutableDueToPolicy")), "A blob with this name exists and is protected.", action.Invalid},
		{"reset for good", 5, once("", always, actiontest.Reply{Reset: true}), "The connection to Azure Storage failed.", action.Unavailable},
		{"an answer that is none", 5, once("", always, actiontest.Reply{Status: 302}), "Unexpected response from Azure Storage.", action.Unavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake("reports")
			f.fail = tt.fail
			i := f.start(t)
			_, err := i.Execute(t.Context(), csv(t, form(), tt.size))
			if tt.message == "" {
				if err != nil || f.blobs["reports/orders.csv"] != text(tt.size) {
					t.Errorf("%v; %s arrived", err, digest(f.blobs["reports/orders.csv"]))
				}
				return
			}
			checkRefused(t, err, tt.kind, tt.message)
			if len(f.blobs) > 0 {
				t.Errorf("blobs %v", f.blobs)
			}
		})
	}
}

// What is there already is replaced, left beside, or kept, as the user chose.
func TestOverwrite(t *testing.T) {
	t.Parallel()
	const exists = "A file with this name already exists."
	for _, tt := range []struct {
		answer, error string
		replaced      bool
		blobs         int
	}{{"yes", "", true, 1}, {"no", "", false, 2}, {"fail", exists, false, 1}} {
		for _, size := range []int{5, 55} {
			f := newFake("reports")
			f.blobs["reports/orders.csv"] = "yesterday's"
			i := f.start(t)
			answers := form()
			answers["overwrite"] = tt.answer
			_, err := i.Execute(t.Context(), csv(t, answers, size))
			if err != nil && action.MessageOf(err) != tt.error || (err == nil) != (tt.error == "") {
				t.Errorf("%s: error %v, want %q", tt.answer, err, tt.error)
			}
			if replaced := f.blobs["reports/orders.csv"] != "yesterday's"; replaced != tt.replaced || len(f.blobs) != tt.blobs {
				t.Errorf("%s: blobs %v", tt.answer, f.blobs)
			}
		}
	}
	// A response was lost: the blob exists, but it may be from another delivery.
	for what, size := range map[string]int{"": 5, "blocklist": 55} {
		f := newFake("reports")
		f.lose = what
		i := f.start(t)
		answers := form()
		answers["overwrite"] = "fail"
		_, err := i.Execute(t.Context(), csv(t, answers, size))
		if action.MessageOf(err) != exists+" It may be from this delivery. Check before retrying." || f.blobs["reports/orders.csv"] != text(size) {
			t.Errorf("error %v; blobs %v", err, f.blobs)
		}
	}
}

// The hub acts as its pod where Looker has no key.
func TestPodIdentity(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("pod's token"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := answers{"AZURE_STORAGE_POD_IDENTITY": "true", "AZURE_CLIENT_ID": "client", "AZURE_TENANT_ID": "tenant", "AZURE_FEDERATED_TOKEN_FILE": file}
	change := func(a answers, key, value string) answers { a = maps.Clone(a); a[key] = value; return a }
	const refused = "Azure does not accept the hub's own identity. The hub's administrator must check its federated credential."
	for name, tt := range map[string]struct {
		env     answers
		key     string
		fail    func(string, int) *actiontest.Reply
		signIns int
		kind    action.Kind
		message string
	}{
		"the pod":                       {env: env, signIns: 1},
		"the pod, but Looker has a key": {env: env, key: accountKey},
		"no key and no pod":             {kind: action.Invalid, message: `"accessKey" is required.`},
		"another pod": {
			env: change(env, "AZURE_CLIENT_ID", "other"), signIns: 1, kind: action.Unauthenticated,
			message: refused,
		},
		"no token": {
			env: change(env, "AZURE_FEDERATED_TOKEN_FILE", "/nothing"), kind: action.Internal, message: refused,
		},
		"temporarily unavailable": {
			env: env,
			fail: func(what string, n int) *actiontest.Reply {
				if what != "sign-in" || n > 1 {
					return nil
				}
				return &actiontest.Reply{Status: 503}
			},
			signIns: 2,
		},
		"a reset": {
			env: env, fail: func(string, int) *actiontest.Reply { return &actiontest.Reply{Reset: true} },
			signIns: 5, kind: action.Unavailable, message: "The connection to Microsoft Entra failed.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake("reports")
			f.fail = tt.fail
			i := actiontest.New(t, azurestorage.New, actiontest.Deps(t, actiontest.NewDestination(t).Handle(f.serve), tt.env))
			azurestorage.Quick(i, 10)
			req := csv(t, form(), 55)
			req.Params["accessKey"] = tt.key
			_, err := i.Execute(t.Context(), req)
			if f.calls["sign-in"] != tt.signIns {
				t.Errorf("%d sign-ins, want %d", f.calls["sign-in"], tt.signIns)
			}
			if tt.message == "" {
				if err != nil || f.blobs["reports/orders.csv"] != text(55) {
					t.Errorf("error %v", err)
				}
				return
			}
			checkRefused(t, err, tt.kind, tt.message)
			if len(f.blobs) > 0 {
				t.Errorf("blobs %v", f.blobs)
			}
		})
	}
	_, err := azurestorage.New(actiontest.Deps(t, nil, answers{"AZURE_STORAGE_POD_IDENTITY": "true"}))
	missing, ok := errors.AsType[*action.MissingSettingsError](err)
	if !ok || !slices.Equal(missing.Keys, []string{"AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_TENANT_ID"}) {
		t.Errorf("error %v", err)
	}
	for _, p := range actiontest.New(t, azurestorage.New, actiontest.Deps(t, nil, env)).Definition().Params {
		if p.Required != (p.Name == "account") {
			t.Errorf("%s: required %v", p.Name, p.Required)
		}
	}
}

func TestWithout(t *testing.T) {
	t.Parallel()
	change := func(a answers, key, value string) answers { a = maps.Clone(a); a[key] = value; return a }
	for name, tt := range map[string]struct {
		params, form answers
		message      string
	}{
		"a container":           {params(), change(form(), "container", ""), "Need Azure container."},
		"a container's name":    {params(), change(form(), "container", "a/../b"), `"container" must be the name of a container: 3 to 63 lowercase letters, digits and hyphens.`},
		"an account's name":     {change(params(), "account", "x.evil/"), form(), `"account" must be the name of a storage account: 3 to 24 lowercase letters and digits.`},
		"a container that is":   {params(), change(form(), "container", "missing"), "The container does not exist."},
		"the key of the hub's":  {change(params(), "accessKey", "YQ=="), form(), wrongKey},
		"an account for itself": {change(params(), "account", ""), form(), `"account" is required.`},
	} {
		f := newFake("reports")
		i := f.start(t)
		_, err := i.Execute(t.Context(), actiontest.Inline(t, actiontest.Query(tt.params, tt.form), "text/csv", "csv", []byte("a,b")))
		if action.MessageOf(err) != tt.message || len(f.blobs) > 0 {
			t.Errorf("without %s: %v, want %q; blobs %v", name, err, tt.message, f.blobs)
		}
	}
}

// Data that breaks off becomes no blob, and replaces none.
func TestBreaksOff(t *testing.T) {
	t.Parallel()
	for name, beginning := range map[string]string{"in the first block": "abc", "later": text(55)} {
		f := newFake("reports")
		f.blobs["reports/orders.csv"] = "yesterday's"
		i := f.start(t)
		_, err := i.Execute(t.Context(), actiontest.Download(t, actiontest.Query(params(), form()), actiontest.BrokenDownload(beginning)))
		if got := action.MessageOf(err); got != "The download from Looker ended before the data was complete." {
			t.Errorf("%s: error %q", name, got)
		}
		if got := f.blobs["reports/orders.csv"]; got != "yesterday's" {
			t.Errorf("%s: the blob is %q", name, got)
		}
		if n := f.calls["blocklist"]; n > 0 {
			t.Errorf("%s: %d lists of blocks were committed", name, n)
		}
	}
}

func TestGuarded(t *testing.T) {
	t.Parallel()
	deps := actiontest.Deps(t, nil, answers{"AZURE_STORAGE_ENDPOINT": "http://127.0.0.1:1/{account}"})
	deps.HTTP = outbound.NewClient(outbound.Options{})
	i := actiontest.New(t, azurestorage.New, deps)
	azurestorage.Quick(i, 10)
	if _, err := i.Execute(t.Context(), csv(t, form(), 5)); action.KindOf(err) != action.Forbidden {
		t.Errorf("error %v", err)
	}
	for _, bad := range []string{"", "ftp://{account}/", "https://blob.example.com", "https://u@{account}.example.com", "https://{account}.example.com?x"} {
		if _, err := azurestorage.New(action.Deps{Env: answers{"AZURE_STORAGE_ENDPOINT": bad}}); (err == nil) != (bad == "") {
			t.Errorf("the endpoint %q: %v", bad, err)
		}
	}
}

// Data past the last block's room is refused and leaves nothing.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	f := newFake("reports")
	i := f.start(t)
	_, err := i.Execute(t.Context(), csv(t, form(), 101))
	if action.KindOf(err) != action.TooLarge || len(f.blobs) > 0 {
		t.Errorf("error %v; blobs %v", err, f.blobs)
	}
}

// A destination that takes a call and never answers it is given up.
func TestLate(t *testing.T) {
	t.Parallel()
	for _, size := range []int{5, 2000} {
		req := csv(t, form(), size)
		deps := actiontest.Deps(t, nil, nil)
		deps.HTTP = actiontest.Late()
		i := actiontest.New(t, azurestorage.New, deps)
		azurestorage.Quick(i, 10)
		synctest.Test(t, func(t *testing.T) {
			_, err := i.Execute(t.Context(), req)
			if action.KindOf(err) != action.Timeout || action.MessageOf(err) != "Azure Storage did not respond in time." {
				t.Errorf("error %v (%v)", err, action.KindOf(err))
			}
		})
	}
}

// sink takes every call, and keeps nothing but the largest heap that it saw.
type sink struct {
	mu   sync.Mutex
	size int64
	heap uint64
}

func (s *sink) RoundTrip(r *http.Request) (*http.Response, error) {
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		return nil, err
	}
	_ = r.Body.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.size, s.heap = s.size+n, max(s.heap, actiontest.LiveHeap())
	return &http.Response{StatusCode: http.StatusCreated, Header: http.Header{}, Request: r, Body: http.NoBody}, nil
}

// Memory stays flat, whatever the size. Not parallel: other tests' memory would count.
func TestMemory(t *testing.T) {
	actiontest.Serial(t)
	const size = 400 << 20
	s := &sink{}
	deps := actiontest.Deps(t, nil, nil)
	deps.HTTP = &http.Client{Transport: s}
	i := actiontest.New(t, azurestorage.New, deps)
	zeros := make([]byte, 1<<20)
	req := actiontest.Download(t, actiontest.Query(params(), form()), func(w http.ResponseWriter, _ *http.Request) {
		for range size / len(zeros) {
			_, _ = w.Write(zeros)
		}
	})
	if _, err := i.Execute(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	if s.size < size || s.heap > 96<<20 {
		t.Errorf("%d bytes arrived; %d MiB were in use", s.size, s.heap>>20)
	}
}

// The administrator's list limits the form and the deliveries.
func TestAllowedContainers(t *testing.T) {
	t.Parallel()
	f := newFake("archive", "reports", "team-a")
	i := f.startWith(t, answers{"AZURE_STORAGE_ALLOWED_CONTAINERS": "reports,looker*/team-*,other/archive"})
	got, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(params(), nil))
	if err != nil {
		t.Fatal(err)
	}
	want := []action.Option{{Name: "reports", Label: "reports"}, {Name: "team-a", Label: "team-a"}}
	if diff := cmp.Diff(want, got.Fields[0].Options); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
	if _, err := i.Execute(t.Context(), csv(t, form(), 10)); err != nil {
		t.Errorf("a container of the list: %v", err)
	}
	clear(f.calls)
	_, err = i.Execute(t.Context(), csv(t, answers{"container": "archive", "filename": "orders.csv"}, 10))
	const message = "The hub's administrator does not allow writing to archive. Allowed: reports, team-*."
	if action.KindOf(err) != action.Forbidden || action.MessageOf(err) != message {
		t.Errorf("error %v, want %q", err, message)
	}
	if len(f.calls) > 0 {
		t.Errorf("Azure was called: %v", f.calls)
	}
	for _, list := range []string{"Reports", "reports,", "a/b/c", "UPPER/reports"} {
		if _, err := azurestorage.New(actiontest.Deps(t, nil, answers{"AZURE_STORAGE_ALLOWED_CONTAINERS": list})); err == nil {
			t.Errorf("%q is accepted", list)
		}
	}
}

// sas is a signature for the account, which may list, and the parameters that differ from it.
func sas(more answers) string {
	q := url.Values{"sv": {"2024-11-04"}, "ss": {"bf"}, "srt": {"sco"}, "sp": {"rwlc"}, "se": {"2099-01-01T00:00:00Z"}, "sig": {"s/1g="}}
	for key, value := range more {
		q.Set(key, value)
		if value == "" {
			q.Del(key)
		}
	}
	return q.Encode()
}

// containerSAS is a signature for a container.
func containerSAS(more answers) string {
	return sas(with(answers{"ss": "", "srt": "", "sr": "c"}, more))
}

func with(a, more answers) answers {
	a = maps.Clone(a)
	maps.Copy(a, more)
	return a
}

// What people paste for the account and its key.
func TestPasted(t *testing.T) {
	t.Parallel()
	const url = "https://" + account + ".blob.core.windows.net"
	connection := "DefaultEndpointsProtocol=https;AccountName=" + account + ";AccountKey=" + accountKey + ";EndpointSuffix=core.windows.net"
	const contradiction = "The connection string is for the storage account other, but the action's settings in Looker name looker1. Correct one of them."
	for name, tt := range map[string]struct {
		account, key string
		cloud        string
		env          answers
		message      string
	}{
		"connection string as the key":           {account, connection, "", nil, ""},
		"connection string as the account":       {connection, "", "", nil, ""},
		"connection string as both":              {connection, connection, "", nil, ""},
		"account and key":                        {connection, accountKey, "", nil, ""},
		"line breaks and quotes":                 {account, "\"DefaultEndpointsProtocol=https;\n AccountName=" + account + ";\r\nAccountKey=" + accountKey + ";\"\n", "", nil, ""},
		"other order and case":                   {account, "accountkey=" + accountKey + ";ACCOUNTNAME=" + account, "", nil, ""},
		"key with a line break":                  {account, accountKey[:8] + "\n" + accountKey[8:], "", nil, ""},
		"connection string with a signature":     {account, "BlobEndpoint=" + url + "/;QueueEndpoint=https://looker1.queue.core.windows.net/;SharedAccessSignature=" + sas(nil), "", nil, ""},
		"only a signature":                       {account, "SharedAccessSignature=?" + sas(nil), "", nil, ""},
		"signature":                              {account, sas(nil), "", nil, ""},
		"signature with a question mark":         {account, "?" + sas(nil), "", nil, ""},
		"signature as a URL":                     {account, url + "/?" + sas(nil), "", nil, ""},
		"signature for files as a URL":           {account, "https://looker1.file.core.windows.net/?" + sas(nil), "", nil, ""},
		"signature as the container's URL":       {account, url + "/reports?" + containerSAS(nil), "", nil, ""},
		"signature as the account":               {url + "/reports?" + containerSAS(nil), "", "", nil, ""},
		"signature from a page":                  {account, strings.ReplaceAll(sas(nil), "&", "&amp;"), "", nil, ""},
		"account as a URL":                       {url + "/", accountKey, "", nil, ""},
		"another cloud":                          {account, strings.Replace(connection, "core.windows.net", "core.chinacloudapi.cn", 1), "blob.core.chinacloudapi.cn", nil, ""},
		"another cloud's endpoint":               {account, "BlobEndpoint=https://looker1.z12.blob.storage.azure.net/;SharedAccessSignature=" + sas(nil), "z12.blob.storage.azure.net", nil, ""},
		"the administrator's endpoint":           {account, connection, "blob.example.com", answers{"AZURE_STORAGE_ENDPOINT": "https://{account}.blob.example.com"}, ""},
		"another account":                        {account, strings.Replace(connection, "AccountName="+account, "AccountName=other", 1), "", nil, contradiction},
		"another account's endpoint":             {account, "BlobEndpoint=https://other.blob.core.windows.net;SharedAccessSignature=" + sas(nil), "", nil, contradiction},
		"another account's URL":                  {account, "https://other.blob.core.windows.net/reports?" + containerSAS(nil), "", nil, strings.Replace(contradiction, "connection string", "shared access signature", 1)},
		"another container's URL":                {account, url + "/archive?" + containerSAS(nil), "", nil, "The shared access signature is for the container archive."},
		"connection string without a key":        {account, "DefaultEndpointsProtocol=https;AccountName=" + account, "", nil, "The connection string has neither an AccountKey nor a SharedAccessSignature."},
		"connection string without an account":   {"AccountKey=" + accountKey, "", "", nil, "The connection string has no storage account."},
		"connection string of the emulator":      {account, "UseDevelopmentStorage=true", "", nil, "The connection string has neither an AccountKey nor a SharedAccessSignature."},
		"connection string of another server":    {account, connection + ";BlobEndpoint=https://evil.example.com/" + account, "", nil, "The connection string's BlobEndpoint is not an address of Azure Storage. The hub's administrator can set AZURE_STORAGE_ENDPOINT for it."},
		"connection string with an invalid name": {"AccountName=evil.example/;AccountKey=" + accountKey, "", "", nil, `"account" must be the name of a storage account: 3 to 24 lowercase letters and digits.`},
		"connection string with an invalid key":  {account, "AccountName=" + account + ";AccountKey=secret!", "", nil, "The provided Account Key is not a valid base64 string"},
		"connection string that breaks off":      {account, "DefaultEndpointsProtocol=https;AccountNam", "", nil, "The connection string is not complete. Copy it again."},
		"another server's URL with a signature":  {"https://evil.example.com?" + sas(nil), "", "", nil, `"account" must be the name of a storage account: 3 to 24 lowercase letters and digits.`},
		"another server's URL as the account":    {"https://evil.example.com", accountKey, "", nil, `"account" must be the name of a storage account: 3 to 24 lowercase letters and digits.`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake("reports")
			f.cloud = tt.cloud
			i := f.startWith(t, tt.env)
			req := csv(t, form(), 55)
			req.Params = answers{"account": tt.account, "accessKey": tt.key}
			_, err := i.Execute(t.Context(), req)
			if tt.message == "" {
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(answers{"reports/orders.csv": text(55)}, f.blobs); diff != "" {
					t.Errorf("blobs (-want +got):\n%s", diff)
				}
				return
			}
			checkRefused(t, err, action.Invalid, tt.message)
			if len(f.calls) > 0 {
				t.Errorf("Azure was called: %v", f.calls)
			}
		})
	}
}

// checkRefused compares an error, which must not contain a secret.
func checkRefused(t *testing.T, err error, kind action.Kind, message string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %q", message)
	}
	if got := action.MessageOf(err); got != message {
		t.Errorf("message %q, want %q", got, message)
	}
	if got := action.KindOf(err); got != kind {
		t.Errorf("kind %v, want %v", got, kind)
	}
	for _, secret := range []string{accountKey, "s/1g=", "s%2F1g"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error contains a secret: %v", err)
		}
	}
}

// What is wrong with a signature is said.
func TestSignatureRefused(t *testing.T) {
	t.Parallel()
	const again = " Enter a new one in the action's settings in Looker."
	for name, tt := range map[string]struct {
		key     string
		env     answers
		kind    action.Kind
		message string
	}{
		"expired":                    {sas(answers{"se": "2022-08-31T00:00:00Z"}), nil, action.Unauthenticated, "The shared access signature expired on 2022-08-31 00:00 UTC." + again},
		"expired, with a start":      {sas(answers{"st": "2022-08-01T00:00:00Z", "se": "2022-08-31T12:30:00Z"}), nil, action.Unauthenticated, "The shared access signature expired on 2022-08-31 12:30 UTC." + again},
		"container's, expired":       {containerSAS(answers{"se": "2022-08-31T00:00:00Z"}), nil, action.Unauthenticated, "The shared access signature expired on 2022-08-31 00:00 UTC." + again},
		"not yet valid":              {sas(answers{"st": "2098-01-01T00:00:00Z"}), nil, action.Unauthenticated, "The shared access signature is not valid before 2098-01-01 00:00 UTC. Until then, use another one."},
		"expires before it starts":   {sas(answers{"st": "2099-01-02T00:00:00Z"}), nil, action.Unauthenticated, "The shared access signature expires before it is valid." + again},
		"another key's":              {sas(answers{"sig": "b3RoZXI="}), nil, action.Unauthenticated, "The shared access signature is not valid. It may be incomplete, for another resource, or signed with a replaced key." + again},
		"not for blobs":              {sas(answers{"ss": "fq"}), nil, action.Forbidden, "The shared access signature does not cover the blob service (ss=b)." + again},
		"not for objects":            {sas(answers{"srt": "sc"}), nil, action.Forbidden, "The shared access signature does not cover objects (srt=o)." + again},
		"may not write":              {sas(answers{"sp": "rl"}), nil, action.Forbidden, "The shared access signature does not allow creating and writing blobs (sp=cw)." + again},
		"container's, may not write": {containerSAS(answers{"sp": "rl"}), nil, action.Forbidden, "The shared access signature does not allow creating and writing blobs (sp=cw)." + again},
		"another IP address":         {sas(answers{"sip": "192.0.2.1"}), nil, action.Forbidden, "The shared access signature does not allow the hub's IP address (203.0.113.7)." + again},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake("reports")
			req := csv(t, form(), 5)
			req.Params["accessKey"] = tt.key
			_, err := f.start(t).Execute(t.Context(), req)
			checkRefused(t, err, tt.kind, tt.message)
		})
	}
}

// Details and codes that no signature in the fake leads to.
func TestRefusedDetails(t *testing.T) {
	t.Parallel()
	protocol := refusal(403, "AuthorizationProtocolMismatch")
	firewall := refusal(403, "AuthorizationFailure")
	code := func(status int, code string) actiontest.Reply { return refusal(status, code) }
	for name, tt := range map[string]struct {
		key     string
		reply   actiontest.Reply
		kind    action.Kind
		message string
	}{
		"protocol":                        {sas(nil), protocol, action.Forbidden, "The shared access signature allows only HTTPS (spr=https), and the hub's endpoint is not HTTPS."},
		"firewall":                        {accountKey, firewall, action.Forbidden, "Azure Storage denied access. The storage account's firewall may block the hub."},
		"permission with a key":           {accountKey, code(403, "AuthorizationPermissionMismatch"), action.Forbidden, "Azure Storage denied access. The credentials need the permission to create and write blobs."},
		"account permissions":             {accountKey, code(403, "InsufficientAccountPermissions"), action.Forbidden, "The storage account does not allow this operation."},
		"clock":                           {accountKey, unauthenticated("Request date header too old: 'Thu, 26 Nov 2026 15:00:00 GMT'"), action.Internal, "Azure Storage rejects the hub's requests because the hub's clock is wrong."},
		"no detail":                       {accountKey, code(403, "AuthenticationFailed"), action.Unauthenticated, wrongKey},
		"no detail, signature":            {sas(nil), code(403, "AuthenticationFailed"), action.Unauthenticated, "Azure Storage does not accept the shared access signature. Enter a new one in the action's settings in Looker."},
		"no detail, expired":              {sas(answers{"se": "2022-08-31"}), code(403, "AuthenticationFailed"), action.Unauthenticated, "The shared access signature expired on 2022-08-31 00:00 UTC. Enter a new one in the action's settings in Looker."},
		"a detail in words":               {sas(nil), unauthenticated("srt is mandatory. Cannot be empty"), action.Unauthenticated, "Azure Storage does not accept the shared access signature: srt is mandatory. Cannot be empty. Enter a new one in the action's settings in Looker."},
		"a detail that quotes":            {sas(nil), unauthenticated("Odd signature s/1g="), action.Unauthenticated, "Azure Storage does not accept the shared access signature. Enter a new one in the action's settings in Looker."},
		"a source that is not an address": {sas(nil), code(403, "AuthorizationSourceIPMismatch"), action.Forbidden, "The shared access signature does not allow the hub's IP address. Enter a new one in the action's settings in Looker."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(tt.reply)
			i := actiontest.New(t, azurestorage.New, actiontest.Deps(t, d, nil))
			azurestorage.Quick(i, 10)
			req := csv(t, form(), 5)
			req.Params["accessKey"] = tt.key
			_, err := i.Execute(t.Context(), req)
			checkRefused(t, err, tt.kind, tt.message)
		})
	}
}

// A signature that cannot list containers leads to a field for the container, without a call.
func TestFormWithoutList(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ key, container string }{
		"container's":           {containerSAS(nil), ""},
		"container's, as a URL": {"https://looker1.blob.core.windows.net/reports?" + containerSAS(nil), "reports"},
		"blob's":                {containerSAS(answers{"sr": "b"}), ""},
		"by a stored policy":    {containerSAS(answers{"sp": "", "se": "", "si": "policy"}), ""},
		"not for the service":   {sas(answers{"srt": "co"}), ""},
		"may not list":          {sas(answers{"sp": "wc"}), ""},
		"in a connection":       {"BlobEndpoint=https://looker1.blob.core.windows.net;SharedAccessSignature=" + containerSAS(nil), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake("reports")
			got, err := action.Resolve(f.start(t)).Form.Form(t.Context(), actiontest.Query(answers{"account": account, "accessKey": tt.key}, nil))
			if err != nil {
				t.Fatal(err)
			}
			want := action.Field{
				Name: "container", Label: "Container", Type: action.String, Required: true, Default: tt.container,
				Description: "The name of the container. The credentials are not allowed to list containers, so no list is available.",
			}
			if diff := cmp.Diff(want, got.Fields[0]); diff != "" {
				t.Errorf("field (-want +got):\n%s", diff)
			}
			if len(f.calls) > 0 {
				t.Errorf("Azure was called: %v", f.calls)
			}
		})
	}
	f := newFake("reports")
	_, err := action.Resolve(f.start(t)).Form.Form(t.Context(), actiontest.Query(answers{"account": account, "accessKey": sas(answers{"sip": "192.0.2.1"})}, nil))
	checkRefused(t, err, action.Forbidden, "The shared access signature does not allow the hub's IP address (203.0.113.7). Enter a new one in the action's settings in Looker.")
}
