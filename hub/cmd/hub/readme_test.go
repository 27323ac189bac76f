package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// readmeCommands are the commands of a section, block by block.
func readmeCommands(t *testing.T, section string) [][]string {
	t.Helper()
	text, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "\n## "+section+"\n")
	if !found {
		t.Fatalf("the README has no section %q", section)
	}
	body, _, _ := strings.Cut(rest, "\n## ")
	var blocks [][]string
	for _, block := range regexp.MustCompile(`(?m)(?:^    .*\n)+`).FindAllString(body, -1) {
		var commands []string
		for line := range strings.Lines(block) {
			commands = append(commands, strings.TrimSpace(line))
		}
		blocks = append(blocks, commands)
	}
	return blocks
}

// What the README says for the first minute works as it stands, but for where the program is
// built to and which port it takes.
func TestREADME(t *testing.T) {
	t.Parallel()
	blocks := readmeCommands(t, "Try an integration without Looker")
	if len(blocks) != 2 || len(blocks[0]) != 2 {
		t.Fatalf("want a block that builds and serves, and one for another terminal, got %q", blocks)
	}
	folder := t.TempDir()
	env := append(os.Environ(), "HOME="+folder, "XDG_CACHE_HOME=", "PORT=0")

	build := strings.Fields(blocks[0][0])
	if len(build) != 5 || strings.Join(build[:4], " ") != "go build -o bin/hub" {
		t.Fatalf("the first command is %q, want go build -o bin/hub PACKAGE", blocks[0][0])
	}
	compile := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(folder, "bin/hub"), build[4])
	compile.Dir = "../../.."
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", blocks[0][0], err, out)
	}

	serve := exec.CommandContext(t.Context(), "sh", "-c", "exec "+blocks[0][1])
	serve.Dir, serve.Env = folder, env
	var log bytes.Buffer
	serve.Stderr = &log
	greeting, err := serve.StdoutPipe()
	if err == nil {
		err = serve.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(greeting)
	if !lines.Scan() {
		_ = serve.Wait()
		t.Fatalf("%s printed nothing:\n%s", blocks[0][1], log.String())
	}
	// What is printed for copying has to work as well: it comes after the addresses.
	var printed []string
	for lines.Scan() && (lines.Text() != "" || len(printed) == 0) {
		if command, indented := strings.CutPrefix(lines.Text(), "  "); indented {
			printed = append(printed, command)
		}
	}
	for name, commands := range map[string][]string{"the README's commands": blocks[1], "the printed commands": printed} {
		shell := exec.CommandContext(t.Context(), "sh", "-eux", "-c", strings.Join(commands, "\n"))
		shell.Dir, shell.Env = folder, env
		out, err := shell.CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("tray delivered ")) || !bytes.Contains(out, []byte(" POST /")) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
	if err := serve.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if err := serve.Wait(); err != nil {
		t.Errorf("%s ended with %v:\n%s", blocks[0][1], err, log.String())
	}
}
