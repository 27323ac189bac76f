package console

import (
	"bytes"
	"context"
	_ "embed" // the style sheet and the script
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/cmd/hub/internal/terminal"
	"integrationhub.dev/hub/looker"
	"integrationhub.dev/hub/sample"
)

var (
	//go:embed console.css
	style string
	//go:embed console.js
	script string
)

// webAddress reports whether an address of a sign-in can be opened.
func webAddress(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")
}

var notInName = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

func fileName(name string) string { return notInName.ReplaceAllString(name, "_") }

// layout is what all pages have.
type layout struct {
	Title, Base, HubURL, HubLabel, User string
	// Warnings say in which ways the console is laxer than Looker.
	Warnings []string
	// HubProblem is why the hub cannot be used.
	HubProblem string
	// Reload makes browsers without scripts load the page again.
	Reload bool
}

func (s *Server) layout(title string) layout {
	l := layout{Title: title, Base: s.Path(), HubURL: s.session.HubURL, User: s.current()}
	h := s.session.Hub()
	if h.Label != nil {
		l.HubLabel = *h.Label
	}
	if h.FetchErrorMessage != nil {
		l.HubProblem = *h.FetchErrorMessage
	}
	if s.options.Hub.Insecure {
		l.Warnings = append(l.Warnings, "The hub's certificate is not verified. Looker verifies it.")
	}
	if strings.HasPrefix(l.HubURL, "http:") {
		l.Warnings = append(l.Warnings, "The hub is called over plain HTTP. Looker accepts only https:// addresses.")
	}
	return l
}

// render writes a page. The templates, in the files *.templ, are compiled to Go: libraries that interpret
// templates make the linker keep every method of every type.
func (s *Server) render(w http.ResponseWriter, r *http.Request, status int, document func() templ.Component) {
	var b bytes.Buffer
	if err := document().Render(r.Context(), &b); err != nil {
		http.Error(w, "The page cannot be shown: "+s.session.Redact(err.Error()), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w) // the browser may be gone
}

// fail shows an error as a page.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, status int, err error) {
	s.render(w, r, status, errorPage{s.layout("Error"), s.session.Redact(err.Error())}.document)
}

func (s *Server) showList(w http.ResponseWriter, r *http.Request) {
	s.render(w, r, http.StatusOK, listPage{s.layout("Console"), s.session.List()}.document)
}

func (s *Server) showWire(w http.ResponseWriter, r *http.Request) {
	list := s.session.exchanges(0, 0)
	slices.Reverse(list)
	s.render(w, r, http.StatusOK, wirePage{s.layout("Requests"), list}.document)
}

func (s *Server) showRun(w http.ResponseWriter, r *http.Request) {
	o, ok := s.find(r.PathValue("id"))
	if !ok {
		s.fail(w, r, http.StatusNotFound, errNoRun)
		return
	}
	p := runPage{layout: s.layout(o.Word() + ": " + o.Integration.Label), Outcome: o}
	if p.Reload = o.Running; !o.Running {
		p.Exchanges = s.session.exchanges(o.first, o.last)
	}
	s.render(w, r, http.StatusOK, p.document)
}

// Progress says what was transferred.
func (o Outcome) Progress() string {
	t := o.Transferred
	text := fmt.Sprintf("%s of %s sent", terminal.Size(t.Sent), terminal.Size(t.Total))
	if t.Downloaded > 0 {
		text += fmt.Sprintf(", %s of %s downloaded by the hub", terminal.Size(t.Downloaded), terminal.Size(int64(o.Bytes)))
	}
	if t.Answered > 0 {
		text += fmt.Sprintf(", %s received", terminal.Size(t.Answered))
	}
	return fmt.Sprintf("%s, %s.", text, o.Elapsed)
}

// param is a setting as the page of an integration shows it.
type param struct {
	looker.Param
	// Attribute is the user attribute that it comes from, or "".
	Attribute string
	// Value is empty for a secret.
	Value    string
	HasValue bool
}

// maxFields and maxOptions limit what is shown of a form. A select with more options becomes a text field
// that suggests the first ones.
const (
	maxFields  = 500
	maxOptions = 1000
)

// field is a field of a form with what the user entered.
type field struct {
	looker.Field
	ID, Current, Error string
	Focus              bool
	// Many means that a select has more options than are shown.
	Many int
}

// Kind is how the field is shown.
func (f field) Kind() string {
	switch action.FieldType(f.Type) {
	case action.Textarea, action.Message:
		return f.Type
	case action.OAuthLink, action.OAuthLinkGoogle:
		return "link"
	case action.Select:
		if f.Many > 0 {
			return "many"
		}
		return f.Type
	case action.String:
	}
	return "text" // also for types that do not exist
}

