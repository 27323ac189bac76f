package sendgrid_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/datafile"
	"integrationhub.dev/integrations/sendgrid"
)

const (
	secret = "SG.s3cret"
	csv    = "day,orders\n2026-11-23,17\n"
)

func params() map[string]string { return map[string]string{"sendgrid_api_key": secret + "\n"} }

func query(t *testing.T, form map[string]string) *action.Request {
	t.Helper()
	return actiontest.Inline(t, actiontest.Query(params(), form), "text/csv", "csv", []byte(csv))
}

func accepted() actiontest.Reply { return actiontest.Reply{Status: http.StatusAccepted} }

// mail is what arrives, as far as tests of parts need it.
type mail struct {
	From struct {
		Email, Name string
	}
	Subject          string
	Personalizations []struct {
		To []struct{ Email, Name string }
	}
	Content     []struct{ Type, Value string }
	Attachments []struct{ Filename, Type, Content string }
}

func arrived(t *testing.T, d *actiontest.Destination) mail {
	t.Helper()
	requests := d.Requests()
	if len(requests) != 1 {
		t.Fatalf("%d requests arrived, want 1", len(requests))
	}
	var m mail
	if err := json.Unmarshal(requests[0].Body, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestForm(t *testing.T) {
	t.Parallel()
	i := actiontest.New(t, sendgrid.New, actiontest.Deps(t, nil, nil))
	got, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("testdata/form.json")
	if err != nil {
		t.Fatal(err)
	}
	want := &action.Form{}
	if err := json.Unmarshal(text, want); err != nil {
		t.Fatal(err)
	}
	want.Fields = append(want.Fields, datafile.Fields()...)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("form (-want +got):\n%s", diff)
	}
}

func TestWire(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(accepted())
	i := actiontest.New(t, sendgrid.New, actiontest.Deps(t, d, nil))
	req := query(t, map[string]string{"to": "ann@example.com", "from": "Jo <jo@example.com>", "subject": `Orders "&" more`, "filename": "mine"})
	res, err := i.Execute(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&action.Response{}, res); diff != "" {
		t.Errorf("response (-want +got):\n%s", diff)
	}
	text, err := os.ReadFile("testdata/mail.json")
	if err != nil {
		t.Fatal(err)
	}
	var want, got any
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	r := d.Requests()[0]
	if err := json.Unmarshal(r.Body, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("mail (-want +got):\n%s", diff)
	}
	wantHead := []string{http.MethodPost, "api.sendgrid.com", "/v3/mail/send", "Bearer " + secret, "application/json"}
	gotHead := []string{r.Method, r.Host, r.Path, r.Header.Get("Authorization"), r.Header.Get("Content-Type")}
	if diff := cmp.Diff(wantHead, gotHead); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

// Whatever the length and however Looker sends them, the same bytes arrive.
func TestAttachments(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		mime string
		data []byte
		typ  string
	}{
		"text":              {"text/csv", []byte("a"), "text/csv"},
		"two bytes":         {"text/csv", []byte("ab"), "text/csv"},
		"three bytes":       {"text/csv", []byte("abc"), "text/csv"},
		"binary":            {"application/pdf;base64", []byte{0, 0xff, 0xfe, '"', '\\'}, "application/pdf"},
		"more than a block": {"image/png;base64", bytes.Repeat([]byte("0123456789"), 1001), "image/png"},
		"blocks to the end": {"image/png;base64", bytes.Repeat([]byte{1}, 6<<10), "image/png"},
		"in a file":         {"text/csv", bytes.Repeat([]byte("x,y\n"), 100_000), "text/csv"},
		"no type":           {"text/csv\r\nX: y", []byte("a"), "application/octet-stream"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(accepted())
			i := actiontest.New(t, sendgrid.New, actiontest.Deps(t, d, nil))
			req := actiontest.Inline(t, actiontest.Query(params(), map[string]string{"to": "ann@example.com"}), tt.mime, "csv", tt.data)
			if _, err := i.Execute(t.Context(), req); err != nil {
				t.Fatal(err)
			}
			m := arrived(t, d)
			got, err := base64.StdEncoding.DecodeString(m.Attachments[0].Content)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, tt.data) {
				t.Errorf("%d bytes arrived, want %d", len(got), len(tt.data))
			}
			if got := m.Attachments[0].Type; got != tt.typ {
				t.Errorf("type %q, want %q", got, tt.typ)
			}
		})
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		subject, title, url, wantSubject, wantText, wantHTML string
	}{
		"a plan": {
			title: "Orders by day", url: "https://looker.example.com/looks/1?a=1&b=2",
			wantSubject: "Orders by day",
			wantText:    "View this data in Looker. https://looker.example.com/looks/1?a=1&b=2\n Results are attached.",
			wantHTML:    `<p><a href="https://looker.example.com/looks/1?a=1&amp;b=2">View this data in Looker.</a></p><p>Results are attached.</p>`,
		},
		"no plan": {wantSubject: "Looker", wantText: "Results are attached.", wantHTML: "Results are attached."},
		"a subject": {
			subject: " Mine ", title: "Orders by day", wantSubject: "Mine", wantText: "Results are attached.",
			wantHTML: "Results are attached.",
		},
		"an address that breaks out": {
			title: "x", url: `https://looker.example.com/"><script>alert(1)</script>`, wantSubject: "x",
			wantText: "View this data in Looker. https://looker.example.com/%22%3E%3Cscript%3Ealert%281%29%3C/script%3E\n Results are attached.",
			wantHTML: `<p><a href="https://looker.example.com/%22%3E%3Cscript%3Ealert%281%29%3C/script%3E">View this data in Looker.</a></p><p>Results are attached.</p>`,
		},
		"an address that is a program": {
			title: "x", url: "javascript:alert(1)", wantSubject: "x", wantText: "Results are attached.",
			wantHTML: "Results are attached.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(accepted())
			i := actiontest.New(t, sendgrid.New, actiontest.Deps(t, d, nil))
			req := query(t, map[string]string{"to": "ann@example.com", "subject": tt.subject})
			req.Plan.Title, req.Plan.URL = tt.title, tt.url
			if _, err := i.Execute(t.Context(), req); err != nil {
				t.Fatal(err)
			}
			m := arrived(t, d)
			want := []string{tt.wantSubject, "text/plain", tt.wantText, "text/html", tt.wantHTML, "noreply@lookermail.com", "Looker"}
			got := []string{m.Subject, m.Content[0].Type, m.Content[0].Value, m.Content[1].Type, m.Content[1].Value, m.From.Email, m.From.Name}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("mail (-want +got):\n%s", diff)
			}
		})
	}
}

