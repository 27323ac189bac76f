// Package manifest reads an HTTPIntegration from a YAML or JSON file, and validates it like the API server
// validates the custom resource: by its schema and the CEL rules in it. Its problems have lines.
package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"integrationhub.dev/api/httpintegration"
)

// MaxBytes is the maximum size of a file.
const MaxBytes = 256 << 10

const (
	maxDepth = 64
	maxNodes = 20_000
)

// Manifest is the content of a file.
type Manifest struct {
	// Name is the name of the resource.
	Name string
	Spec httpintegration.Spec

	file  string
	lines map[string]int
}

// Problem is an error in a file.
type Problem struct {
	File string
	// Line is 0 if the problem is that of the whole file.
	Line int
	// Field is a path such as spec.request.url, or empty.
	Field   string
	Message string
}

// String returns the problem on one line, in the format of compilers.
func (p Problem) String() string {
	text := p.File
	if p.Line > 0 {
		text += fmt.Sprintf(":%d", p.Line)
	}
	if p.Field != "" {
		text += ": " + p.Field
	}
	return text + ": " + p.Message
}

// Problems are the errors of one file.
type Problems []Problem //nolint:errname // it is a list for its readers, and an error on the way

// Error returns the problems, separated by semicolons.
func (p Problems) Error() string {
	texts := make([]string, len(p))
	for i, problem := range p {
		texts[i] = problem.String()
	}
	return strings.Join(texts, "; ")
}

// Parse reads a file. Its error is of type [Problems].
func Parse(file string, text []byte) (*Manifest, error) {
	m := &Manifest{file: file, lines: map[string]int{}}
	whole := func(line int, field, format string, args ...any) error {
		return Problems{{File: file, Line: line, Field: field, Message: fmt.Sprintf(format, args...)}}
	}
	if len(text) > MaxBytes {
		return nil, whole(0, "", "The file has more than %d bytes.", MaxBytes)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document, next yaml.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return nil, whole(0, "", "The file is empty.")
	} else if err != nil {
		return nil, whole(0, "", "The file is not valid YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := decoder.Decode(&next); !errors.Is(err, io.EOF) {
		return nil, whole(next.Line, "", "A file must contain exactly one HTTPIntegration.")
	}
	c := converter{lines: m.lines}
	value, err := c.value(&document, "", 0)
	if e, ok := errors.AsType[*nodeError](err); ok {
		return nil, whole(e.line, e.field, "%s", e.message)
	}
	if problems := m.validate(value); len(problems) > 0 {
		return nil, problems
	}
	content, err := json.Marshal(value)
	if err != nil {
		return nil, whole(0, "", "The file cannot be converted to JSON.")
	}
	var resource struct {
		Metadata struct {
			Name string `json:"name"`
		} `json:"metadata"`
		Spec httpintegration.Spec `json:"spec"`
	}
	if err := json.Unmarshal(content, &resource); err != nil {
		return nil, whole(0, "", "The file does not have the fields of an HTTPIntegration.")
	}
	m.Name, m.Spec = resource.Metadata.Name, resource.Spec
	return m, nil
}

// Problem returns a problem of a field, such as spec.request.url, with its line.
func (m *Manifest) Problem(field, format string, args ...any) Problem {
	return Problem{File: m.file, Line: m.line(field), Field: field, Message: fmt.Sprintf(format, args...)}
}

// line returns the line of a field, or that of the closest field around it.
func (m *Manifest) line(field string) int {
	for {
		if line, ok := m.lines[field]; ok {
			return line
		}
		i := strings.LastIndexAny(field, ".[")
		if i < 0 {
			return 0
		}
		field = field[:i]
	}
}
