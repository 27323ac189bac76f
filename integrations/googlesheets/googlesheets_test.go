package googlesheets_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/googlesheets"
	"integrationhub.dev/integrations/internal/google/googletest"
)

var env = map[string]string{"GOOGLE_SHEET_CLIENT_ID": googletest.ClientID, "GOOGLE_SHEET_CLIENT_SECRET": googletest.ClientSecret}

func resolved(t *testing.T, d *actiontest.Destination) action.Resolved {
	t.Helper()
	i := actiontest.New(t, googlesheets.New, actiontest.Deps(t, d, env))
	googlesheets.Small(i)
	return action.Resolve(i)
}

const name = "It's.csv"

func request(t *testing.T, mode, csv string) *action.Request {
	t.Helper()
	req := actiontest.Query(nil, map[string]string{"drive": "mydrive", "filename": "It's", "overwrite": mode})
	req.State, req.LoginURL = googletest.Expired, "https://hub/login"
	return actiontest.Download(t, req, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(csv)) })
}

// existing puts a spreadsheet, and what only looks like it, into the Drive.
func existing(f *googletest.Fake, cells [][]string) *googletest.File {
	const sheet = "application/vnd.google-apps.spreadsheet"
	file := &googletest.File{ID: "old", Name: name, MIME: sheet, Parent: "root", Cells: cells, Grid: [2]int{5, 2}}
	f.Files = append(f.Files,
		&googletest.File{ID: "csv", Name: name, MIME: "text/csv", Parent: "root"},
		&googletest.File{ID: "upper", Name: "IT'S.CSV", MIME: sheet, Parent: "root"},
		&googletest.File{ID: "bin", Name: name, MIME: sheet, Parent: "root", Trashed: true},
		&googletest.File{ID: "else", Name: name, MIME: sheet, Parent: "folder1folder1"},
		file)
	return file
}

// many is a result of n rows below the header, and the cells that it makes.
func many(n int) (string, [][]string) {
	csv, cells := "id,name\n", [][]string{{`"id"`, `"name"`}}
	for k := range n {
		csv += fmt.Sprintf("%d,row %d\n", k, k)
		cells = append(cells, []string{fmt.Sprint(k), fmt.Sprintf(`"row %d"`, k)})
	}
	return csv, cells
}

func TestSettings(t *testing.T) {
	t.Parallel()
	_, err := googlesheets.New(actiontest.Deps(t, nil, map[string]string{"GOOGLE_DRIVE_CLIENT_ID": "x", "GOOGLE_DRIVE_CLIENT_SECRET": "x"}))
	missing, ok := errors.AsType[*action.MissingSettingsError](err)
	if !ok || !cmp.Equal(missing.Keys, []string{"GOOGLE_SHEET_CLIENT_ID", "GOOGLE_SHEET_CLIENT_SECRET"}) {
		t.Errorf("error %v", err)
	}
	both := map[string]string{
		"GOOGLE_SHEET_CLIENT_ID": "other", "GOOGLE_SHEET_CLIENT_SECRET": "other",
		"GOOGLE_DRIVE_CLIENT_ID": googletest.ClientID, "GOOGLE_DRIVE_CLIENT_SECRET": googletest.ClientSecret,
	}
	i := action.Resolve(actiontest.New(t, googlesheets.New, actiontest.Deps(t, googletest.New(t).Destination, both)))
	if form, err := i.Form.Form(t.Context(), request(t, "yes", "")); err != nil || form.Fields[0].Name == "login" {
		t.Errorf("tokens of Drive's client: %+v, %v", form, err)
	}
}

func TestForm(t *testing.T) {
	t.Parallel()
	f := googletest.New(t)
	i := resolved(t, f.Destination)
	form, err := i.Form.Form(t.Context(), request(t, "yes", ""))
	if err != nil {
		t.Fatal(err)
	}
	want := []action.Field{
		{
			Name: "overwrite", Type: action.Select, Required: true, Default: "yes",
			Options: []action.Option{{Name: "yes", Label: "Yes"}, {Name: "no", Label: "No"}, {Name: "append", Label: "Append"}},
		},
		{
			Name: "valueInputOption", Type: action.Select, Default: "USER_ENTERED",
			Options: []action.Option{{Name: "USER_ENTERED", Label: "Numbers and dates"}, {Name: "RAW", Label: "Text"}},
		},
		{Name: "tab", Type: action.String},
		{Name: "fetchtabs", Type: action.Select, Interactive: true, Options: []action.Option{{Name: "fetch", Label: "Fetch"}}},
	}
	ignored := cmpopts.IgnoreFields(action.Field{}, "Label", "Description")
	if diff := cmp.Diff(want, form.Fields[len(form.Fields)-4:], ignored); diff != "" {
		t.Errorf("own fields (-want +got):\n%s", diff)
	}
	req := request(t, "yes", "")
	req.State = ""
	if form, err = i.Form.Form(t.Context(), req); err != nil || len(form.Fields) != 1 || form.Fields[0].Name != "login" {
		t.Errorf("not signed in: %+v, %v", form, err)
	}
}