// What users leave open in subject and text is filled in, and is text in HTML too.
func TestTemplates(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(accepted())
	i := actiontest.New(t, sendgrid.New, actiontest.Deps(t, d, nil))
	req := query(t, map[string]string{"to": "ann@example.com", "subject": "News:\r\n{title}", "message": "See <b>{title}</b>\nat {link} {nothing}\n"})
	req.Plan.Title = "Q&A"
	if _, err := i.Execute(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	m := arrived(t, d)
	want := []string{
		"News: Q&A",
		"See <b>Q&A</b>\nat https://looker.example.com/looks/1 {nothing}\n\nView this data in Looker. https://looker.example.com/looks/1\n Results are attached.",
		`<p>See &lt;b&gt;Q&amp;A&lt;/b&gt;<br>at https://looker.example.com/looks/1 {nothing}</p>` +
			`<p><a href="https://looker.example.com/looks/1">View this data in Looker.</a></p><p>Results are attached.</p>`,
	}
	if diff := cmp.Diff(want, []string{m.Subject, m.Content[0].Value, m.Content[1].Value}); diff != "" {
		t.Errorf("mail (-want +got):\n%s", diff)
	}
}

func TestRecipients(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ to, want string }{
		"one":                     {"ann@example.com", "ann@example.com"},
		"with a name":             {`Ann <ann@example.com>`, "Ann <ann@example.com>"},
		"with an awkward name":    {`"Lee, Ann; Dr." <ann@example.com>`, "Lee Ann Dr. <ann@example.com>"},
		"several":                 {" ann@example.com, bob@example.com ,", "ann@example.com bob@example.com"},
		"several by semicolons":   {"ann@example.com; Bob <bob@example.com>;", "ann@example.com Bob <bob@example.com>"},
		"the same one repeatedly": {"ann@example.com,ANN@example.com", "ann@example.com"},
		"as Outlook copies them":  {"Doe, Jane <jane@example.com>; Roe, Jo <jo@example.com>", "Doe Jane <jane@example.com> Roe Jo <jo@example.com>"},
		"a no-break space":        {"ann@example.com\u00a0", "ann@example.com"},
		"internationalized":       {"ann@bücher.example", "ann@xn--bcher-kva.example"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(accepted())
			i := actiontest.New(t, sendgrid.New, actiontest.Deps(t, d, nil))
			if _, err := i.Execute(t.Context(), query(t, map[string]string{"to": tt.to})); err != nil {
				t.Fatal(err)
			}
			var got []string
			m := arrived(t, d)
			for _, to := range m.Personalizations[0].To {
				if to.Name != "" {
					to.Email = to.Name + " <" + to.Email + ">"
				}
				got = append(got, to.Email)
			}
			if strings.Join(got, " ") != tt.want || len(m.Personalizations) != 1 {
				t.Errorf("sent to %q in %d mails, want %q in one", got, len(m.Personalizations), tt.want)
			}
		})
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	const notAnAddress = "This is not a valid e-mail address: "
	many := make([]string, 1001)
	for n := range many {
		many[n] = strings.Repeat("x", n+1) + "@example.com"
	}
	for _, tt := range []struct {
		name    string
		domains string
		form    map[string]string
		field   string
		message string
	}{
		{"no recipient", "", nil, "to", "Error: invalid email address"},
		{"no address", "", map[string]string{"to": "ann"}, "to", notAnAddress + "ann"},
		{"a quoted address", "example.com", map[string]string{"to": `"thief@evil.example> x"@example.com`}, "to", notAnAddress + `"thief@evil.example> x"@example.com`},
		{"not ASCII", "", map[string]string{"to": "jürgen@example.com"}, "to", "SendGrid accepts only ASCII characters before the @ of an address: jürgen@example.com"},
		{"a quoted sender", "", map[string]string{"to": "ann@example.com", "from": `"a> x"@example.com`}, "from", "The sender is not an e-mail address."},
		{"one of several", "", map[string]string{"to": "ann@example.com, bob"}, "to", notAnAddress + "bob"},
		{"only separators", "", map[string]string{"to": ",;"}, "to", "There is no e-mail address."},
		{"another header", "", map[string]string{"to": "ann@example.com\r\nBcc: eve@example.com"}, "to", notAnAddress + "Bcc: eve@example.com"},
		{"too many", "", map[string]string{"to": strings.Join(many, ",")}, "to", "There are 1001 recipients. SendGrid allows 1000."},
		{"an odd copy", "", map[string]string{"to": "ann@example.com", "cc": "bob"}, "cc", notAnAddress + "bob"},
		{"an odd blind copy", "", map[string]string{"to": "ann@example.com", "bcc": "bob@"}, "bcc", notAnAddress + "bob@"},
		{"an odd address for answers", "", map[string]string{"to": "ann@example.com", "reply_to": "bob"}, "reply_to", notAnAddress + "bob"},
		{"a copy to another domain", "example.com", map[string]string{"to": "ann@example.com", "bcc": "eve@example.org"}, "bcc", "The hub allows mail to these domains only: example.com."},
		{"too many copies", "", map[string]string{"to": "ann@example.com", "cc": strings.Join(many[:999], ","), "bcc": "bob@example.com"}, "bcc", "There are 1001 recipients. SendGrid allows 1000."},
		{"another template", "", map[string]string{"to": "ann@example.com", "template_id": "12345678-1234"}, "template_id", "This is not the ID of a dynamic template. It must start with d-."},
		{"template data that is a list", "", map[string]string{"to": "ann@example.com", "template_id": "d-1", "template_data": "[1]"}, "template_data", `The template data must be a JSON object, such as {"name": "Ann"}.`},
		{"template data that is nothing", "", map[string]string{"to": "ann@example.com", "template_id": "d-1", "template_data": "null"}, "template_data", `The template data must be a JSON object, such as {"name": "Ann"}.`},
		{"template data twice", "", map[string]string{"to": "ann@example.com", "template_id": "d-1", "template_data": "{} {}"}, "template_data", `The template data must be a JSON object, such as {"name": "Ann"}.`},
		{"template data with a brace too many", "", map[string]string{"to": "ann@example.com", "template_id": "d-1", "template_data": "{}}"}, "template_data", `The template data must be a JSON object, such as {"name": "Ann"}.`},
		{"another region", "", map[string]string{"to": "ann@example.com", "region": "mars"}, "region", `"region" must be global or eu.`},
		{"an odd sender", "", map[string]string{"to": "ann@example.com", "from": "me"}, "from", "The sender is not an e-mail address."},
		{"two senders", "", map[string]string{"to": "ann@example.com", "from": "a@example.com,b@example.com"}, "from", "The sender is not an e-mail address."},
		{
			"another domain", "example.com, example.net",
			map[string]string{"to": "ann@example.com,eve@evil-example.com"},
			"to",
			"The hub allows mail to these domains only: example.com, example.net.",
		},
		{
			"a domain below", "example.com",
			map[string]string{"to": "ann@mail.example.com"},
			"to",
			"The hub allows mail to these domains only: example.com.",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(accepted())
			i := actiontest.New(t, sendgrid.New, actiontest.Deps(t, d, map[string]string{"SENDGRID_ALLOWED_DOMAINS": tt.domains}))
			_, err := i.Execute(t.Context(), query(t, tt.form))
			e, ok := errors.AsType[*action.Error](err)
			if !ok {
				t.Fatalf("error %v, want %q", err, tt.message)
			}
			e.Err = nil // for the log
			if diff := cmp.Diff(action.InvalidField(tt.field, "%s", tt.message), e); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if len(d.Requests()) != 0 {
				t.Error("SendGrid was called")
			}
		})
	}
}

