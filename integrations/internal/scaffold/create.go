package main

import (
	"bytes"
	"cmp"
	"embed"
	"errors"
	"fmt"
	"go/format"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"text/template"
)

//go:embed templates
var templates embed.FS

// model is a kind of integration that can be created.
type model struct {
	// group is the group that it is registered in. Its author may choose another one.
	group string
	// request is its element in the repository-wide tests, and conform what they must know besides.
	request string
	conform map[table]string
}

var models = map[string]model{
	"file": {
		group: "Files and object stores",
		request: `{values{"api_key": mark("{{.Folder}}"), "url": "https://files.example.com/v1/files"}, ` +
			`values{"filename": "f"}, csv}`,
		conform: map[table]string{readsFirst: `true`},
	},
	"rows": {
		group:   "Rows to CRM, marketing and analytics",
		request: `{values{"api_key": mark("{{.Folder}}")}, values{"list": "l1"}, detail("{{.Name}}_id")}`,
		conform: map[table]string{repeats: `"records are replaced by their ID"`},
	},
}

// scaffold is what the templates need to know.
type scaffold struct {
	// Name is the name in Looker's API, Label the one that people read, and Folder that of the package.
	Name, Label, Folder string
	// Host is a part of a host name.
	Host string
}

// maxName is the longest name that the CRD accepts.
const maxName = 63

var (
	validName = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
	// validLabel leaves out what has a meaning in Go, in Markdown, in SVG or in a format string.
	validLabel = regexp.MustCompile(`^[\pL\pN][\pL\pN .,+()-]*$`)
)

// create creates an integration and registers it. It returns the new files.
func (r repository) create(name, kind, label string) ([]string, error) {
	m, ok := models[kind]
	if !ok {
		return nil, fmt.Errorf("KIND is %q, but must be file or rows", kind)
	}
	_, groups, err := r.registered()
	if err != nil {
		return nil, err
	}
	s := scaffold{
		Name: name, Label: cmp.Or(label, title(name)), Folder: strings.ReplaceAll(name, "_", ""),
		Host: strings.ReplaceAll(name, "_", "-"),
	}
	if err := r.check(s, groups); err != nil {
		return nil, err
	}
	files, err := s.render(kind)
	if err != nil {
		return nil, err
	}
	created := make([]string, 0, len(files))
	for file, text := range files {
		created = append(created, file)
		if err := r.write(file, text); err != nil {
			return nil, err
		}
	}
	slices.Sort(created)
	return created, r.enter(m, s)
}

// title makes a label of a name: "acme_crm" becomes "Acme Crm".
func title(name string) string {
	words := strings.Split(name, "_")
	for i, w := range words {
		if w != "" {
			words[i] = strings.ToUpper(w[:1]) + w[1:]
		}
	}
	return strings.Join(words, " ")
}

// taken are folders below integrations/, and package names that the code of an integration uses.
var taken = []string{
	"action", "actiontest", "bytes", "cmp", "context", "deliver", "errors", "fmt", "http", "integrations", "internal", "io",
	"iter", "json", "maps", "message", "mime", "multipart", "outbound", "rate", "rows", "rowstest", "slices", "strings",
	"synctest", "testdata", "testing", "time", "url",
}

// check refuses names that cannot be used.
func (r repository) check(s scaffold, groups []group) error {
	switch {
	case s.Name == "":
		return errors.New("NAME is missing: make new-integration NAME=acme_crm")
	case !validName.MatchString(s.Name):
		return fmt.Errorf("NAME is %q, but must be lowercase letters and digits in words with one underscore between, such as acme_crm", s.Name)
	case len(s.Name) > maxName:
		return fmt.Errorf("NAME has %d characters, but the CRD accepts %d", len(s.Name), maxName)
	case slices.Contains(taken, s.Folder) || token.IsKeyword(s.Folder) || types.Universe.Lookup(s.Folder) != nil:
		return fmt.Errorf("NAME is %q, but its package name %s has another meaning in Go or in this code", s.Name, s.Folder)
	case !validLabel.MatchString(s.Label):
		return fmt.Errorf("LABEL is %q, but must be letters, digits, spaces and the characters . , + - ( )", s.Label)
	}
	for _, g := range groups {
		for _, i := range g.integrations {
			if i.name == s.Name || i.folder == s.Folder {
				return fmt.Errorf("NAME is %q, but the integration %s exists already in integrations/%s", s.Name, i.name, i.folder)
			}
		}
	}
	for _, file := range []string{"integrations/" + s.Folder, iconFile(s.Name)} {
		if _, err := os.Stat(r.path(file)); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("NAME is %q, but %s exists already", s.Name, file)
		}
	}
	return nil
}

// render returns the files of the integration by their names.
func (s scaffold) render(kind string) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, from := range []string{"templates/" + kind, "templates/icon"} {
		entries, err := templates.ReadDir(from)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			name, text, err := s.renderFile(path.Join(from, e.Name()))
			if err != nil {
				return nil, err
			}
			files[name] = text
		}
	}
	return files, nil
}

// renderFile returns the name and the text of the file that one template makes.
func (s scaffold) renderFile(from string) (string, []byte, error) {
	text, err := templates.ReadFile(from)
	if err != nil {
		return "", nil, err
	}
	out, err := s.execute(string(text))
	if err != nil {
		return "", nil, fmt.Errorf("%s: %w", from, err)
	}
	name := strings.TrimSuffix(path.Base(from), ".tmpl")
	name = "integrations/" + s.Folder + "/" + strings.Replace(name, "NAME", s.Folder, 1)
	switch path.Ext(name) {
	case ".svg":
		name = iconFile(s.Name)
	case ".go":
		if out, err = format.Source(out); err != nil {
			return "", nil, fmt.Errorf("%s: %w", from, err)
		}
	}
	return name, out, nil
}

// Initial is the letter in the icon.
func (s scaffold) Initial() string { return strings.ToUpper(s.Name[:1]) }

func (s scaffold) execute(text string) ([]byte, error) {
	t, err := template.New("").Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = t.Execute(&out, s)
	return out.Bytes(), err
}

// enter writes the integration into the registry and the repository-wide tests.
func (r repository) enter(m model, s scaffold) error {
	if err := r.register(m.group, integration{s.Name, s.Folder}); err != nil {
		return err
	}
	request, err := s.execute(m.request)
	if err != nil {
		return err
	}
	if err := r.add(requests, s.Name, fmt.Sprintf("%q: %s", s.Name, request)); err != nil {
		return err
	}
	for table, value := range m.conform {
		if err := r.add(table, s.Name, fmt.Sprintf("%q: %s", s.Name, value)); err != nil {
			return err
		}
	}
	return nil
}