// Each kind of cell, to the letter.
func TestCells(t *testing.T) {
	t.Parallel()
	csv := "\ufeffa,b,c,d,day,time,mixed,share\n" +
		"=1+1,00123,1.50,,2024-01-31,2024-01-31 12:00:00,2024-01-31,0.5\n" +
		"\" x \",1234567890123456,-12,\"a\n\"\"b\"\"\",,2024-02-01,n/a,-12.3333333333333333\n" +
		"+1,1e5,\"1,5\",-,2023-12-30,,2024-02-30,1234567890123456.5\n"
	want := [][]string{
		{`"a"`, `"b"`, `"c"`, `"d"`, `"day"`, `"time"`, `"mixed"`, `"share"`},
		{`"=1+1"`, `"00123"`, `1.50`, ``, `45322`, `45322.5`, `"2024-01-31"`, `0.5`},
		{`" x "`, `"1234567890123456"`, `-12`, `"a\n\"b\""`, ``, `45323`, `"n/a"`, `-12.3333333333333333`},
		{`"+1"`, `"1e5"`, `"1,5"`, `"-"`, `45290`, ``, `"2024-02-30"`, `"1234567890123456.5"`},
	}
	for _, mode := range []string{"yes", "no", "append"} {
		f := googletest.New(t)
		if _, err := resolved(t, f.Destination).Execute(t.Context(), request(t, mode, csv)); err != nil {
			t.Fatal(err)
		}
		made := f.Named(name)
		if len(made) != 1 || made[0].Parent != "root" {
			t.Fatalf("%d files", len(made))
		}
		if diff := cmp.Diff(want, made[0].Cells); diff != "" {
			t.Errorf("%s: cells (-want +got):\n%s", mode, diff)
		}
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	csv, cells := many(40)
	old := [][]string{{`"id"`, `"name"`}, {"1", `"older"`}, {"2", `"older"`}}
	for mode, want := range map[string][][]string{
		"yes": cells, "append": append(old[:3:3], cells[1:]...), "no": old,
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			f := googletest.New(t)
			file := existing(f, old)
			res, err := resolved(t, f.Destination).Execute(t.Context(), request(t, mode, csv))
			if err != nil || res.Message != "40 rows written to It's.csv." {
				t.Fatalf("%+v, %v", res, err)
			}
			if diff := cmp.Diff(want, file.Cells); diff != "" || file.Marks() != 0 {
				t.Errorf("%d marks left, cells (-want +got):\n%s", file.Marks(), diff)
			}
			var made [][][]string
			for _, file := range f.Named(name)[4:] {
				made = append(made, file.Cells)
			}
			if diff := cmp.Diff(map[string][][][]string{"no": {cells}}[mode], made); diff != "" {
				t.Errorf("new spreadsheets (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAppend(t *testing.T) {
	t.Parallel()
	csv, cells := many(2)
	f := googletest.New(t)
	file := existing(f, nil)
	if _, err := resolved(t, f.Destination).Execute(t.Context(), request(t, "append", csv)); err != nil || !cmp.Equal(file.Cells, cells) {
		t.Errorf("to an empty sheet: %v, %v", file.Cells, err)
	}
	other := [][]string{{`"id"`, `"price"`}}
	file.Cells = other
	_, err := resolved(t, f.Destination).Execute(t.Context(), request(t, "append", csv))
	if action.KindOf(err) != action.Invalid || !cmp.Equal(file.Cells, other) {
		t.Errorf("to other columns: %v, %v", file.Cells, err)
	}
}

// An answer that is lost, or a temporary error: each row is there once.
func TestRepeated(t *testing.T) {
	t.Parallel()
	csv, cells := many(40)
	for why, reply := range map[string]actiontest.Reply{
		"limited": googletest.Refusal(429, "rateLimitExceeded", "Quota exceeded"), "unavailable": {Status: 503}, "reset": {Reset: true},
	} {
		for _, mode := range []string{"yes", "append"} {
			for _, n := range []int{1, 2, 3} {
				for _, after := range []bool{false, true} {
					t.Run(fmt.Sprintf("%s, %s, call %d, after %t", why, mode, n, after), func(t *testing.T) {
						t.Parallel()
						f := googletest.New(t)
						file := existing(f, cells[:1])
						if once := googletest.Once("batch", n, reply); after {
							f.After = once
						} else {
							f.Before = once
						}
						if _, err := resolved(t, f.Destination).Execute(t.Context(), request(t, mode, csv)); err != nil {
							t.Fatal(err)
						}
						if diff := cmp.Diff(cells, file.Cells); diff != "" {
							t.Errorf("cells (-want +got):\n%s", diff)
						}
					})
				}
			}
		}
	}
}

// Data that is broken, or does not fit, changes nothing.
func TestBadData(t *testing.T) {
	t.Parallel()
	old := [][]string{{`"older"`}}
	for why, tt := range map[string]struct {
		download http.HandlerFunc
		kind     action.Kind
	}{
		"breaks off": {actiontest.BrokenDownload("a,b\n1,2\n"), action.Unavailable},
		"refused":    {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }, action.Unavailable},
		"not CSV":    {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("a,b\n1,\"2\n")) }, action.Invalid},
		"too long": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("a\n" + strings.Repeat("x", 50001)))
		}, action.Invalid},
		"too many": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(strings.Repeat(",", 18278))) }, action.TooLarge},
		"too many rows": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(strings.Repeat(strings.Repeat(",", 9999)+"\n", 1001)))
		}, action.TooLarge},
	} {
		for _, mode := range []string{"yes", "no", "append"} {
			t.Run(why+", "+mode, func(t *testing.T) {
				t.Parallel()
				f := googletest.New(t)
				file := existing(f, old)
				_, err := resolved(t, f.Destination).Execute(t.Context(), actiontest.Download(t, request(t, mode, ""), tt.download))
				if action.KindOf(err) != tt.kind {
					t.Errorf("error %v", err)
				}
				if diff := cmp.Diff(old, file.Cells); diff != "" {
					t.Errorf("cells (-want +got):\n%s", diff)
				}
				if got := len(f.Named(name)); got != 4 {
					t.Errorf("%d files, want 4", got)
				}
				if got := f.Calls("batch") + f.Calls("create"); got != 0 {
					t.Errorf("%d calls that change something", got)
				}
			})
		}
	}
}