// A subuser in the EU has another host. Schedules from before there was a choice get the administrator's.
func TestRegion(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ setting, answer, want string }{
		"neither":                 {"", "", "api.sendgrid.com"},
		"the administrator's":     {"eu", "", "api.eu.sendgrid.com"},
		"the user's":              {"", "eu", "api.eu.sendgrid.com"},
		"the user's, in capitals": {"", "EU", "api.eu.sendgrid.com"},
		"both":                    {"eu", "global", "api.sendgrid.com"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(accepted())
			i := actiontest.New(t, sendgrid.New, actiontest.Deps(t, d, map[string]string{"SENDGRID_REGION": tt.setting}))
			if _, err := i.Execute(t.Context(), query(t, map[string]string{"to": "ann@example.com", "region": tt.answer})); err != nil {
				t.Fatal(err)
			}
			if got := d.Requests()[0].Host; got != tt.want {
				t.Errorf("host %q, want %q", got, tt.want)
			}
		})
	}
	if _, err := sendgrid.New(actiontest.Deps(t, nil, map[string]string{"SENDGRID_REGION": "mars"})); err == nil {
		t.Error("an unknown region is accepted")
	}
}

// Members of a mail that a form field is for. SendGrid rejects an address that occurs twice in an envelope.
func TestMembers(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	type list = []any
	for name, tt := range map[string]struct {
		form map[string]string
		want object
	}{
		"copies": {
			map[string]string{"to": "ann@example.com", "cc": "Doe, Jane <jane@example.com>; ANN@example.com", "bcc": "jane@example.com, bob@example.com"},
			object{"personalizations": list{object{
				"to": list{object{"email": "ann@example.com"}}, "cc": list{object{"email": "jane@example.com", "name": "Doe Jane"}}, "bcc": list{object{"email": "bob@example.com"}},
			}}},
		},
		"copies that are all duplicates": {
			map[string]string{"to": "ann@example.com", "cc": "ann@example.com"},
			object{"personalizations": list{object{"to": list{object{"email": "ann@example.com"}}}}},
		},
		"an address for answers": {
			map[string]string{"to": "ann@example.com", "reply_to": "Help <help@example.org>"}, object{"reply_to": object{"email": "help@example.org", "name": "Help"}},
		},
		"several addresses for answers": {
			map[string]string{"to": "ann@example.com", "reply_to": "a@example.org; b@example.org"},
			object{"reply_to_list": list{object{"email": "a@example.org"}, object{"email": "b@example.org"}}},
		},
		"a template": {
			map[string]string{"to": "ann@example.com", "template_id": " d-0123 ", "message": "See {link}", "subject": "News"},
			object{
				"template_id": "d-0123", "content": nil, "subject": "News",
				"personalizations": list{object{"to": list{object{"email": "ann@example.com"}}, "dynamic_template_data": object{
					"title": "Orders by day", "link": "https://looker.example.com/looks/1", "date": "2000-01-01", "subject": "News", "message": "See https://looker.example.com/looks/1",
				}}},
			},
		},
		"a template with data": {
			map[string]string{"to": "ann@example.com", "template_id": "d-0123", "template_data": `{"title":"Mine","id":12345678901234567890,"items":[{"name":"{title}"}]}`},
			object{
				"template_id": "d-0123", "content": nil, "subject": "Orders by day",
				"personalizations": list{object{"to": list{object{"email": "ann@example.com"}}, "dynamic_template_data": object{
					"title": "Mine", "link": "https://looker.example.com/looks/1", "date": "2000-01-01", "subject": "Orders by day", "message": "",
					"id": json.Number("12345678901234567890"), "items": list{object{"name": "Orders by day"}},
				}}},
			},
		},
		"data without a template": {map[string]string{"to": "ann@example.com", "template_data": "{}"}, object{"template_id": nil, "personalizations": list{object{"to": list{object{"email": "ann@example.com"}}}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := actiontest.NewSocketless().Reply(accepted())
				i := actiontest.New(t, sendgrid.New, actiontest.Deps(t, d, nil))
				if _, err := i.Execute(t.Context(), query(t, tt.form)); err != nil {
					t.Fatal(err)
				}
				all, got := object{}, object{}
				decoder := json.NewDecoder(bytes.NewReader(d.Requests()[0].Body))
				decoder.UseNumber()
				if err := decoder.Decode(&all); err != nil {
					t.Fatal(err)
				}
				for member := range tt.want {
					got[member] = all[member]
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("members (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestAllowedDomains(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(accepted())
	i := actiontest.New(t, sendgrid.New, actiontest.Deps(t, d, map[string]string{"SENDGRID_ALLOWED_DOMAINS": "example.com, example.net"}))
	if _, err := i.Execute(t.Context(), query(t, map[string]string{"to": "ann@EXAMPLE.com,bob@example.net"})); err != nil {
		t.Fatal(err)
	}
}

func TestWithoutData(t *testing.T) {
	t.Parallel()
	form := map[string]string{"to": "ann@example.com"}
	for name, req := range map[string]*action.Request{
		"no attachment":    actiontest.Query(params(), form),
		"an empty one":     actiontest.Inline(t, actiontest.Query(params(), form), "text/csv", "csv", nil),
		"an empty address": actiontest.Download(t, actiontest.Query(params(), form), func(http.ResponseWriter, *http.Request) {}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(accepted())
			i := actiontest.New(t, sendgrid.New, actiontest.Deps(t, d, nil))
			_, err := i.Execute(t.Context(), req)
			if got, want := action.MessageOf(err), "Error: could not retrieve data from attachment, or attachment does not exist"; got != want || len(d.Requests()) != 0 {
				t.Errorf("message %q, want %q; %d calls", got, want, len(d.Requests()))
			}
		})
	}
}

// The whole mail must be smaller than 30 MB, as SendGrid counts it.
func TestSize(t *testing.T) {
	t.Parallel()
	const around = 30<<20/4*3 - 1500 // the rest of the mail takes some hundred bytes
	for name, tt := range map[string]struct {
		size int
		good bool
	}{
		"just below": {around, true}, "past it": {around + 1500, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(accepted())
			i := actiontest.New(t, sendgrid.New, actiontest.Deps(t, d, nil))
			data := bytes.Repeat([]byte{'x'}, tt.size)
			req := actiontest.Download(t, actiontest.Query(params(), map[string]string{"to": "ann@example.com"}), func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write(data)
			})
			_, err := i.Execute(t.Context(), req)
			if tt.good {
				if err != nil {
					t.Fatal(err)
				}
				if got := len(arrived(t, d).Attachments[0].Content); got != (tt.size+2)/3*4 {
					t.Errorf("%d characters arrived", got)
				}
				return
			}
			if got := action.KindOf(err); got != action.TooLarge {
				t.Errorf("kind %v, want %v", got, action.TooLarge)
			}
			if got, want := action.MessageOf(err), "SendGrid's limit for a mail is 30 MB, which allows files of about 22 MB."; !strings.Contains(got, want) {
				t.Errorf("message %q, want text with %q", got, want)
			}
			if got := len(d.Requests()); got != 0 {
				t.Errorf("%d calls, want none", got)
			}
		})
	}
}

func TestSendGridFails(t *testing.T) {
	t.Parallel()
	const doubt = " The mail may already have been sent. Check before retrying."
	for _, tt := range []struct {
		name    string
		reply   actiontest.Reply
		kind    action.Kind
		message string
		fields  map[string]string
	}{
		{"a wrong key", actiontest.Reply{Status: 401, Body: `{"errors":[{"message":"x"}]}`}, action.Unauthenticated, "SendGrid rejected the API key.", nil},
		{
			"a sender that is not verified",
			actiontest.Reply{Status: 403, Body: `{"errors":[{"message":"The from address does not match a verified Sender Identity.","field":"from"}]}`},
			action.Forbidden, "SendGrid returned 403: The from address does not match a verified Sender Identity.",
			map[string]string{"from": "The from address does not match a verified Sender Identity."},
		},
		{
			"two reasons",
			actiontest.Reply{Status: 400, Body: `{"errors":[{"message":"Does not contain a valid address.","field":"personalizations.0.to.0.email"},{"message":"Bad","field":null}]}`},
			action.Invalid, "SendGrid returned 400: Does not contain a valid address. Bad",
			map[string]string{"to": "Does not contain a valid address."},
		},
		{
			"a copy, and a template",
			actiontest.Reply{Status: 400, Body: `{"errors":[{"message":"Bad copy.","field":"personalizations.0.cc.1.email"},` +
				`{"message":"The template_id must be a valid GUID.","field":"template_id"},{"message":"Bad reply.","field":"reply_to.email"}]}`},
			action.Invalid, "SendGrid returned 400: Bad copy. The template_id must be a valid GUID. Bad reply.",
			map[string]string{"cc": "Bad copy.", "template_id": "The template_id must be a valid GUID.", "reply_to": "Bad reply."},
		},
		{
			"an account in another region",
			actiontest.Reply{Status: 403, Body: `{"errors":[{"message":"User is not authorized to send mail based on their regional attribute.","field":null}]}`},
			action.Forbidden, "SendGrid returned 403: User is not authorized to send mail based on their regional attribute. Choose the account's region in the form.",
			map[string]string{"region": "The account is in another region. Choose it here."},
		},
		{"too large after all", actiontest.Reply{Status: 413}, action.TooLarge, "The mail is too large for SendGrid. Its limit is 30 MB, including the file.", nil},
		{"no reason", actiontest.Reply{Status: 400, Body: "<html>"}, action.Invalid, "SendGrid returned 400 Bad Request.", nil},
		{"leads away", actiontest.Reply{Status: 307, Header: map[string]string{"Location": "https://example.com/"}}, action.Invalid, "SendGrid returned 307 Temporary Redirect.", nil},
		{"a web page", actiontest.Reply{Body: "<html>"}, action.Unavailable, "Unexpected response from SendGrid." + doubt, nil},
		{"unavailable", actiontest.Reply{Status: 500}, action.Unavailable, "SendGrid returned 500 Internal Server Error." + doubt, nil},
		{"a reset", actiontest.Reply{Reset: true}, action.Unavailable, "The connection to SendGrid failed." + doubt, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(tt.reply)
			i := actiontest.New(t, sendgrid.New, actiontest.Deps(t, d, nil))
			_, err := i.Execute(t.Context(), query(t, map[string]string{"to": "ann@example.com"}))
			e, ok := err.(*action.Error) //nolint:errorlint // Looker gets the outermost error
			if !ok {
				t.Fatalf("error %v, want %q", err, tt.message)
			}
			if e.Message != tt.message {
				t.Errorf("message %q, want %q", e.Message, tt.message)
			}
			if e.Kind != tt.kind {
				t.Errorf("kind %v, want %v", e.Kind, tt.kind)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the error contains the key: %v", err)
			}
			if len(tt.fields)+len(e.Fields) > 0 {
				if diff := cmp.Diff(tt.fields, e.Fields); diff != "" {
					t.Errorf("fields (-want +got):\n%s", diff)
				}
			}
			if n := len(d.Requests()); n != 1 {
				t.Errorf("%d mails: none may be sent twice", n)
			}
		})
	}
}

// A mail that was refused for its rate was not sent; it goes again as a whole.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(actiontest.Reply{Status: 429, Header: map[string]string{"Retry-After": "1"}}, accepted())
	i := actiontest.New(t, sendgrid.New, actiontest.Deps(t, d, nil))
	if _, err := i.Execute(t.Context(), query(t, map[string]string{"to": "ann@example.com"})); err != nil {
		t.Fatal(err)
	}
	r := d.Requests()
	if len(r) != 2 {
		t.Fatalf("%d calls, want 2", len(r))
	}
	if len(r[0].Body) == 0 || !bytes.Equal(r[0].Body, r[1].Body) {
		t.Error("the second call has another body")
	}
}

// limited is a SendGrid whose limit ends after a minute, and that says so only in its own header.
type limited struct{ end time.Time }

func (l *limited) RoundTrip(r *http.Request) (*http.Response, error) {
	if l.end.IsZero() {
		l.end = time.Now().Add(time.Minute)
	}
	answer := httptest.NewRecorder()
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return nil, err
	}
	if time.Now().Before(l.end) {
		answer.Header().Set("X-RateLimit-Reset", strconv.FormatInt(l.end.Unix(), 10))
		answer.WriteHeader(http.StatusTooManyRequests)
		_, _ = answer.WriteString(`{"errors":[{"field":null,"message":"too many requests"}]}`)
	} else {
		answer.WriteHeader(http.StatusAccepted)
	}
	return answer.Result(), nil
}

