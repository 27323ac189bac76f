package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
)

func TestCommandName(t *testing.T) {
	t.Parallel()
	for program, want := range map[string]string{
		"hub": "hub", "/usr/local/bin/hub": "hub", "bin/other": "hub", "/home/me/.krew/bin/kubectl-integrationhub": "kubectl integrationhub",
		"kubectl-integrationhub.exe": "kubectl integrationhub",
	} {
		if got := commandName(program); got != want {
			t.Errorf("%s is typed as %q, want %q", program, got, want)
		}
	}
}

// Those who have the program as a plugin of kubectl have no command named hub.
func TestPluginNamesItself(t *testing.T) {
	t.Parallel()
	run := func(args ...string) string {
		var out bytes.Buffer
		run(t.Context(), args, process{name: "kubectl integrationhub", in: strings.NewReader(""), out: &out, err: &out, env: map[string]string{}})
		return out.String()
	}
	// What users type; "hub runs the Integration Hub" is a sentence.
	typed := regexp.MustCompile(`\bhub (?:--?[a-z]|\[|[a-z]+ --help|serve|env|list|token)`)
	for _, args := range [][]string{
		{},
		{"--help"},
		{"send", "--help"},
		{"migrate", "check", "--help"},
		{"console", "run", "--help"},
		{"serve", "--help"},
		{"lst"},
		{"form"},
		{"list", "--nope"},
		{"list", "extra"},
		{"list", "--url", "https://127.0.0.1:1"},
		{"env"},
	} {
		got := run(args...)
		if m := typed.FindString(strings.ReplaceAll(got, "integrationhub", "plugin")); m != "" || !strings.Contains(got, "kubectl integrationhub") {
			t.Errorf("kubectl integrationhub %s prints %q:\n%s", strings.Join(args, " "), m, got)
		}
	}
}