// What fails half way says how much is there, and leaves no new spreadsheet.
func TestSheetsFail(t *testing.T) {
	t.Parallel()
	csv, _ := many(40)
	fail := func(what string, n int) *actiontest.Reply {
		if what == "batch" && n >= 3 {
			reply := googletest.Refusal(403, "forbidden", "The caller does not have permission")
			return &reply
		}
		return nil
	}
	f := googletest.New(t)
	f.Before = fail
	file := existing(f, nil)
	_, err := resolved(t, f.Destination).Execute(t.Context(), request(t, "yes", csv))
	want := fmt.Sprintf("%d of 41 rows, counting the header, are in the sheet. Google Sheets returned 403: The caller does not have permission", len(file.Cells))
	if action.KindOf(err) != action.Forbidden || action.MessageOf(err) != want || len(file.Cells) == 0 {
		t.Errorf("error %v, want %s", err, want)
	}
	for _, cannot := range []bool{false, true} {
		f := googletest.New(t)
		f.Before, f.CannotDelete = fail, cannot
		if _, err := resolved(t, f.Destination).Execute(t.Context(), request(t, "no", csv)); action.KindOf(err) != action.Forbidden {
			t.Errorf("error %v", err)
		}
		for _, left := range f.Named(name + " (incomplete)") {
			if !left.Trashed {
				t.Error("an incomplete spreadsheet is left")
			}
		}
		if len(f.Named(name)) != 0 {
			t.Error("a spreadsheet that is not whole has the name")
		}
	}
}

func TestNotAllowed(t *testing.T) {
	t.Parallel()
	f := googletest.New(t)
	f.Email = "user@scar.com"
	file := existing(f, nil)
	req := request(t, "yes", "a\n")
	req.Params["domain_allowlist"] = "car.com"
	res, err := resolved(t, f.Destination).Execute(t.Context(), req)
	if action.KindOf(err) != action.Unauthenticated {
		t.Errorf("error %v", err)
	}
	if res == nil || res.State.Data != action.Reset {
		t.Errorf("response %+v, want one that resets the state", res)
	}
	if file.Cells != nil {
		t.Errorf("cells %v", file.Cells)
	}
}

func TestLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		deps := actiontest.Deps(t, nil, env)
		deps.HTTP = actiontest.Late()
		req := actiontest.Inline(t, actiontest.Query(nil, map[string]string{"overwrite": "yes"}), "text/csv", "csv", []byte("a\n"))
		req.State = googletest.Fresh
		if _, err := actiontest.New(t, googlesheets.New, deps).Execute(t.Context(), req); action.KindOf(err) != action.Timeout {
			t.Errorf("error %v", err)
		}
	})
}
