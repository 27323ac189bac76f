package googlesheets_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/google/googletest"
)

// What Looker formats becomes numbers and dates, as with the reference, or stays text. Nothing is a formula.
func TestFormattedValues(t *testing.T) {
	t.Parallel()
	csv := "revenue,orders,share,active,minute,month,neg,eur,plus,formula,mixed\n" +
		"\"$1,234.50\",\"1,234\",45.0%,TRUE,2024-01-31 12:00,2024-01,\"(1,200)\",\"€1.234,50\",+5,=1+1,\"$1,234.50\"\n" +
		"$3,7,5%,FALSE,2024-02-01 00:00,2024-02,8,\"€2,00\",-5,@SUM(A1),n/a\n"
	header := []string{`"revenue"`, `"orders"`, `"share"`, `"active"`, `"minute"`, `"month"`, `"neg"`, `"eur"`, `"plus"`, `"formula"`, `"mixed"`}
	parsed := [][]string{
		header,
		{"1234.50", "1234", "0.450", "true", "45322.5", "45292", "-1200", "1234.50", "5", `"=1+1"`, `"$1,234.50"`},
		{"3", "7", "0.05", "false", "45323", "45323", "8", "2.00", "-5", `"@SUM(A1)"`, `"n/a"`},
	}
	raw := [][]string{
		header,
		{`"$1,234.50"`, `"1,234"`, `"45.0%"`, `"TRUE"`, `"2024-01-31 12:00"`, `"2024-01"`, `"(1,200)"`, `"€1.234,50"`, `"+5"`, `"=1+1"`, `"$1,234.50"`},
		{`"$3"`, "7", `"5%"`, `"FALSE"`, `"2024-02-01 00:00"`, `"2024-02"`, "8", `"€2,00"`, "-5", `"@SUM(A1)"`, `"n/a"`},
	}
	formats := map[int]string{
		0: `"$"#,##0.00`, 1: "#,##0", 2: "0.0%", 4: "yyyy-mm-dd hh:mm", 5: "yyyy-mm", 6: "#,##0;(#,##0)", 7: `"€"#,##0.00`, 8: "0",
	}
	for why, tt := range map[string]struct {
		option  string
		want    [][]string
		formats map[int]string
	}{
		"schedules from before the choice": {"", parsed, formats},
		"parsed":                           {"USER_ENTERED", parsed, formats},
		"raw":                              {"RAW", raw, map[int]string{}},
	} {
		for _, mode := range []string{"yes", "no", "append"} {
			t.Run(why+", "+mode, func(t *testing.T) {
				t.Parallel()
				f := googletest.New(t)
				req := request(t, mode, csv)
				if tt.option != "" {
					req.Form["valueInputOption"] = tt.option
				}
				if _, err := resolved(t, f.Destination).Execute(t.Context(), req); err != nil {
					t.Fatal(err)
				}
				file := f.Named(name)[0]
				if diff := cmp.Diff(tt.want, file.Cells); diff != "" {
					t.Errorf("cells (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tt.formats, file.Formats); diff != "" {
					t.Errorf("formats (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestUnknownChoices(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ field, value, want string }{
		"value input": {"valueInputOption", "FORMULA", `"valueInputOption" must be USER_ENTERED or RAW.`},
		"long title":  {"tab", strings.Repeat("x", 101), `"tab" must have at most 100 characters on one line.`},
		"two lines":   {"tab", "a\nb", `"tab" must have at most 100 characters on one line.`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := googletest.New(t)
			req := request(t, "yes", "a\n")
			req.Form[tt.field] = tt.value
			if _, err := resolved(t, f.Destination).Execute(t.Context(), req); action.MessageOf(err) != tt.want {
				t.Errorf("error %v", err)
			}
			if n := len(f.Requests()); n != 0 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// tabs are the titles and cells of a spreadsheet's tabs.
func tabs(file *googletest.File) map[string][][]string {
	all := map[string][][]string{file.Title: file.Cells}
	for _, tab := range file.Tabs {
		all[tab.Title] = tab.Cells
	}
	return all
}

func TestTab(t *testing.T) {
	t.Parallel()
	csv, cells := many(2)
	first := [][]string{{`"first"`}}
	old := [][]string{{`"id"`, `"name"`}, {"9", `"older"`}}
	other := googletest.Tab{ID: 8, Title: "Bob's data", Cells: old, Grid: [2]int{9, 9}}
	for name, tt := range map[string]struct {
		mode, tab string
		want      map[string][][]string
	}{
		"overwritten":        {"yes", "Bob's data", map[string][][]string{"It's": first, "Bob's data": cells}},
		"in another case":    {"yes", " BOB'S DATA ", map[string][][]string{"It's": first, "Bob's data": cells}},
		"appended to":        {"append", "Bob's data", map[string][][]string{"It's": first, "Bob's data": append(old[:2:2], cells[1:]...)}},
		"created":            {"yes", "New", map[string][][]string{"It's": first, "Bob's data": old, "New": cells}},
		"created for append": {"append", "New", map[string][][]string{"It's": first, "Bob's data": old, "New": cells}},
		"the first one":      {"yes", "", map[string][][]string{"It's": cells, "Bob's data": old}},
	} {
		for when, set := range map[string]func(*googletest.Fake){
			"":                    func(*googletest.Fake) {},
			" after a lost reply": func(f *googletest.Fake) { f.After = googletest.Once("batch", 1, actiontest.Reply{Reset: true}) },
			" after a limit":      func(f *googletest.Fake) { f.Before = googletest.Once("batch", 1, actiontest.Reply{Status: 503}) },
		} {
			t.Run(name+when, func(t *testing.T) {
				t.Parallel()
				f := googletest.New(t)
				file := existing(f, first)
				file.Tabs = []googletest.Tab{other}
				set(f)
				req := request(t, tt.mode, csv)
				req.Form["tab"] = tt.tab
				if _, err := resolved(t, f.Destination).Execute(t.Context(), req); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.want, tabs(file)); diff != "" {
					t.Errorf("tabs (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestTabOfNewSpreadsheet(t *testing.T) {
	t.Parallel()
	csv, cells := many(2)
	f := googletest.New(t)
	req := request(t, "no", csv)
	req.Form["tab"] = "Orders"
	if _, err := resolved(t, f.Destination).Execute(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string][][]string{"Orders": cells}, tabs(f.Named(name)[0])); diff != "" {
		t.Errorf("tabs (-want +got):\n%s", diff)
	}
}

func TestFormTabs(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		exists bool
		tab    string
		want   []action.Option
	}{
		"listed":                 {true, "", []action.Option{{Name: "", Label: "First tab"}, {Name: "It's", Label: "It's"}, {Name: "Data", Label: "Data"}}},
		"listed with a new name": {true, "New", []action.Option{{Name: "", Label: "First tab"}, {Name: "It's", Label: "It's"}, {Name: "Data", Label: "Data"}, {Name: "New", Label: "New"}}},
		"no spreadsheet yet":     {false, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := googletest.New(t)
			if tt.exists {
				existing(f, nil).Tabs = []googletest.Tab{{ID: 8, Title: "Data"}}
			}
			req := request(t, "yes", "")
			req.Form["fetchtabs"], req.Form["tab"] = "fetch", tt.tab
			form, err := resolved(t, f.Destination).Form.Form(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			for _, field := range form.Fields {
				if field.Name != "tab" {
					continue
				}
				if diff := cmp.Diff(tt.want, field.Options); diff != "" {
					t.Errorf("tabs (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// archive is a dashboard's data: its files, in their order.
func archive(t *testing.T, files ...[2]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, file := range files {
		w, err := z.Create(file[0])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(file[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func dashboard(t *testing.T, mode string, data []byte) *action.Request {
	t.Helper()
	req := actiontest.Query(nil, map[string]string{"drive": "mydrive", "filename": "Sales", "overwrite": mode})
	req.Type, req.State = action.TypeDashboard, googletest.Fresh
	return actiontest.Inline(t, req, "application/zip;base64", "zip", data)
}

func TestDashboard(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä", 120)
	data := archive(t,
		[2]string{"dashboard-sales/orders.csv", "id,total\n1,$5\n"},
		[2]string{"dashboard-sales/Orders.csv", "x\n1\n"},
		[2]string{"dashboard-sales/a:b*[c]?.csv", "x\n2\n"},
		[2]string{"dashboard-sales/" + long + ".csv", "x\n3\n"},
		[2]string{"dashboard-sales/" + long + "!.csv", "x\n4\n"},
		[2]string{"dashboard-sales/ ' .csv", "x\n5\n"},
		[2]string{"dashboard-sales/readme.txt", "no table"},
	)
	want := map[string][][]string{
		"orders":                         {{`"id"`, `"total"`}, {"1", "5"}},
		"Orders (2)":                     {{`"x"`}, {"1"}},
		"a_b__c__":                       {{`"x"`}, {"2"}},
		strings.Repeat("ä", 100):         {{`"x"`}, {"3"}},
		strings.Repeat("ä", 96) + " (2)": {{`"x"`}, {"4"}},
		"Tile":                           {{`"x"`}, {"5"}},
	}
	for _, mode := range []string{"yes", "no", "append"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			f := googletest.New(t)
			i := resolved(t, f.Destination)
			res, err := i.Execute(t.Context(), dashboard(t, mode, data))
			if err != nil {
				t.Fatal(err)
			}
			if want := "6 tiles written to Sales."; res.Message != want {
				t.Errorf("message %q, want %q", res.Message, want)
			}
			if diff := cmp.Diff(want, tabs(f.Named("Sales")[0])); diff != "" {
				t.Errorf("tabs (-want +got):\n%s", diff)
			}
			if mode != "yes" {
				return
			}
			if _, err := i.Execute(t.Context(), dashboard(t, mode, data)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, tabs(f.Named("Sales")[0])); diff != "" || len(f.Named("Sales")) != 1 {
				t.Errorf("the second time, tabs (-want +got):\n%s", diff)
			}
		})
	}
}

// What is broken, or does not fit, changes nothing.
func TestBadDashboard(t *testing.T) {
	t.Parallel()
	good := archive(t, [2]string{"d/a.csv", "x\n1\n"})
	many := make([][2]string, 201)
	for n := range many {
		many[n] = [2]string{fmt.Sprintf("d/%d.csv", n), "x\n"}
	}
	large := strings.Repeat(strings.Repeat(",", 999)+"\n", 6_000)
	for name, tt := range map[string]struct {
		data []byte
		want string
	}{
		"not an archive":   {[]byte("x\n1\n"), "The data is not a valid ZIP archive."},
		"cut off":          {good[:len(good)-5], "The data is not a valid ZIP archive."},
		"no tiles":         {archive(t, [2]string{"d/a.txt", "x"}), "The dashboard has no tiles with data."},
		"too many tiles":   {archive(t, many...), "The dashboard has more than the 200 tiles that fit into a spreadsheet."},
		"too many cells":   {archive(t, [2]string{"d/a.csv", large}, [2]string{"d/b.csv", large}), "The dashboard has more than the 10 million cells that Google Sheets allows."},
		"a tile is no CSV": {archive(t, [2]string{"d/a.csv", "x\n"}, [2]string{"d/b.csv", "a,b\n1,\"2\n"}), "The data is not valid CSV."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := googletest.New(t)
			_, err := resolved(t, f.Destination).Execute(t.Context(), dashboard(t, "yes", tt.data))
			if action.MessageOf(err) != tt.want {
				t.Errorf("error %v, want %s", err, tt.want)
			}
			if n := f.Calls("batch") + f.Calls("create"); n != 0 {
				t.Errorf("%d calls that change something", n)
			}
		})
	}
}

func TestDashboardFails(t *testing.T) {
	t.Parallel()
	f := googletest.New(t)
	file := existing(f, nil)
	file.Name = "Sales"
	f.Before = func(what string, n int) *actiontest.Reply {
		if what == "batch" && n == 4 {
			reply := googletest.Refusal(http.StatusForbidden, "forbidden", "The caller does not have permission")
			return &reply
		}
		return nil
	}
	data := archive(t, [2]string{"d/a.csv", "x\n1\n"}, [2]string{"d/b.csv", "x\n2\n"})
	_, err := resolved(t, f.Destination).Execute(t.Context(), dashboard(t, "yes", data))
	want := "1 of 2 tiles were written. b: Google Sheets returned 403: The caller does not have permission"
	if action.KindOf(err) != action.Forbidden || action.MessageOf(err) != want {
		t.Errorf("error %v, want %s", err, want)
	}
}
