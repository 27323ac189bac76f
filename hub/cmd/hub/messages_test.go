package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What goes wrong is said in one sentence, which names what to do.
func TestMessages(t *testing.T) {
	t.Parallel()
	h := startDevHub(t, nil)
	hidden := startDevHub(t, map[string]string{"ACTION_HUB_STATUS_PAGE": "false"})
	with := func(name, value string) map[string]string {
		env := maps.Clone(h.env)
		env[name] = value
		return env
	}
	for _, test := range []struct {
		name, args string
		env        map[string]string
		status     int
		want       string
	}{
		{"not configured", "form google_drive", h.env, exitFailed, "google_drive is not available: missing GOOGLE_DRIVE_CLIENT_ID, GOOGLE_DRIVE_CLIENT_SECRET"},
		{"not configured, send", "send google_drive --data -", h.env, exitFailed, "google_drive is not available: missing GOOGLE_DRIVE_CLIENT_ID, GOOGLE_DRIVE_CLIENT_SECRET"},
		{"no status page", "form google_drive", hidden.env, exitFailed, "google_drive is not available, and the hub gives no reason (see: hub list)"},
		{"unknown integration", "form slak", h.env, exitFailed, "there is no integration named slak, did you mean slack?"},
		{"old Looker", "form slack_app --looker 5.0.0", h.env, exitFailed, "slack_app is not available in Looker 5.0.0: try a newer version with --looker"},
		{"missing param", "form slack", h.env, exitFailed, "slack needs --param slack_api_token=… (Slack API Token)"},
		{"missing params, send", "send twilio_message --data -", h.env, exitFailed, "twilio_message needs --param accountSid=… (Account SID), --param authToken=… (Auth Token), --param from=… (Twilio Phone Number)"},
		{"unknown param", "form slack --param slack_api_tokn=x", h.env, exitUsage, "--param slack_api_tokn: slack has no setting slack_api_tokn, did you mean slack_api_token?"},
		{"unknown field", "send tray --data - --field ulr=x", h.env, exitUsage, "--field ulr: tray has no form field ulr, did you mean url?"},
		{"unknown field, far from any", "send tray --data - --field bucket=x", h.env, exitUsage, "--field bucket: tray has no form field bucket; it has url"},
		{"unsupported type", "form tray --type cell", h.env, exitUsage, "--type cell: tray takes query"},
		{"unknown type", "form tray --type table", h.env, exitUsage, "--type table: tray takes query"},
		{"wrong CA", "list", with("HUB_CA_FILE", hidden.env["HUB_CA_FILE"]), exitFailed, "the hub's certificate is not issued by an authority in " + hidden.env["HUB_CA_FILE"] + ": set HUB_CA_FILE to the authority that issued it"},
		{"no CA", "list", with("HUB_CA_FILE", ""), exitFailed, "the hub's certificate is issued by an authority that this machine does not trust: set HUB_CA_FILE to the authority's certificate (PEM)"},
		{"CA missing", "list", with("HUB_CA_FILE", "/nope.pem"), exitFailed, "HUB_CA_FILE: no such file: /nope.pem"},
		{"wrong token", "list", with("HUB_TOKEN", "a/b"), exitFailed, "the hub rejected the token: HUB_TOKEN must be made from the hub's service secret (see: hub token --help)"},
		{"plain HTTP", "list", with("HUB_URL", strings.TrimSuffix(strings.Replace(h.env["HUB_INBOX_PAGE"], "http:", "https:", 1), "/")), exitFailed, "the hub at " + strings.Split(h.env["HUB_INBOX_PAGE"], "/")[2] + " serves plain HTTP: use http:// in HUB_URL"},
		{"no hub", "list", with("HUB_URL", strings.TrimSuffix(h.env["HUB_INBOX_PAGE"], "/")), exitFailed, "the hub's URL returned 405 Method Not Allowed, which is not a response of a hub: check HUB_URL"},
		{"failed delivery", "send tray --data - --field url=https://example.com", h.env, exitFailed, "tray did not deliver: Incorrect domain for url. It must belong to trayapp.io, integration-hook.com, 127.0.0.1."},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := runHub(t, test.env, "[]", strings.Fields(test.args)...)
			if first, _, _ := strings.Cut(got.Err, "\n"); first != "hub: "+test.want || got.Status != test.status || got.Out != "" {
				t.Errorf("got %+v, want status %d and %q", got, test.status, test.want)
			}
		})
	}
}

