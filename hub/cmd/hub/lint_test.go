package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const echo = `apiVersion: hub.integrationhub.dev/v1alpha1
kind: HTTPIntegration
metadata:
  name: echo
spec:
  label: Echo
  form:
    - name: greeting
      label: Greeting
      default: Hello
  request:
    url: INBOX/echo
    body:
      json:
        text: ${form.greeting} from ${plan.title}
        rows: ${rows.map(r, r.name)}
`

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Problems have the file, the line and the field, and a status for scripts.
func TestLint(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "good.yaml"), filepath.Join(dir, "bad.yml")
	write(t, good, strings.Replace(echo, "INBOX", "https://example.com", 1))
	write(t, bad, strings.NewReplacer("INBOX", "https://example.com", "form.greeting", "form.greting", "rows.map", "rws.map").Replace(echo))
	for args, want := range map[string]result{
		"lint " + good:               {Out: "Files checked: 1. No problems.\n"},
		"lint ../../custom/examples": {Out: "Files checked: 6. No problems.\n"},
		"lint " + good + " " + good:  {Out: good + ":5: spec.name: The name custom_echo is already used by " + good + ".\n", Status: exitFailed},
		"lint " + dir: {Out: bad + ":15: spec.request.body.json.text: There is no form.greting, did you mean greeting?\n" +
			bad + ":16: spec.request.body.json.rows: The expression is not valid: undeclared reference to 'rws' (in container ''), did you mean rows?\n", Status: exitFailed},
		"lint":                {Err: "hub: FILE is missing: pass a file or a folder with HTTPIntegrations\nRun 'hub lint --help' for usage.\n", Status: exitUsage},
		"lint " + dir + "/no": {Err: "hub: no such file or folder: " + dir + "/no\n", Status: exitFailed},
	} {
		if got := runHub(t, nil, "", strings.Fields(args)...); got != want {
			t.Errorf("hub %s: got %+v, want %+v", args, got, want)
		}
	}
	if got := runHub(t, nil, "", "lint", "--schema"); !strings.HasPrefix(got.Out, "{") || !strings.Contains(got.Out, `"HTTPIntegration"`) {
		t.Errorf("the schema: %+v", got)
	}
}

// The requests of a sample are shown, and what fails for it is a problem with its line.
func TestLintSample(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "echo.yaml")
	save := func(sample string) { write(t, file, strings.Replace(echo, "INBOX", "https://example.com", 1)+sample) }

	save("")
	want := result{Out: file + ": No requests to show. Add spec.sample.\nFiles checked: 1. No problems.\n"}
	if got := runHub(t, nil, "", "lint", "--show-requests", file); got != want {
		t.Errorf("without a sample: got %+v, want %+v", got, want)
	}

	save("  sample:\n    form: {greeting: Hi}\n    columns:\n      - {name: users.email, values: [a@example.com]}\n")
	want = result{Out: "# " + file + ": spec.request\nPOST https://example.com/echo\nContent-Type: application/json\n\n" +
		`{"text":"Hi from Sample","rows":[{"users.email":"a@example.com"}]}` + "\n\nFiles checked: 1. No problems.\n"}
	if got := runHub(t, nil, "", "lint", "--show-requests", file); got != want {
		t.Errorf("with a sample: got %+v, want %+v", got, want)
	}
	if got := runHub(t, nil, "", "lint", file); got.Out != "Files checked: 1. No problems.\n" {
		t.Errorf("without --show-requests: got %+v", got)
	}

	save("  sample:\n    form: {greting: Hi}\n    columns:\n      - {name: users.email, values: [a@example.com]}\n")
	want = result{Out: file + ":18: spec.sample.form.greting: There is no greting in spec.form, did you mean greeting?\n", Status: exitFailed}
	if got := runHub(t, nil, "", "lint", "--show-requests", file); got != want {
		t.Errorf("with a typo: got %+v, want %+v", got, want)
	}
}

var update = flag.Bool("update", false, "write testdata/example-requests.txt anew")

// Each example has a sample, whose requests are as reviewed.
func TestExampleRequests(t *testing.T) {
	t.Parallel()
	const golden = "testdata/example-requests.txt"
	files, err := filepath.Glob("../../custom/examples/*.yaml")
	if err != nil || len(files) != 6 {
		t.Fatalf("%d examples, want 6: %v", len(files), err)
	}
	got := runHub(t, nil, "", "lint", "--show-requests", "../../custom/examples")
	if got.Status != 0 || got.Err != "" {
		t.Fatalf("hub lint: %+v", got)
	}
	for _, file := range files {
		if !strings.Contains(got.Out, "# "+file+": spec.request\n") {
			t.Errorf("%s has no sample that makes its request", file)
		}
	}
	if *update {
		write(t, golden, got.Out)
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.Out); diff != "" {
		t.Errorf("requests, to be written anew with -update (-want +got):\n%s", diff)
	}
}

// A development hub offers the integrations of a folder, and reloads them when they are saved.
func TestDevIntegrations(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := startDevHub(t, map[string]string{"ACTION_HUB_INTEGRATIONS_DIR": dir})
	file := filepath.Join(dir, "echo.yaml")
	// Written aside and renamed, as editors do.
	save := func(text string) {
		t.Helper()
		write(t, file+".new", text)
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	save(strings.Replace(echo, "INBOX", h.env["HUB_INBOX"], 1))
	form := func(want string) {
		t.Helper()
		var got result
		for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
			if got = runHub(t, h.env, "", "form", "custom_echo"); strings.Contains(got.Out, want) {
				return
			}
		}
		t.Fatalf("the form lacks %q: %+v", want, got)
	}
	form("Hello")
	detail := `{"fields":{"dimensions":[{"name":"users.email"}]},"data":[{"users.email":{"value":"a@example.com"}}]}`
	if got := runHub(t, h.env, detail, "send", "custom_echo", "--data", "-", "--field", "greeting=Hi", "--title", "Me"); got.Status != 0 {
		t.Errorf("hub send: %+v", got)
	}
	if got, want := runHub(t, h.env, "", "inbox", "show", "--body").Out, `{"text":"Hi from Me","rows":[{"users.email":"a@example.com"}]}`; got != want {
		t.Errorf("arrived as %s, want %s", got, want)
	}
	save(strings.NewReplacer("INBOX", h.env["HUB_INBOX"], "default: Hello", "default: Good day").Replace(echo))
	form("Good day")
}
