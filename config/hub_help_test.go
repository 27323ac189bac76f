package config_test

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// hubHelp asks the program hub itself which commands and flags it has.
type hubHelp struct {
	program string
	pages   *sync.Map // functions that give a help page, by command
}

func buildHub(t *testing.T) hubHelp {
	t.Helper()
	program := filepath.Join(t.TempDir(), "hub")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../hub/cmd/hub").CombinedOutput()
	if err != nil {
		t.Fatalf("building hub: %v\n%s", err, out)
	}
	return hubHelp{program, &sync.Map{}}
}

// page is what hub, or a command of it, prints with --help.
func (h hubHelp) page(command []string) string {
	page, _ := h.pages.LoadOrStore(strings.Join(command, " "), sync.OnceValue(func() string {
		out, _ := exec.Command(h.program, append(command, "--help")...).CombinedOutput()
		return string(out)
	}))
	return page.(func() string)() //nolint:forcetypeassert // stored above
}

// problems are what a command line names and hub does not have.
func (h hubHelp) problems(args []string) []string {
	var command, flags []string
	page := h.page(nil)
	words := true
	for _, arg := range args {
		switch {
		case arg == "--":
			words = false
		case strings.HasPrefix(arg, "-") && arg != "-":
			name, _, _ := strings.Cut(arg, "=")
			flags = append(flags, name)
		case words && len(flags) == 0:
			_, commands, some := strings.Cut(page, "\nAvailable Commands:\n")
			commands, _, _ = strings.Cut(commands, "\n\n")
			if some && !regexp.MustCompile(`(?m)^  `+regexp.QuoteMeta(arg)+` `).MatchString(commands) {
				return []string{strings.Join(append([]string{"hub"}, command...), " ") + " has no command " + arg}
			}
			if words = some; some {
				command = append(command, arg)
				page = h.page(command)
			}
		}
	}
	var problems []string
	for _, flag := range flags {
		if !regexp.MustCompile(`(?m)^ .*` + regexp.QuoteMeta(flag) + `\b`).MatchString(page) {
			problems = append(problems, strings.Join(append([]string{"hub"}, command...), " ")+" has no flag "+flag)
		}
	}
	return problems
}
