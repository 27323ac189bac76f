package panics_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"integrationhub.dev/hub/panics"
)

var errPlain = errors.New("plain")

func crash() error { panic("a bug") }

// check asserts that an error is a panic which knows where it happened.
func check(t *testing.T, err error) {
	t.Helper()
	bug, ok := errors.AsType[*panics.Error](fmt.Errorf("wrapped: %w", err))
	if !ok || bug.Value != "a bug" {
		t.Fatalf("error %v, want the panic", err)
	}
	if f := bug.Stack[0].Function; !strings.HasSuffix(f, "panics_test.crash") {
		t.Errorf("the stack begins in %s", f)
	}
	if !strings.Contains(bug.Error(), "panics_test.go:") {
		t.Errorf("%q does not say where", bug)
	}
	if panics.Of(err) == nil {
		t.Error("Of does not find the panic")
	}
}

func TestCatch(t *testing.T) {
	t.Parallel()
	check(t, panics.Catch(crash))
	if err := panics.Catch(func() error { return errPlain }); !errors.Is(err, errPlain) || panics.Of(err) != nil {
		t.Errorf("error %v", err)
	}
	if panics.Of(nil) != nil {
		t.Error("there is a panic in nil")
	}
}

func TestGo(t *testing.T) {
	t.Parallel()
	done := make(chan error)
	panics.Go(crash, func(err error) { done <- err })
	check(t, <-done)
	panics.Go(func() error { return nil }, func(err error) { done <- err })
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// A panic ends the group as an error does.
func TestGroup(t *testing.T) {
	t.Parallel()
	g, ctx := panics.WithContext(t.Context())
	g.SetLimit(2)
	g.Run(crash)
	g.Run(func() error { <-ctx.Done(); return errPlain })
	check(t, g.Wait())
}

type crashing struct{}

func (crashing) Read([]byte) (int, error) { return 0, crash() }

func TestReader(t *testing.T) {
	t.Parallel()
	got, err := io.ReadAll(panics.Reader(io.MultiReader(strings.NewReader("before"), crashing{})))
	if check(t, err); string(got) != "before" {
		t.Errorf("read %q", got)
	}
}
