package main

import "testing"

// Paragraphs become one line, which kubectl explain wraps; lists and blank lines stay.
func TestReflow(t *testing.T) {
	t.Parallel()
	in := "---\nspec:\n  description: |-\n    One sentence.\n    Another one.\n\n    A paragraph:\n     - a\n     - b\n  maximum: 1000000\n  other: |-\n    a\n    b\n"
	want := "---\nspec:\n  description: |-\n    One sentence. Another one.\n\n    A paragraph:\n     - a\n     - b\n  maximum: 1000000\n  other: |-\n    a\n    b\n"
	got, err := reflow([]byte(in))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
