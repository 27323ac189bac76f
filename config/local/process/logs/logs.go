// Package logs keeps what containers write, in the format of Kubernetes' container runtimes:
//
//	2026-01-02T03:04:05.678901234Z stdout F the line
package logs

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// Log is the output of one run of a container.
type Log struct {
	name string

	mu      sync.Mutex
	file    *os.File
	partial map[string][]byte
	changed chan struct{} // closed at the next change
	closed  bool
}

// Create makes an empty log.
func Create(name string) (*Log, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("making a container's log: %w", err)
	}
	return &Log{name: name, file: f, partial: map[string][]byte{}, changed: make(chan struct{})}, nil
}

// Stream returns a writer for stdout or stderr.
func (l *Log) Stream(name string) io.Writer { return stream{l, name} }

type stream struct {
	log  *Log
	name string
}

func (s stream) Write(p []byte) (int, error) {
	l := s.log
	l.mu.Lock()
	defer l.mu.Unlock()
	pending := append(l.partial[s.name], p...)
	for {
		line, rest, ok := bytes.Cut(pending, []byte{'\n'})
		if !ok {
			break
		}
		if err := l.line(s.name, line); err != nil {
			return 0, err
		}
		pending = rest
	}
	l.partial[s.name] = append([]byte{}, pending...)
	l.notify()
	return len(p), nil
}

func (l *Log) line(stream string, text []byte) error {
	_, err := fmt.Fprintf(l.file, "%s %s F %s\n", time.Now().UTC().Format(time.RFC3339Nano), stream, text)
	return err
}

func (l *Log) notify() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// Close writes what is left of a last line, and ends those who follow.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	var errs []error
	for name, text := range l.partial {
		if len(text) > 0 {
			errs = append(errs, l.line(name, text))
		}
	}
	l.closed = true
	l.notify()
	return errors.Join(append(errs, l.file.Close())...)
}

// Options choose what of a log is read.
type Options struct {
	Tail       int // lines; 0 means all
	LimitBytes int // 0 means no limit
	Since      time.Time
	Timestamps bool
	Follow     bool
}

// Read returns the log's text. Following ends with the container or with ctx.
func (l *Log) Read(ctx context.Context, o Options) (io.ReadCloser, error) {
	f, err := os.Open(l.name)
	if err != nil {
		return nil, fmt.Errorf("reading a container's log: %w", err)
	}
	r, w := io.Pipe()
	go func() {
		defer f.Close()
		var out io.Writer = w
		if o.LimitBytes > 0 {
			out = &limited{w, o.LimitBytes}
		}
		_ = w.CloseWithError(l.copy(ctx, bufio.NewReader(f), out, o))
	}()
	return r, nil
}

var errLimit = errors.New("limit reached")

type limited struct {
	w    io.Writer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	n, err := l.w.Write(p[:min(len(p), l.left)])
	if l.left -= n; err == nil && l.left == 0 {
		err = errLimit
	}
	return n, err
}

func (l *Log) copy(ctx context.Context, in *bufio.Reader, out io.Writer, o Options) error {
	r := reader{in: in, options: o}
	tail := o.Tail
	for {
		l.mu.Lock()
		changed, closed := l.changed, l.closed
		l.mu.Unlock()
		lines := r.lines(tail)
		tail = 0 // it counts from what was there at first
		for _, line := range lines {
			if _, err := io.WriteString(out, line); errors.Is(err, errLimit) {
				return nil
			} else if err != nil {
				return err
			}
		}
		if !o.Follow || closed {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
	}
}

// reader reads what is in the file so far.
type reader struct {
	in      *bufio.Reader
	options Options
	begun   string // a line whose end is not written yet
}

// lines returns the lines that have come since, or only the last ones.
func (r *reader) lines(tail int) []string {
	var lines []string
	for {
		part, err := r.in.ReadString('\n')
		r.begun += part
		if err != nil {
			return lines
		}
		line, ok := show(r.begun, r.options)
		r.begun = ""
		if !ok {
			continue
		}
		if lines = append(lines, line); tail > 0 && len(lines) > tail {
			lines = lines[1:]
		}
	}
}

// show turns a line of the file into one for readers.
func show(line string, o Options) (string, bool) {
	stamp, rest, _ := strings.Cut(line, " ")
	if !o.Since.IsZero() {
		if at, err := time.Parse(time.RFC3339Nano, stamp); err == nil && at.Before(o.Since) {
			return "", false
		}
	}
	_, rest, _ = strings.Cut(rest, " ") // the stream
	_, text, _ := strings.Cut(rest, " ")
	if o.Timestamps {
		return stamp + " " + text, true
	}
	return text, true
}

// End returns the last lines, for a container that gave up without a message of its own.
func (l *Log) End(ctx context.Context, lines, size int) string {
	r, err := l.Read(ctx, Options{Tail: lines})
	if err != nil {
		return ""
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		return ""
	}
	return string(text[max(0, len(text)-size):])
}
