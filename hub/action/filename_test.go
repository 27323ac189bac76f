package action_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
)

func TestSuggestedFilename(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ title, extension, want string }{
		{"Orders by day", "csv", "Orders by day.csv"},
		{"Orders.csv", "csv", "Orders.csv"},
		{"a/b\\c:d", "csv", "abcd.csv"},
		{"con", "csv", "looker_file_wh-1.csv"},
		{"...", "csv", "looker_file_wh-1.csv"},
		{"Ärger", "", "Ärger"},
		{strings.Repeat("ä", 200), "csv", strings.Repeat("ä", 125) + ".csv"},
		{"x", "../../etc/passwd", "x.....etcpasswd"},
		{"x", strings.Repeat("y", 300), "x"},
	} {
		req := request(tt.title, tt.extension)
		if got := req.SuggestedFilename(); got != tt.want {
			t.Errorf("title %.20q, extension %.20q: %q, want %q", tt.title, tt.extension, got, tt.want)
		}
	}
}

func FuzzSuggestedFilename(f *testing.F) {
	f.Add("Orders by day", "csv")
	f.Add("CON.txt", "..")
	f.Add(strings.Repeat("ä", 200), strings.Repeat("/", 300))
	f.Fuzz(func(t *testing.T, title, extension string) {
		got := request(title, extension).SuggestedFilename()
		switch {
		case got == "", got == ".", got == "..":
			t.Errorf("the name is %q", got)
		case len(got) > 255:
			t.Errorf("%d bytes", len(got))
		case strings.ContainsAny(got, "/\\\x00\n"):
			t.Errorf("%q is not one name", got)
		case utf8.ValidString(title) && utf8.ValidString(extension) && !utf8.ValidString(got):
			t.Errorf("%q was cut within a character", got)
		}
	})
}

func request(title, extension string) *action.Request {
	req := actiontest.Query(nil, nil)
	req.Plan.Title = title
	req.Data = file{req.Data, extension}
	return req
}

// file is data with an extension.
type file struct {
	action.Data
	extension string
}

func (f file) Extension() string { return f.extension }
