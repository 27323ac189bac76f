package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// root is the module's folder.
const root = repository("../../..")

// Names that cannot be used are refused before anything is written.
func TestRefusedNames(t *testing.T) {
	t.Parallel()
	const format = ", but must be lowercase letters and digits in words with one underscore between, such as acme_crm"
	for name, tt := range map[string]struct{ name, kind, label, want string }{
		"no name":            {want: "NAME is missing: make new-integration NAME=acme_crm"},
		"uppercase":          {name: "AcmeCRM", want: `NAME is "AcmeCRM"` + format},
		"hyphen":             {name: "acme-crm", want: `NAME is "acme-crm"` + format},
		"leading digit":      {name: "3cx", want: `NAME is "3cx"` + format},
		"double underscore":  {name: "acme__crm", want: `NAME is "acme__crm"` + format},
		"trailing underline": {name: "acme_", want: `NAME is "acme_"` + format},
		"path":               {name: "../acme", want: `NAME is "../acme"` + format},
		"long":               {name: strings.Repeat("a", 64), want: "NAME has 64 characters, but the CRD accepts 63"},
		"keyword":            {name: "type", want: `NAME is "type", but its package name type has another meaning in Go or in this code`},
		"predeclared":        {name: "string", want: `NAME is "string", but its package name string has another meaning in Go or in this code`},
		"imported package":   {name: "row_s", want: `NAME is "row_s", but its package name rows has another meaning in Go or in this code`},
		"existing":           {name: "braze", want: `NAME is "braze", but the integration braze exists already in integrations/braze`},
		"existing folder":    {name: "googlechat", want: `NAME is "googlechat", but the integration google_chat exists already in integrations/googlechat`},
		"kind":               {name: "acme_crm", kind: "table", want: `KIND is "table", but must be file or rows`},
		"label": {
			name: "acme_crm", label: `Acme "CRM"`,
			want: `LABEL is "Acme \"CRM\"", but must be letters, digits, spaces and the characters . , + - ( )`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kind := tt.kind
			if kind == "" {
				kind = "file"
			}
			files, err := root.create(tt.name, kind, tt.label)
			if err == nil {
				t.Fatalf("created %q", files)
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

// Every import of a template is refused as the name of a package.
func TestTakenPackageNames(t *testing.T) {
	t.Parallel()
	for kind := range models {
		files, err := scaffold{Name: "acme_crm", Label: "Acme CRM", Folder: "acmecrm", Host: "acme-crm"}.render(kind)
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range files {
			if filepath.Ext(name) != ".go" {
				continue
			}
			s := source{name: name}
			if err := s.set(text); err != nil {
				t.Fatal(err)
			}
			for _, spec := range s.file.Imports {
				path := importPath(spec)
				if last := path[strings.LastIndex(path, "/")+1:]; last != "acmecrm" && root.check(scaffold{Name: last, Label: "x", Folder: last}, nil) == nil {
					t.Errorf("%s imports %s, but an integration may be named %s", name, path, last)
				}
			}
		}
	}
}

// What is generated is up to date in the repository.
func TestGenerated(t *testing.T) {
	t.Parallel()
	files, err := root.generated()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(root.path(name))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s is not up to date, run make generate (-want +got):\n%s", name, diff)
		}
	}
}
