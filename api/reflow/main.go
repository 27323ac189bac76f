// Command reflow joins the lines of each paragraph of a CRD's descriptions. controller-gen keeps the line
// breaks of the Go comments, and kubectl explain adds its own: without reflow, most lines end early.
//
//	reflow config/crd/bases/hub.integrationhub.dev_integrationhubs.yaml
package main

import (
	"fmt"
	"os"
	"regexp"

	"sigs.k8s.io/yaml"
)

func main() {
	for _, file := range os.Args[1:] {
		if err := rewrite(file); err != nil {
			fmt.Fprintln(os.Stderr, "reflow:", err)
			os.Exit(1)
		}
	}
}

func rewrite(file string) error {
	text, err := os.ReadFile(file) //nolint:gosec // the caller names the file
	if err != nil {
		return err
	}
	out, err := reflow(text)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return os.WriteFile(file, out, 0o644) //nolint:gosec // as the other generated files
}

// reflow returns a CRD with joined descriptions.
func reflow(crd []byte) ([]byte, error) {
	var document map[string]any
	if err := yaml.Unmarshal(crd, &document); err != nil {
		return nil, err
	}
	join(document)
	out, err := yaml.Marshal(document)
	return append([]byte("---\n"), out...), err
}

// join walks a document. In a schema, the description of a field named description is an object.
func join(node any) {
	switch n := node.(type) {
	case map[string]any:
		for key, value := range n {
			if text, ok := value.(string); ok && key == "description" {
				n[key] = joinLines(text)
				continue
			}
			join(value)
		}
	case []any:
		for _, value := range n {
			join(value)
		}
	}
}

// sentence matches a line break between two lines of a paragraph. Lists and blank lines keep theirs.
var sentence = regexp.MustCompile(`([^\n:])\n([A-Za-z*"])`)

func joinLines(text string) string { return sentence.ReplaceAllString(text, "$1 $2") }
