package mirror_test

import (
	"errors"
	"fmt"
	"iter"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/mirror"
)

func read(t *testing.T, form map[string]string) *mirror.Plan {
	t.Helper()
	p, err := mirror.Read(&action.Request{Form: form}, "list")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func members(keys ...string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, key := range keys {
			if !yield(key, nil) {
				return
			}
		}
	}
}

func TestOff(t *testing.T) {
	t.Parallel()
	for _, form := range []map[string]string{nil, {"mirror": "no"}, {"mirror_limit": "10"}} {
		p := read(t, form)
		p.Add("a")
		p.Unknown()
		if got, err := p.Removals(members("b"), true); len(got) != 0 || err != nil {
			t.Errorf("%v: removed %v, error %v", form, got, err)
		}
	}
}

func TestRemovals(t *testing.T) {
	t.Parallel()
	broken := func(yield func(string, error) bool) {
		_ = yield("z", nil) && yield("", action.Wrap(errors.New("cut"), action.Unavailable, "The vendor is unavailable."))
	}
	for name, tt := range map[string]struct {
		rows       []string
		unknown    int
		incomplete bool
		limit      string
		existing   iter.Seq2[string, error]
		want       []string
		message    string
	}{
		"some":               {rows: []string{"c", "a", "a"}, existing: members("a", "b", "c"), want: []string{"b"}},
		"none":               {rows: []string{"a", "b"}, existing: members("a")},
		"an empty list":      {rows: []string{"a"}, existing: members()},
		"the limit":          {rows: []string{"a"}, existing: members("a", "b"), want: []string{"b"}},
		"over the limit":     {rows: []string{"a"}, existing: members("a", "b", "c"), message: "No members were removed from the list: 2 of 3 are not in the result, more than the mirror limit of 50 percent."},
		"a percent sign":     {rows: []string{"x"}, limit: "100 %", existing: members("a", "b"), want: []string{"a", "b"}},
		"a higher limit":     {rows: []string{"x"}, limit: "100", existing: members("a", "b"), want: []string{"a", "b"}},
		"an empty result":    {existing: members("a"), message: "No members were removed from the list, because the result has no rows."},
		"an unknown member":  {rows: []string{"a"}, unknown: 2, existing: members("b"), message: "No members were removed from the list, because 2 rows have no identifier and their members are unknown."},
		"an incomplete read": {rows: []string{"a"}, incomplete: true, existing: members("b"), message: "No members were removed from the list, because the result is incomplete."},
		"a broken list":      {rows: []string{"a"}, existing: broken, message: "No members were removed from the list. The vendor is unavailable."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := read(t, map[string]string{"mirror": "yes", "mirror_limit": tt.limit})
			for _, key := range tt.rows {
				p.Add(key)
			}
			for range tt.unknown {
				p.Unknown()
			}
			got, err := p.Removals(tt.existing, !tt.incomplete)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("removals (-want +got):\n%s", diff)
			}
			if message := action.MessageOf(err); err != nil && message != tt.message || err == nil && tt.message != "" {
				t.Errorf("error %v, want %q", err, tt.message)
			}
		})
	}
}

// Members of a large result are found, whatever chunk they are in.
func TestManyMembers(t *testing.T) {
	t.Parallel()
	const n = 200_000
	p := read(t, map[string]string{"mirror": "yes"})
	for i := range n {
		p.Add(fmt.Sprint(i))
	}
	existing := func(yield func(string, error) bool) {
		for i := range n + 10 {
			if !yield(fmt.Sprint(i), nil) {
				return
			}
		}
	}
	got, err := p.Removals(existing, true)
	if err != nil || len(got) != 10 || got[0] != fmt.Sprint(n) {
		t.Errorf("removed %v, error %v, want the last 10", got, err)
	}
}

// A member that the result can name in two ways is kept by either, and counts once against the limit.
func TestSeveralKeys(t *testing.T) {
	t.Parallel()
	type member struct{ lead, contact string }
	all := []member{{"l1", "c1"}, {"l2", "c2"}, {"l3", "c3"}, {"l4", ""}}
	existing := func(yield func(member, error) bool) {
		for _, m := range all {
			if !yield(m, nil) {
				return
			}
		}
	}
	p := read(t, map[string]string{"mirror": "yes", "mirror_limit": "50"})
	p.Add("c1")
	p.Add("l2")
	got, err := mirror.RemovalsOf(p, existing, func(m member) []string { return []string{m.lead, m.contact} }, true)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0] != all[2] || got[1] != all[3] {
		t.Errorf("removed %v, want the last two of %v", got, all)
	}
}

func TestInvalid(t *testing.T) {
	t.Parallel()
	for _, form := range []map[string]string{
		{"mirror": "maybe"},
		{"mirror_limit": "101"},
		{"mirror_limit": "-1"},
		{"mirror_limit": "half"},
		{"mirror_limit": "0"},
		{"mirror_limit": "12.5"},
	} {
		if _, err := mirror.Read(&action.Request{Form: form}, "list"); action.KindOf(err) != action.Invalid {
			t.Errorf("%v: error %v", form, err)
		}
	}
}

// A million members need 8 bytes each, and the growth of a slice.
func BenchmarkAdd(b *testing.B) {
	b.ReportAllocs()
	keys := make([]string, 1000)
	for n := range keys {
		keys[n] = fmt.Sprintf("member-%d@example.com", n)
	}
	for b.Loop() {
		p, err := mirror.Read(&action.Request{Form: map[string]string{"mirror": "yes"}}, "list")
		if err != nil {
			b.Fatal(err)
		}
		for n := range 1_000_000 {
			p.Add(keys[n%len(keys)])
		}
	}
}
