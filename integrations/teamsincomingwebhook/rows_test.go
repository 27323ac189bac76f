package teamsincomingwebhook_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/teamsincomingwebhook"
)

// properties is the size of a message that is kept as a text in JSON. Teams said of a message of 24,453 bytes:
// "Message properties size exceeded. Actual message properties size: 28897 bytes, whereas max allowed size is 28672 bytes".
// https://github.com/MicrosoftDocs/msteams-docs/issues/11274
func properties(t *testing.T, message []byte) int {
	t.Helper()
	var text strings.Builder
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(string(message)); err != nil {
		t.Fatal(err)
	}
	return text.Len()
}

// body posts a card to a workflow and returns its elements below the title.
func body(t *testing.T, req *action.Request) (elements []any, version string) {
	t.Helper()
	d := actiontest.NewDestination(t).Reply(actiontest.Reply{Status: http.StatusAccepted})
	i := actiontest.New(t, teamsincomingwebhook.New, actiontest.Deps(t, d, nil))
	if _, err := i.Execute(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	requests := d.Requests()
	if len(requests) != 1 {
		t.Fatalf("%d cards arrived, want 1", len(requests))
	}
	if n := properties(t, requests[0].Body); n > 28<<10 {
		t.Errorf("the card has %d bytes", n)
	}
	var message struct {
		Attachments []struct {
			Content struct {
				Version string
				Body    []any
			}
		}
	}
	if err := json.Unmarshal(requests[0].Body, &message); err != nil {
		t.Fatal(err)
	}
	content := message.Attachments[0].Content
	if content.Version > "1.4" { // https://github.com/microsoft/AdaptiveCards/issues/8965
		t.Error("We're sorry, this card couldn't be displayed")
	}
	return content.Body[1:], content.Version
}

// preview asks for a card that shows data, and has nothing else.
func preview() *action.Request {
	req := request(workflow)
	plain(req)
	req.Form["preview"] = "true"
	return req
}

// A table as Teams gets it. What the data holds stays text, Markdown or not.
func TestTable(t *testing.T) {
	t.Parallel()
	const csv = "\ufeffDay,Orders,Note\n2026-11-23,17,**[x](https://evil.example)**\n2026-11-24,,\"<at>all</at>\r\n2\"\n2026-11-25,-3.5\n"
	got, version := body(t, actiontest.Inline(t, preview(), "text/csv", "csv", []byte(csv)))
	text, err := os.ReadFile("testdata/table.json")
	if err != nil {
		t.Fatal(err)
	}
	var want []any
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" || version != "1.4" {
		t.Errorf("version %s, elements (-want +got):\n%s", version, diff)
	}
}

// notes of a card, and the number of its table's rows without the head.
func summary(elements []any) (notes []string, rows int) {
	for _, e := range elements {
		switch e := e.(map[string]any); e["type"] {
		case "TextBlock":
			notes = append(notes, fmt.Sprint(e["text"]))
		case "Table":
			rows = len(e["rows"].([]any)) - 1 //nolint:forcetypeassert // seen by TestTable
		}
	}
	return notes, rows
}

func TestWhatIsShown(t *testing.T) {
	t.Parallel()
	table := func(rows, columns int, cell string) []byte {
		row := strings.Repeat(","+cell, columns)[1:] + "\n"
		return []byte(strings.Repeat(row, rows+1))
	}
	for name, tt := range map[string]struct {
		mime    string
		data    []byte
		rows    int
		note    string
		version string
	}{
		"all of it":          {"text/csv", table(20, 10, "x"), 20, "", "1.4"},
		"many rows":          {"text/csv", table(1234, 2, "x"), 20, "The first 20 of 1234 rows.", "1.4"},
		"many columns":       {"text/csv", table(3, 12, "x"), 3, "The first 10 of 12 columns.", "1.4"},
		"many of both":       {"text/csv", table(21, 11, "x"), 20, "The first 20 of 21 rows and the first 10 of 11 columns.", "1.4"},
		"long cells":         {"text/csv", table(20, 5, strings.Repeat("y", 290)), 13, "The first 13 of 20 rows.", "1.4"},
		"no rows":            {"text/csv", table(0, 2, "x"), 0, "No rows.", "1.2"},
		"nothing":            {"text/csv", nil, 0, "", "1.2"},
		"rows too long":      {"text/csv", table(2, 10, strings.Repeat("表", 300)), 1, "The first 1 of 2 rows.", "1.4"},
		"a document":         {"application/pdf;base64", []byte("%PDF"), 0, "", "1.2"},
		"a large image":      {"image/png;base64", make([]byte, 22<<10), 0, "The image is too large for a card. View it in Looker.", "1.2"},
		"one just too large": {"image/png;base64", make([]byte, 21<<10), 0, "The image is too large for a card. View it in Looker.", "1.2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			elements, version := body(t, actiontest.Inline(t, preview(), tt.mime, "x", tt.data))
			notes, rows := summary(elements)
			if got := strings.Join(notes, "|"); got != tt.note {
				t.Errorf("notes %q, want %q", got, tt.note)
			}
			if rows != tt.rows {
				t.Errorf("%d rows, want %d", rows, tt.rows)
			}
			if version != tt.version {
				t.Errorf("version %s, want %s", version, tt.version)
			}
		})
	}
}

// The data is not shown unless it is asked for, and never by the cards of connectors.
func TestNotShown(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]string{"not asked for": workflow, "a connector": connector} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(actiontest.Reply{Body: "1"})
			i := actiontest.New(t, teamsincomingwebhook.New, actiontest.Deps(t, d, nil))
			req := request(address)
			if address == connector {
				req.Form["preview"] = "true"
			}
			if _, err := i.Execute(t.Context(), actiontest.Inline(t, req, "text/csv", "csv", []byte("a\nr0w\n"))); err != nil {
				t.Fatal(err)
			}
			if text := string(d.Requests()[0].Body); strings.Contains(text, "r0w") || strings.Contains(text, "Table") {
				t.Errorf("the card holds data: %s", text)
			}
		})
	}
}

func TestImage(t *testing.T) {
	t.Parallel()
	picture := []byte("\x89PNG and so on")
	got, version := body(t, actiontest.Inline(t, preview(), "image/png;base64", "png", picture))
	want := []any{map[string]any{
		"type": "Image", "size": "stretch", "altText": "Orders", "url": "data:image/png;base64," + base64.StdEncoding.EncodeToString(picture),
	}}
	if diff := cmp.Diff(want, got); diff != "" || version != "1.2" {
		t.Errorf("version %s, elements (-want +got):\n%s", version, diff)
	}
}

func TestNoCardOfBadData(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		req     *action.Request
		message string
	}{
		"broken off":    {actiontest.Download(t, preview(), actiontest.BrokenDownload("a\n1\n")), "The download from Looker ended before the data was complete."},
		"an open quote": {actiontest.Inline(t, preview(), "text/csv", "csv", []byte("a\n\"1\n")), "The data is not valid CSV."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t)
			i := actiontest.New(t, teamsincomingwebhook.New, actiontest.Deps(t, d, nil))
			if _, err := i.Execute(t.Context(), tt.req); action.MessageOf(err) != tt.message || len(d.Requests()) != 0 {
				t.Errorf("error %v; %d cards", err, len(d.Requests()))
			}
		})
	}
}
