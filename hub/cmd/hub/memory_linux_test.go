package main

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"testing"
)

// The program goes on after its pages were unmapped. The test runs alone: others would map them again.
func TestUnmapProgram(t *testing.T) {
	before := mappedFiles(t)
	if err := unmapProgram(); err != nil {
		t.Fatal(err)
	}
	if after := mappedFiles(t); after >= before {
		t.Errorf("%d KiB of files are mapped, as many as before (%d)", after, before)
	}
}

var rssFile = regexp.MustCompile(`RssFile:\s+(\d+) kB`)

// mappedFiles returns how much of files is mapped, in KiB (proc(5), status).
func mappedFiles(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	m := rssFile.FindSubmatch(text)
	if m == nil {
		t.Skip("the kernel does not tell mapped files from other memory")
	}
	n, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Only what cannot have been written to is unmapped.
func TestParseMapping(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"00400000-0125b000 r-xp 00000000 fe:00 10018913                           /bin/hub": "400000-125b000 true",
		"0125b000-02490000 r--p 00e5b000 fe:00 10018913                           /bin/hub": "125b000-2490000 true",
		"02490000-02611000 rw-p 02090000 fe:00 10018913                           /bin/hub": "2490000-2611000 false",
		"00400000-0125b000 r--s 00000000 fe:00 10018913                           /bin/hub": "400000-125b000 false",
		"00400000-0125b000 r-xp 00000000 fe:00 1                                  /lib/x":   "400000-125b000 false",
		"7fdbcc7a0000-7fdbccc00000 rw-p 00000000 00:00 0 ":                                  "7fdbcc7a0000-7fdbccc00000 false",
		"": "0-0 false",
	} {
		start, end, readOnly := parseMapping(line, "/bin/hub")
		if got := fmt.Sprintf("%x-%x %t", start, end, readOnly); got != want {
			t.Errorf("%q is %s, want %s", line, got, want)
		}
	}
}
