package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// measurement is one line of what the program prints.
type measurement struct {
	what, target, measured string
	ok                     bool
}

// table collects measurements.
type table struct {
	rows []measurement
}

func (t *table) add(ok bool, what, target, measured string, args ...any) {
	t.rows = append(t.rows, measurement{what, target, fmt.Sprintf(measured, args...), ok})
}

// note adds a measurement without a target, for comparison.
func (t *table) note(what, measured string, args ...any) { t.add(true, what, "", measured, args...) }

func (t *table) print(w io.Writer) error {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(out, "MEASUREMENT\tTARGET\tMEASURED\t")
	for _, m := range t.rows {
		verdict := "ok"
		switch {
		case m.target == "":
			verdict = ""
		case !m.ok:
			verdict = "MISSED"
		}
		_, _ = fmt.Fprintf(out, "%s\t%s\t%s\t%s\n", m.what, m.target, m.measured, verdict)
	}
	return out.Flush()
}
