package logs

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

func newLog(t *testing.T, text string) *Log {
	t.Helper()
	l, err := Create(filepath.Join(t.TempDir(), "0.log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	if _, err := io.WriteString(l.Stream("stdout"), text); err != nil {
		t.Fatal(err)
	}
	return l
}

func read(t *testing.T, l *Log, o Options) string {
	t.Helper()
	r, err := l.Read(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestRead(t *testing.T) {
	l := newLog(t, "one\ntwo\nth")
	io.WriteString(l.Stream("stderr"), "error\n")
	io.WriteString(l.Stream("stdout"), "ree\n\nfive")
	for _, c := range []struct {
		options Options
		want    string
	}{
		{Options{}, "one\ntwo\nerror\nthree\n\n"},
		{Options{Tail: 2}, "three\n\n"},
		{Options{Tail: 99}, "one\ntwo\nerror\nthree\n\n"},
		{Options{LimitBytes: 6}, "one\ntw"},
		{Options{LimitBytes: 600}, "one\ntwo\nerror\nthree\n\n"},
		{Options{Since: time.Now().Add(time.Hour)}, ""},
		{Options{Since: time.Now().Add(-time.Hour)}, "one\ntwo\nerror\nthree\n\n"},
	} {
		if got := read(t, l, c.options); got != c.want {
			t.Errorf("%+v: %q, want %q", c.options, got, c.want)
		}
	}
	if got := read(t, l, Options{Tail: 1, Timestamps: true}); !regexp.MustCompile(`^2\d\d\d-\S+Z \n$`).MatchString(got) {
		t.Errorf("with timestamps: %q", got)
	}
	l.Close()
	if got := l.End(t.Context(), 80, 6); got != "\nfive\n" {
		t.Errorf("End = %q", got)
	}
}

func TestFollow(t *testing.T) {
	l := newLog(t, "old\none\n")
	follow, err := l.Read(t.Context(), Options{Follow: true, Tail: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer follow.Close()
	r := bufio.NewReader(follow)
	for n, want := range []string{"one", "line 1", "line 2", "line 3"} {
		if n > 0 { // each is written after the one before has been read
			fmt.Fprintf(l.Stream("stdout"), "line %d\n", n)
		}
		if got, err := r.ReadString('\n'); err != nil || strings.TrimSpace(got) != want {
			t.Fatalf("line %d = %q, %v, want %q", n, got, err, want)
		}
	}
	io.WriteString(l.Stream("stdout"), "last")
	l.Close()
	if got, err := io.ReadAll(r); err != nil || string(got) != "last\n" {
		t.Errorf("after the end: %q, %v", got, err)
	}
}

func TestFollowEndsWithItsContext(t *testing.T) {
	l := newLog(t, "")
	ctx, cancel := context.WithCancel(t.Context())
	r, err := l.Read(ctx, Options{Follow: true})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if got, err := io.ReadAll(r); err != nil || len(got) > 0 {
		t.Errorf("%q, %v", got, err)
	}
}
