package console

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Value is a text in a case, or where it comes from: an environment variable, or a file beside the case.
type Value struct {
	Text string
	Env  string
	File string
}

// source is how YAML has a value that is not in the case.
type source struct {
	Env  string `yaml:"env,omitempty"`
	File string `yaml:"file,omitempty"`
}

// UnmarshalYAML reads a text, {env: NAME} or {file: PATH}.
func (v *Value) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		v.Text = n.Value // numbers and booleans, too: values are texts in Looker
		return nil
	}
	if n.Kind != yaml.MappingNode || len(n.Content) != 2 || (n.Content[0].Value != "env" && n.Content[0].Value != "file") {
		return fmt.Errorf("line %d: a value must be text, {env: NAME} or {file: PATH}", n.Line)
	}
	var s source
	if err := n.Decode(&s); err != nil {
		return err
	}
	v.Env, v.File = s.Env, s.File
	if v.Env == "" && v.File == "" {
		return fmt.Errorf("line %d: a value must be text, {env: NAME} or {file: PATH}", n.Line)
	}
	return nil
}

// MarshalYAML writes what UnmarshalYAML reads.
func (v Value) MarshalYAML() (any, error) {
	if v.Env != "" || v.File != "" {
		return source{v.Env, v.File}, nil
	}
	return v.Text, nil
}

// sources are where values come from: the environment, and the folder of the case.
type sources struct {
	env    map[string]string
	folder string
}

// path is a file that a case names.
func (s sources) path(file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(s.folder, file)
}

// resolve returns the text of a value. A newline at the end of a file is not part of it.
func (s sources) resolve(what string, v Value) (string, error) {
	switch {
	case v.Env != "":
		text, ok := s.env[v.Env]
		if !ok {
			return "", fmt.Errorf("%s: the environment variable %s is not set", what, v.Env)
		}
		return text, nil
	case v.File != "":
		text, err := os.ReadFile(s.path(v.File))
		if err != nil {
			return "", fmt.Errorf("%s: %w", what, err)
		}
		return strings.TrimRight(string(text), "\r\n"), nil
	}
	return v.Text, nil
}

func (s sources) resolveAll(what string, values map[string]Value) (map[string]string, error) {
	all := map[string]string{}
	for name, v := range values {
		text, err := s.resolve(what+" "+name, v)
		if err != nil {
			return nil, err
		}
		all[name] = text
	}
	return all, nil
}