// Programs read JSON, whatever the outcome is.
func TestJSONOutput(t *testing.T) {
	t.Parallel()
	h := startDevHub(t, nil)
	for _, test := range []struct {
		args   string
		status int
		want   string
	}{
		{"list --output json", 0, `"supported_action_types"`},
		{"form tray --output json", 0, `"Tray Webhook URL"`},
		{"send tray --data - -o json --field url=" + h.env["HUB_INBOX"], 0, `"success": true`},
		{"send tray --data - -o json --field url=https://example.com", exitFailed, `"validation_errors": {`},
		{"form pagerduty --type cell -o json", exitUsage, ""},
		{"inbox -o json", 0, `"id"`},
		{"inbox show -o json", 0, `"preview"`},
		{"version -o json", 0, `"version"`},
	} {
		got := runHub(t, h.env, "[]", strings.Fields(test.args)...)
		if got.Status != test.status || !strings.Contains(got.Out, test.want) {
			t.Errorf("hub %s: got %+v, want %q", test.args, got, test.want)
		}
		if test.status != exitUsage && (!json.Valid([]byte(got.Out)) || got.Err != "") {
			t.Errorf("hub %s: got %+v, want JSON alone", test.args, got)
		}
	}
}

// A form reads as people expect, without the JSON of Looker's protocol.
func TestForm(t *testing.T) {
	t.Parallel()
	h := startDevHub(t, nil)
	got := runHub(t, h.env, "", "form", "webhook", "--param", "method=POST")
	for _, want := range []string{
		"Webhook: Send data to any HTTPS endpoint", "\nSettings in Looker (--param NAME=VALUE)\n", "\nsigning_secret ",
		"\nForm (--field NAME=VALUE)\n", "\nurl              yes                Webhook URL. A URL that begins with https://.\n",
	} {
		if !strings.Contains(got.Out, want) || got.Status != 0 {
			t.Errorf("hub form webhook lacks %q:\n%+v", want, got)
		}
	}
	if strings.Contains(got.Out, `"fields"`) {
		t.Errorf("hub form webhook prints JSON:\n%s", got.Out)
	}
}

// Data keeps its bytes and its kind, from a file or standard input.
func TestSendData(t *testing.T) {
	t.Parallel()
	h := startDevHub(t, nil)
	folder := t.TempDir()
	binary := "PK\x03\x04\x00\xff\"\\"
	for _, test := range []struct{ name, data, args, contentType string }{
		{"result.csv", "a,b\n\"é\",\t2\n", "--data FILE", "text/csv"},
		{"RESULT.XLSX", binary, "--data FILE", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
		{"result", "{}", "--data FILE --format json_detail", "application/json"},
		{"", "a,b\n", "--data - --format csv", "text/csv"},
		{"", binary, "--data - --format csv_zip", "application/zip"},
		{"", "[]", "--data -", "application/json"},
	} {
		file := filepath.Join(folder, test.name)
		if test.name != "" {
			if err := os.WriteFile(file, []byte(test.data), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		args := append([]string{"send", "webhook", "--field", "url=" + h.env["HUB_INBOX"] + "/x"},
			strings.Fields(strings.Replace(test.args, "FILE", file, 1))...)
		if got := runHub(t, h.env, test.data, args...); got.Status != 0 {
			t.Errorf("hub %s: %+v", args, got)
			continue
		}
		if got := runHub(t, h.env, "", "inbox", "show", "--body"); got.Out != test.data {
			t.Errorf("hub %s delivered %q, want %q", args, got.Out, test.data)
		}
		if got := runHub(t, h.env, "", "inbox", "show"); !strings.Contains(got.Out, test.contentType+"\n") {
			t.Errorf("hub %s delivered %+v, want the type %s", args, got, test.contentType)
		}
	}
}
