package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// writeCases writes files of cases, and returns their folder.
func writeCases(t *testing.T, files map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// A case delivers like Looker, whichever way the data takes. Its secrets come from the environment and
// from files.
func TestConsoleRun(t *testing.T) {
	t.Parallel()
	h := startDevHub(t, nil, "--allow-loopback")
	folder := writeCases(t, map[string]string{
		"push.yaml": `
integration: webhook
params: {method: PUT, signing_secret: {env: SIGNING_SECRET}}
form: {url: {file: url}}
format: csv
data: {file: result.csv}
`,
		"download.yaml": `
integration: webhook
form: {url: {file: url}}
format: json_detail
data: {sample: 3}
download: url
force: true
`,
		"refused.yaml": `
integration: tray
form: {url: "https://example.com"}
format: json_detail
data: {sample: 1}
expect: {success: false, message: Incorrect domain, validationErrors: [url]}
`,
		"url":        h.env["HUB_INBOX"] + "/case\n",
		"result.csv": "a,b\n1,2\n",
	})
	env := maps.Clone(h.env)
	env["SIGNING_SECRET"] = "whsec_" + strings.Repeat("QUJD", 8)
	for name, want := range map[string]string{
		"push.yaml": "PASS", "download.yaml": "PASS", "refused.yaml": "Incorrect domain for url.",
	} {
		got := runHub(t, env, "", "console", "run", filepath.Join(folder, name))
		if got.Status != 0 || !strings.HasPrefix(got.Out, "PASS ") || !strings.Contains(got.Out, want) || got.Err != "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
	inbox := runHub(t, h.env, "", "inbox")
	for _, want := range []string{"PUT /case", "POST /case"} {
		if !strings.Contains(inbox.Out, want) {
			t.Errorf("the inbox lacks %q: %s", want, inbox.Out)
		}
	}
}

// A case that does not end as it should has the exit status 1, and says what is wrong, without secrets.
func TestConsoleRunFails(t *testing.T) {
	t.Parallel()
	h := startDevHub(t, nil)
	const head = "format: json_detail\ndata: {sample: 1}\n"
	files := map[string]struct{ text, want string }{
		"expected.yaml":  {head + "integration: tray\nform: {url: 'https://example.com'}\n", `success is false, want true`},
		"message.yaml":   {head + "integration: tray\nform: {url: 'https://example.com'}\nexpect: {success: false, message: other}\n", `does not contain "other"`},
		"errors.yaml":    {head + "integration: tray\nform: {url: 'https://example.com'}\nexpect: {success: false, validationErrors: [x]}\n", `the validation errors are at ["url"], want ["x"]`},
		"integration":    {head + "integration: trai\n", "the hub has no integration trai, did you mean tray?"},
		"param.yaml":     {head + "integration: slack\nparams: {slack_api_tokn: x}\n", "slack has no param slack_api_tokn, did you mean slack_api_token?"},
		"field.yaml":     {head + "integration: tray\nform: {url: 'https://x', ulr: x}\n", "the form has no field ulr, did you mean url?"},
		"required.yaml":  {head + "integration: tray\n", "required form fields have no value: Tray Webhook URL"},
		"unset.yaml":     {head + "integration: tray\nform: {url: {env: NOT_SET_HERE}}\n", "the environment variable NOT_SET_HERE is not set"},
		"no-file.yaml":   {head + "integration: tray\nform: {url: {file: nope}}\n", "no such file or directory"},
		"no-data.yaml":   {"integration: tray\nformat: json\ndata: {file: nope}\nform: {url: 'https://example.com'}\n", "opening the data"},
		"format.yaml":    {"integration: tray\nformat: xlsx\ndata: {sample: 1}\nform: {url: 'https://example.com'}\n", "Looker did not run the action: the integration supports the formats"},
		"unknown.yaml":   {head + "integration: tray\nfrom: {}\n", "field from not found"},
		"empty.yaml":     {"", "the case is empty"},
		"twice.yaml":     {head + "integration: tray\n---\n" + head, "one case"},
		"two-data.yaml":  {"integration: tray\nformat: json\ndata: {sample: 1, file: x}\n", "one of sample, file and value"},
		"value.yaml":     {head + "integration: tray\nparams: {a: {env: A, file: B}}\n", "line 4: a value must be text, {env: NAME} or {file: PATH}"},
		"cell.yaml":      {head + "integration: tray\ntype: cell\n", "if, and only if, the type is cell"},
		"rows.yaml":      {"integration: tray\nformat: json\ndata: {sample: -1}\n", "between 0 and 100000 rows"},
		"no-format.yaml": {"integration: tray\ndata: {sample: 1}\n", "the case has no format"},
		"nameless.yaml":  {head, "the case has no integration"},
		"list.yaml":      {"- a\n", "the case is not valid"},
	}
	texts := map[string]string{}
	for name, f := range files {
		texts[name] = f.text
	}
	folder := writeCases(t, texts)
	for name, f := range files {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(folder, name)
			got := runHub(t, h.env, "", "console", "run", file)
			if got.Status != exitFailed || !strings.HasPrefix(got.Out, "FAIL "+file) || !strings.Contains(got.Out, f.want) || got.Err != "" {
				t.Errorf("got %+v, want %q", got, f.want)
			}
		})
	}
}

