package console

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/looker"
	"integrationhub.dev/hub/sample"
)

// Case is a delivery that can be run again. Its secrets are in the environment or in files.
type Case struct {
	Integration string `yaml:"integration"`
	// Params are the integration's settings, and the user's attributes.
	Params map[string]Value `yaml:"params,omitempty"`
	// State is what Looker keeps of the user's sign-in.
	State *Value `yaml:"state,omitempty"`
	// Type is query, dashboard or cell; empty means query where the integration supports it.
	Type string `yaml:"type,omitempty"`
	// Form are the user's answers.
	Form map[string]Value `yaml:"form,omitempty"`
	// Format and Data are the result. A cell has a value instead.
	Format string `yaml:"format,omitempty"`
	Data   Data   `yaml:"data,omitempty"`
	Title  string `yaml:"title,omitempty"`
	// Download is push or url; empty lets Looker choose.
	Download string `yaml:"download,omitempty"`
	// Force also sends what the integration does not list.
	Force  bool   `yaml:"force,omitempty"`
	Expect Expect `yaml:"expect"`
}

// Data says what is sent; one of its members is set.
type Data struct {
	// Sample is the number of rows of a sample result.
	Sample *int `yaml:"sample,omitempty"`
	// File has a result in the case's format.
	File string `yaml:"file,omitempty"`
	// Value is a cell's.
	Value *Value `yaml:"value,omitempty"`
}

// Expect says how the delivery must end.
type Expect struct {
	Success bool `yaml:"success"`
	// Message is a part of the hub's message; empty allows any.
	Message string `yaml:"message,omitempty"`
	// ValidationErrors are the form fields that the hub must name; nil allows any.
	ValidationErrors []string `yaml:"validationErrors,omitempty"`
}

// MaxData limits the data of a delivery, which the simulator holds in memory.
const MaxData = 64 << 20

// maxRows limits a sample; more rows would exceed MaxData.
const maxRows = 100_000

// ReadCase reads a case. A member that is not known is an error.
func ReadCase(file string) (Case, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return Case{}, fmt.Errorf("reading the case: %w", err)
	}
	c, err := parseCase(text)
	if err != nil {
		return Case{}, fmt.Errorf("%s: %w", file, err)
	}
	return c, nil
}

func parseCase(text []byte) (Case, error) {
	c := Case{Expect: Expect{Success: true}}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&c); errors.Is(err, io.EOF) {
		return Case{}, errors.New("the case is empty")
	} else if err != nil {
		return Case{}, fmt.Errorf("the case is not valid: %w", err)
	}
	if err := d.Decode(&Case{}); !errors.Is(err, io.EOF) {
		return Case{}, errors.New("a file must contain one case; this one has several documents")
	}
	return c, c.validate()
}

func (c *Case) validate() error {
	set := 0
	for _, given := range []bool{c.Data.Sample != nil, c.Data.File != "", c.Data.Value != nil} {
		if given {
			set++
		}
	}
	switch {
	case c.Integration == "":
		return errors.New("the case has no integration")
	case set != 1:
		return errors.New("data must have exactly one of sample, file and value")
	case (c.Type == string(action.TypeCell)) != (c.Data.Value != nil):
		return errors.New("data must have a value if, and only if, the type is cell")
	case c.Type != string(action.TypeCell) && c.Format == "":
		return errors.New("the case has no format")
	case c.Data.Sample != nil && (*c.Data.Sample < 0 || *c.Data.Sample > maxRows):
		return fmt.Errorf("a sample must have between 0 and %d rows", maxRows)
	}
	return nil
}

// action is the delivery of a case for a user, with the form's values.
func (c *Case) action(from sources, user, id string, form map[string]string) (looker.Action, error) {
	a := looker.Action{
		User: user, Integration: id, Type: c.Type, Form: form, Format: c.Format, Title: c.Title, Download: c.Download, Force: c.Force,
	}
	var err error
	switch {
	case c.Data.Value != nil:
		a.Value, err = from.resolve("the cell's value", *c.Data.Value)
	case c.Data.Sample != nil:
		a.Data, err = Sample(c.Format, *c.Data.Sample)
	default:
		a.Data, err = readData(from.path(c.Data.File))
	}
	return a, err
}

// Sample is a made-up result.
func Sample(format string, rows int) ([]byte, error) {
	if rows < 0 || rows > maxRows {
		return nil, fmt.Errorf("a sample must have between 0 and %d rows", maxRows)
	}
	var b bytes.Buffer
	if err := sample.Write(&b, action.Format(format), rows); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func readData(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("opening the data: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxData+1))
	if err != nil {
		return nil, fmt.Errorf("reading the data: %w", err)
	}
	if len(data) > MaxData {
		return nil, fmt.Errorf("%s has more than %d MiB, which is the limit of the console: use hub send", filepath.Base(file), MaxData>>20)
	}
	return data, nil
}

// check returns what differs from what the case expects.
func (e Expect) check(r looker.Result) error {
	var problems []string
	if r.Success != e.Success {
		problems = append(problems, fmt.Sprintf("success is %v, want %v", r.Success, e.Success))
	}
	if !strings.Contains(r.Message, e.Message) {
		problems = append(problems, fmt.Sprintf("the message %q does not contain %q", r.Message, e.Message))
	}
	if got, want := slices.Sorted(maps.Keys(r.ValidationErrors)), slices.Sorted(slices.Values(e.ValidationErrors)); e.ValidationErrors != nil && !slices.Equal(got, want) {
		problems = append(problems, fmt.Sprintf("the validation errors are at %q, want %q", got, want))
	}
	if len(problems) > 0 {
		return errors.New(strings.Join(problems, "; "))
	}
	return nil
}
