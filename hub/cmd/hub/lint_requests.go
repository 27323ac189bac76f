package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"integrationhub.dev/hub/custom"
)

// showRequests prints the requests that an integration makes for its sample, in the form of HTTP messages.
func showRequests(out io.Writer, file string, i *custom.Integration) error {
	requests := i.SampleRequests()
	var b strings.Builder
	if len(requests) == 0 {
		fmt.Fprintf(&b, "%s: No requests to show. Add spec.sample.\n", file)
	}
	for _, r := range requests {
		fmt.Fprintf(&b, "# %s: %s\n%s %s\n", file, r.Field, r.Method, r.URL)
		for _, name := range slices.Sorted(maps.Keys(r.Header)) {
			fmt.Fprintf(&b, "%s: %s\n", name, r.Header.Get(name))
		}
		if r.Body != "" {
			fmt.Fprintf(&b, "\n%s\n", r.Body)
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(out, b.String())
	return err
}
