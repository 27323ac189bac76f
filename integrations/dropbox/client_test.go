package dropbox_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/dropbox"
)

// newTeam is a fake whose user is a member of a team with a team space.
func newTeam(t *testing.T) *fake {
	t.Helper()
	f := newFake(t)
	f.folders = [][]string{{"Private notes", "Data"}}
	f.team = &teamSpace{root: "7", homePath: "/Sarah", folders: []string{"Marketing", "Data"}, files: map[string][]byte{}}
	return f
}

// roots returns the distinct values of the header Dropbox-API-Path-Root in the calls of routes for files.
func roots(f *fake) map[string]bool {
	found := map[string]bool{}
	for _, r := range f.Requests() {
		if strings.HasPrefix(r.Path, "/2/files/") && r.Header.Get("Authorization") == "Bearer a2" {
			found[r.Header.Get("Dropbox-Api-Path-Root")] = true
		}
	}
	return found
}

func root(id string) string { return fmt.Sprintf(`{".tag":"root","root":%q}`, id) }

func TestTeamFolders(t *testing.T) {
	t.Parallel()
	personal := []action.Option{
		{Name: "__root", Label: "Home"}, {Name: "Data", Label: "Data"}, {Name: "Private notes", Label: "Private notes"},
	}
	for name, tt := range map[string]struct {
		change func(*fake)
		want   []action.Option
		roots  map[string]bool
	}{
		"team space": {
			func(*fake) {},
			append(personal[:3:3], action.Option{Name: "__team/Data", Label: "Data (team folder)"},
				action.Option{Name: "__team/Marketing", Label: "Marketing (team folder)"}),
			map[string]bool{root("7"): true},
		},
		"no team":                {func(f *fake) { f.team = nil }, personal, map[string]bool{"": true}},
		"no permission to ask":   {func(f *fake) { f.noAccountInfo = true }, personal, map[string]bool{"": true}},
		"app with an app folder": {func(f *fake) { f.appFolder = true }, personal, map[string]bool{"": true, root("7"): true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newTeam(t)
			tt.change(f)
			form, err := resolved(t, f.Destination).Form.Form(t.Context(), request(expired))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, form.Fields[0].Options); diff != "" {
				t.Errorf("folders (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.roots, roots(f)); diff != "" {
				t.Errorf("path roots (-want +got):\n%s", diff)
			}
		})
	}
}