// Programs read one JSON document for each case. The answer has no secrets.
func TestConsoleRunJSON(t *testing.T) {
	t.Parallel()
	h := startDevHub(t, nil, "--allow-loopback")
	folder := writeCases(t, map[string]string{"case.yaml": "integration: webhook\nformat: json\ndata: {sample: 1}\nform: {url: '" + h.env["HUB_INBOX"] + "'}\n"})
	got := runHub(t, h.env, "", "console", "run", filepath.Join(folder, "case.yaml"), "-o", "json")
	var result caseResult
	if err := json.Unmarshal([]byte(got.Out), &result); err != nil || got.Status != 0 || !result.Result.Success || result.Result.WebhookID == "" {
		t.Errorf("%+v, %v", got, err)
	}
}

// The console is for this machine only, and needs a hub that it can call.
func TestConsoleUsage(t *testing.T) {
	t.Parallel()
	h := startDevHub(t, nil, "--allow-loopback")
	folder := writeCases(t, map[string]string{"case.yaml": "integration: webhook\nformat: json\ndata: {sample: 1}\nform: {url: '" + h.env["HUB_INBOX"] + "'}\n", "token": "wrong/token\n"})
	file := filepath.Join(folder, "case.yaml")
	with := func(name, value string) map[string]string {
		env := maps.Clone(h.env)
		env[name] = value
		return env
	}
	for name, tt := range map[string]struct {
		env  map[string]string
		args []string
		want string
	}{
		"every address":     {h.env, []string{"--listen", "0.0.0.0:0"}, "0.0.0.0 is reachable from other machines"},
		"every IPv6":        {h.env, []string{"--listen", "[::]:0"}, ":: is reachable from other machines"},
		"an empty host":     {h.env, []string{"--listen", ":0"}, "is not an address of this machine"},
		"another machine":   {h.env, []string{"--listen", "192.0.2.1:0"}, "192.0.2.1 is reachable from other machines"},
		"no port":           {h.env, []string{"--listen", "localhost"}, "is not host:port"},
		"no token":          {with("HUB_TOKEN", ""), nil, "no token: set HUB_TOKEN or --token-file"},
		"no token file":     {h.env, []string{"--token-file", "/nope"}, "--token-file: no such file: /nope"},
		"no hub":            {with("HUB_URL", ""), nil, "no hub: set HUB_URL or --url"},
		"a wrong version":   {h.env, []string{"--looker", "x"}, `"x" is not a version of Looker`},
		"a wrong URL":       {h.env, []string{"--public-url", "x"}, "the simulator's URL must start with"},
		"no case":           {h.env, nil, "FILE is missing"},
		"an unknown flag":   {h.env, []string{"--insecur"}, "did you mean --insecure?"},
		"a wrong token":     {h.env, []string{"--token-file", filepath.Join(folder, "token")}, "returned status 403"},
		"an unknown CA":     {with("HUB_CA_FILE", ""), nil, "issued by an authority that this machine does not trust"},
		"another base URL":  {with("HUB_URL", strings.Replace(h.env["HUB_URL"], "localhost", "127.0.0.1", 1)), nil, "set HUB_URL to the hub's base URL"},
		"a hub that is not": {with("HUB_URL", "https://localhost:1"), nil, "nothing is listening at localhost:1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"console", "run"}, tt.args...)
			if name != "no case" {
				args = append(args, file)
			}
			got := runHub(t, tt.env, "", args...)
			if got.Status == 0 || !strings.Contains(got.Out+got.Err, tt.want) {
				t.Errorf("got %+v, want %q", got, tt.want)
			}
		})
	}
	insecure := runHub(t, with("HUB_CA_FILE", ""), "", "console", "run", "--insecure", file)
	if insecure.Status != 0 || !strings.HasPrefix(insecure.Out, "PASS ") {
		t.Errorf("--insecure: %+v", insecure)
	}
}

// The console prints where it is, serves its page there, and stops when it is interrupted.
func TestConsole(t *testing.T) {
	t.Parallel()
	h := startDevHub(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	greeted := &firstWrite{done: make(chan struct{})}
	var stderr bytes.Buffer
	status := make(chan int, 1)
	go func() {
		status <- run(ctx, []string{"console", "--listen", "127.0.0.1:0"}, process{out: greeted, err: &stderr, env: h.env})
		greeted.once.Do(func() { close(greeted.done) })
	}()
	<-greeted.done
	address := regexp.MustCompile(`http://(127\.0\.0\.1:\d+)/\w{26}/`).FindStringSubmatch(greeted.text)
	if address == nil {
		t.Fatalf("the console printed %q, %s", greeted.text, stderr.String())
	}
	for path, want := range map[string]string{"": "Development hub", "integrations/tray": "Tray Webhook URL", "console.css": ".field", "base.css": ".panel", "console.js": "filter"} {
		res, err := http.Get(address[0] + path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || res.StatusCode != http.StatusOK || !strings.Contains(string(text), want) {
			t.Errorf("%s: %d, %v, want %q:\n%s", path, res.StatusCode, err, want, text)
		}
	}
	second := runHub(t, h.env, "", "console", "--listen", address[1])
	if second.Status != exitFailed || !strings.Contains(second.Err, "is in use by another program") {
		t.Errorf("a second console at the same address: %+v", second)
	}
	cancel()
	if got := <-status; got != 0 {
		t.Errorf("the console ended with %d: %s", got, stderr.String())
	}
}
