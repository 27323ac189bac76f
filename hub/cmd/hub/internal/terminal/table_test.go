package terminal

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Columns stay columns, whatever stands in them.
func TestTable(t *testing.T) {
	t.Parallel()
	table := &Table{Header: []string{"NAME", "TYPES", "FORMATS"}}
	table.Add("amazon_sagemaker_train_linearlearner", "cell,query", "csv")
	table.Add("日本", "", "json_detail, csv and whatever else Looker has to offer")
	table.Add("e\u0301\x1b[2J", "x", "y\nz")
	for columns, want := range map[int][]string{
		0: {
			"NAME                                  TYPES       FORMATS",
			"amazon_sagemaker_train_linearlearner  cell,query  csv",
			"日本                                              json_detail, csv and whatever else Looker has to offer",
			"e\u0301 [2J                                 x           y z",
		},
		// Cells go on below themselves, words and names whole.
		80: {
			"NAME                                  TYPES       FORMATS",
			"amazon_sagemaker_train_linearlearner  cell,query  csv",
			"日本                                              json_detail, csv and whatever",
			"                                                  else Looker has to offer",
			"e\u0301 [2J                                 x           y z",
		},
		// Lists break after commas, other words only where nothing else helps; names never.
		60: {
			"NAME                                  TYPES     FORMATS",
			"amazon_sagemaker_train_linearlearner  cell,     csv",
			"                                      query",
			"日本                                            json_detail,",
			"                                                csv and",
			"                                                whatever",
			"                                                else Looker",
			"                                                has to offer",
			"e\u0301 [2J                                 x         y z",
		},
		// Nothing helps: then names break, too.
		30: {
			"NAME           TYPES  FORMATS",
			"amazon_sagema  cell,  csv",
			"ker_train_lin  query",
			"earlearner",
			"日本                  json_det",
			"                      ail, csv",
			"                      and",
			"                      whatever",
			"                      else",
			"                      Looker",
			"                      has to",
			"                      offer",
			"e\u0301 [2J          x      y z",
		},
	} {
		var b strings.Builder
		if err := table.Write(&b, columns); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")); diff != "" {
			t.Errorf("in %d columns (-want +got):\n%s", columns, diff)
		}
	}
}

// What is quick shows nothing, and what is slow a line that goes away at the end.
func TestProgress(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		takes time.Duration
		want  string
	}{
		{"quick", progressDelay - time.Millisecond, ""},
		{"slow", progressDelay + progressPeriod - time.Millisecond, "\r\x1b[Ksent 3 B  6 B/s\r\x1b[K"},
	} {
		synctest.Test(t, func(t *testing.T) {
			var b strings.Builder
			p := &Progress{w: &b, start: time.Now(), columns: func() int { return 80 }, stop: make(chan struct{})}
			p.ended.Go(p.show)
			if _, err := io.ReadAll(p.Reader(strings.NewReader("abc"))); err != nil {
				t.Fatal(err)
			}
			time.Sleep(test.takes)
			p.Stop()
			if b.String() != test.want {
				t.Errorf("%s: got %q, want %q", test.name, b.String(), test.want)
			}
		})
	}
}

// The line of progress never fills the terminal's line, which would begin another one.
func TestProgressLine(t *testing.T) {
	t.Parallel()
	p := &Progress{total: 4_000_000, start: time.Now().Add(-2 * time.Second)}
	p.read.Store(1_000_000)
	for columns := 1; columns < 120; columns++ {
		if got := p.line(columns); len(got) >= columns {
			t.Errorf("in %d columns: %q takes %d", columns, got, len(got))
		}
	}
	if got := p.line(100); !strings.HasPrefix(got, "[#######.......................]  25%  1.0 MB of 4.0 MB  ") {
		t.Errorf("got %q", got)
	}
	p.read.Store(4_000_000)
	if got := p.line(100); got != "sent 4.0 MB, waiting for the hub (2s)" {
		t.Errorf("got %q at the end", got)
	}
}