// The file is in the folder that the user meant, and nowhere else.
func TestTeamSpace(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		directory string
		change    func(*fake)
		own, team string // where the file is
		message   string
	}{
		"team folder":                      {directory: "__team/Marketing", team: "/Marketing/orders.csv", message: "Saved as /Marketing/orders.csv in the team space."},
		"team folder, also an own one":     {directory: "__team/Data", team: "/Data/orders.csv", message: "Saved as /Data/orders.csv in the team space."},
		"own folder":                       {directory: "Private notes", own: "/Private notes/orders.csv", message: "Saved as /Private notes/orders.csv."},
		"own folder, also a team folder":   {directory: "Data", own: "/Data/orders.csv", message: "Saved as /Data/orders.csv."},
		"the own top":                      {directory: "__root", own: "/orders.csv", message: "Saved as /orders.csv."},
		"team folder that was an own one":  {directory: "Marketing", team: "/Marketing/orders.csv", message: "Saved as /Marketing/orders.csv in the team space."},
		"below it":                         {directory: "/marketing/Q1/", team: "/marketing/Q1/orders.csv", message: "Saved as /marketing/Q1/orders.csv in the team space."},
		"own folder as the team sees it":   {directory: "/Sarah/Data", own: "/Data/orders.csv", message: "Saved as /Sarah/Data/orders.csv in the team space."},
		"a folder that does not exist yet": {directory: "new", own: "/new/orders.csv", message: "Saved as /new/orders.csv."},
		"a new root": {
			directory: "Private notes", own: "/Private notes/orders.csv", message: "Saved as /Private notes/orders.csv.",
			change: func(f *fake) { f.team.root, f.team.homePath = "8", "/Sarah (Acme)" },
		},
		"a new root with the team folder": {
			directory: "__team/Marketing", team: "/Marketing/orders.csv", message: "Saved as /Marketing/orders.csv in the team space.",
			change: func(f *fake) { f.team.root = "8" },
		},
		"left the team": {
			directory: "Private notes", own: "/Private notes/orders.csv", message: "Saved as /Private notes/orders.csv.",
			change: func(f *fake) { f.team = nil },
		},
	} {
		for size, n := range map[string]int{"one call": 5, "a session": 2*dropbox.Block + 5} {
			t.Run(name+" in "+size, func(t *testing.T) {
				t.Parallel()
				f := newTeam(t)
				team := f.team
				change := tt.change
				f.before = func(route string, _ int) *actiontest.Reply {
					if route != "/2/users/get_current_account" && change != nil {
						change(f)
						change = nil
					}
					return nil
				}
				req := actiontest.Inline(t, request(expired), "text/csv", "csv", content(n))
				req.Form["directory"] = tt.directory
				res, err := resolved(t, f.Destination).Execute(t.Context(), req)
				if err != nil {
					t.Fatal(err)
				}
				if res.Message != tt.message {
					t.Errorf("message %q, want %q", res.Message, tt.message)
				}
				if diff := cmp.Diff(at(tt.own, n), sizesOf(f.files)); diff != "" {
					t.Errorf("files in the own folder (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(at(tt.team, n), sizesOf(team.files)); diff != "" {
					t.Errorf("files in the team space (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func at(path string, size int) map[string]int {
	if path == "" {
		return map[string]int{}
	}
	return map[string]int{path: size}
}

func sizesOf(files map[string][]byte) map[string]int {
	sizes := map[string]int{}
	for path, content := range files {
		sizes[path] = len(content)
	}
	return sizes
}

// A file for a team folder is never written into the own folder.
func TestTeamFolderOutOfReach(t *testing.T) {
	t.Parallel()
	const noTeam = "The folder is in a team space, which this Dropbox account cannot access. Open the form in Looker and select a folder."
	for name, tt := range map[string]struct {
		change func(*fake)
		want   string
	}{
		"no team":              {func(f *fake) { f.team = nil }, noTeam},
		"app folder":           {func(f *fake) { f.appFolder = true }, noTeam},
		"no permission to ask": {func(f *fake) { f.noAccountInfo = true }, noTeam},
		"left during the delivery": {func(f *fake) {
			f.before = func(route string, _ int) *actiontest.Reply {
				if route == "upload" {
					f.team = nil
				}
				return nil
			}
		}, noTeam},
		"roots that do not last": {func(f *fake) {
			n := 7
			f.before = func(string, int) *actiontest.Reply {
				n++
				f.team.root = fmt.Sprint(n)
				return nil
			}
		}, "The Dropbox account changed its team during the delivery. Try again."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newTeam(t)
			tt.change(f)
			req := actiontest.Inline(t, request(fresh), "text/csv", "csv", []byte("a\n1\n"))
			req.Form["directory"] = "__team/Marketing"
			_, err := resolved(t, f.Destination).Execute(t.Context(), req)
			if action.KindOf(err) != action.Invalid || action.MessageOf(err) != tt.want {
				t.Errorf("error %v", err)
			}
			if len(f.files) != 0 {
				t.Errorf("files in the own folder: %v", sizesOf(f.files))
			}
			if f.calls["upload"] > 2 {
				t.Errorf("%d uploads were tried", f.calls["upload"])
			}
		})
	}
}

// An account whose root is not known is not written to.
func TestRootUnknown(t *testing.T) {
	t.Parallel()
	f := newTeam(t)
	f.before = func(route string, _ int) *actiontest.Reply {
		if route == "/2/users/get_current_account" {
			return &actiontest.Reply{Status: 503}
		}
		return nil
	}
	_, err := resolved(t, f.Destination).Execute(t.Context(), actiontest.Inline(t, request(fresh), "text/csv", "csv", []byte("a\n")))
	if action.KindOf(err) != action.Unavailable {
		t.Errorf("error %v", err)
	}
	if f.calls["/2/users/get_current_account"] != 5 || len(f.files) != 0 {
		t.Errorf("calls %v, files %v", f.calls, sizesOf(f.files))
	}
}