func TestRateLimitReset(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := actiontest.New(t, sendgrid.New, action.Deps{HTTP: &http.Client{Transport: &limited{}}})
		if _, err := i.Execute(t.Context(), query(t, map[string]string{"to": "ann@example.com"})); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAnswersLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := actiontest.New(t, sendgrid.New, action.Deps{HTTP: actiontest.Late()})
		start := time.Now()
		_, err := i.Execute(t.Context(), query(t, map[string]string{"to": "ann@example.com"}))
		const want = "SendGrid did not respond in time. The mail may already have been sent. Check before retrying."
		if got, want := time.Since(start), 5*time.Minute; got != want {
			t.Errorf("it took %v, want %v", got, want)
		}
		if got := action.MessageOf(err); got != want {
			t.Errorf("message %q, want %q", got, want)
		}
		if got := action.KindOf(err); got != action.Timeout {
			t.Errorf("kind %v, want %v", got, action.Timeout)
		}
	})
}

// Dates in a file's name are replaced, and a CSV file can begin with a byte order mark.
func TestFileOptions(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(accepted())
	i := actiontest.New(t, sendgrid.New, actiontest.Deps(t, d, nil))
	req := query(t, map[string]string{"to": "ann@example.com", "filename": "orders {date}", "byte_order_mark": "yes", "time_zone": "Asia/Tokyo"})
	if _, err := i.Execute(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	got := arrived(t, d).Attachments[0]
	if !regexp.MustCompile(`^orders \d{4}-\d\d-\d\d\.csv$`).MatchString(got.Filename) {
		t.Errorf("the file's name is %q", got.Filename)
	}
	if want := base64.StdEncoding.EncodeToString([]byte("\ufeff" + csv)); got.Content != want {
		t.Errorf("the file is %q, want %q", got.Content, want)
	}
}