// choice is an option of Looker's, and whether the integration lists it.
type choice struct {
	Name           string
	Chosen, Listed bool
}

type integrationPage struct {
	layout
	looker.Definition
	Draft                     draft
	Settings                  []param
	Missing                   []string
	Tested                    string
	Fields                    []field
	MoreFields                int
	FormProblem, FormHint     string
	Interactive, SignedIn     bool
	Types, Formats, Downloads []choice
	Samples                   []string
	Recent                    []Outcome
}

// path is one of the integration's own.
func (p integrationPage) path(end string) string { return p.Base + integrationPath(p.Definition) + end }

// Reaches reports whether a sign-in can end at the console.
func (p integrationPage) Reaches() string {
	if !p.UsesOAuth || p.TokenURL != "" {
		return ""
	}
	return "The hub stores the sign-in at the console's address, which it must be able to reach."
}

func (s *Server) showIntegration(w http.ResponseWriter, r *http.Request, d looker.Definition) {
	user, id := s.current(), s.session.ID(d.Name)
	p := integrationPage{
		layout: s.layout(d.Label), Definition: d, Draft: s.drafts.get(user, d), SignedIn: s.session.HasState(user, id),
		Recent: s.recent(d.Name),
	}
	s.mu.Lock()
	p.Tested = s.tested[draftKey(user, d.Name)]
	s.mu.Unlock()
	s.settings(user, &p)
	if len(p.Missing) == 0 && d.FormURL != "" {
		s.form(r.Context(), user, &p)
	}
	for _, f := range sample.Formats() {
		p.Samples = append(p.Samples, string(f))
	}
	p.choices()
	s.render(w, r, http.StatusOK, p.document)
}

// settings are the params with their values.
func (s *Server) settings(user string, p *integrationPage) {
	values, err := s.session.Params(user, s.session.ID(p.Name))
	if err != nil {
		p.HubProblem = s.session.Redact(err.Error())
		return
	}
	for _, q := range p.Params {
		v := param{Param: q, Attribute: Attribute(p.Name, q), Value: values[q.Name], HasValue: values[q.Name] != ""}
		if q.Secret() {
			v.Value = ""
		}
		if q.Required && !v.HasValue {
			p.Missing = append(p.Missing, q.Label)
		}
		p.Settings = append(p.Settings, v)
	}
}

// form requests the form with what the user entered.
func (s *Server) form(ctx context.Context, user string, p *integrationPage) {
	form, err := s.session.Form(ctx, user, s.session.ID(p.Name), p.Draft.Form)
	p.SignedIn = s.session.HasState(user, s.session.ID(p.Name)) // a form can end the sign-in
	switch {
	case err != nil:
		p.FormProblem = s.session.Redact(err.Error())
		return
	case form.Error != "":
		p.FormProblem, p.FormHint = s.session.Redact(form.Error), s.session.signInHint(p.Definition)
		return
	}
	if p.MoreFields = max(0, len(form.Fields)-maxFields); p.MoreFields > 0 {
		form.Fields = form.Fields[:maxFields]
	}
	for n, f := range form.Fields {
		v := field{Field: f, ID: "field-" + strconv.Itoa(n), Current: f.Default, Error: p.Draft.Errors[f.Name], Focus: f.Name == p.Draft.Focus}
		if entered, ok := p.Draft.Form[f.Name]; ok {
			v.Current = entered
		}
		if len(f.Options) > maxOptions {
			v.Many, v.Options = len(f.Options), f.Options[:maxOptions]
		}
		p.Interactive = p.Interactive || f.Interactive
		p.Fields = append(p.Fields, v)
	}
}

// choices are Looker's action types, formats and ways to send data.
func (p *integrationPage) choices() {
	for _, t := range p.ActionTypes {
		p.Types = append(p.Types, choice{t, t == p.Draft.Type, true})
	}
	p.Formats = choose(looker.Formats(), p.Definition.Formats, p.Draft.Format)
	p.Downloads = choose([]string{"push", "url"}, p.DownloadSettings, p.Draft.Download)
}

// choose sorts what the integration lists before the rest.
func choose(all, listed []string, chosen string) []choice {
	var first, rest []choice
	for _, name := range all {
		c := choice{name, name == chosen, len(listed) == 0 || slices.Contains(listed, name)}
		if c.Listed {
			first = append(first, c)
		} else {
			rest = append(rest, c)
		}
	}
	return append(first, rest...)
}
