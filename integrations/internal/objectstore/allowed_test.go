package objectstore_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/choice"
	"integrationhub.dev/integrations/internal/objectstore"
)

func parseAllowed(t *testing.T, text string) objectstore.Allowed {
	t.Helper()
	a, err := objectstore.ParseAllowed(text, func(string) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAllowedCheck(t *testing.T) {
	t.Parallel()
	var all objectstore.Allowed
	if err := all.Check("anything", "bucket"); err != nil {
		t.Errorf("without a list: %v", err)
	}
	a := parseAllowed(t, "reports, team-*,*.example.com,a*z")
	for name, want := range map[string]bool{
		"reports": true, "team-": true, "team-a": true, "eu.example.com": true, "az": true, "abz": true,
		"": false, "report": false, "reports2": false, "my-reports": false, "Reports": false, "team": false, "examplexcom": false,
		"team-*x/y": false,
	} {
		err := a.Check(name, "bucket")
		if allowed := err == nil; allowed != want {
			t.Errorf("%q: allowed %v, want %v", name, allowed, want)
		}
	}
	err := a.Check("other", "bucket")
	const message = "The hub's administrator does not allow writing to other. Allowed: reports, team-*, *.example.com, a*z."
	if action.KindOf(err) != action.Forbidden || action.MessageOf(err) != message {
		t.Errorf("error %v of kind %v", err, action.KindOf(err))
	}
	e, _ := errors.AsType[*action.Error](err)
	if diff := cmp.Diff(map[string]string{"bucket": message}, e.Fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}

// An account without an entry of its own has no buckets at all, and not all of them.
func TestAllowedWithin(t *testing.T) {
	t.Parallel()
	a := parseAllowed(t, "one/reports,prod*/*,shared")
	for _, tt := range []struct {
		account, name string
		want          bool
	}{
		{"one", "reports", true},
		{"one", "shared", true},
		{"one", "other", false},
		{"prodeu", "anything", true},
		{"two", "reports", false},
		{"two", "shared", true},
	} {
		if allowed := a.Within(tt.account).Check(tt.name, "container") == nil; allowed != tt.want {
			t.Errorf("%s/%s: allowed %v, want %v", tt.account, tt.name, allowed, tt.want)
		}
	}
	if err := parseAllowed(t, "one/reports").Within("two").Check("reports", "container"); err == nil {
		t.Error("an account without an entry is allowed")
	}
	if err := (objectstore.Allowed{}).Within("two").Check("reports", "container"); err != nil {
		t.Errorf("without a list: %v", err)
	}
}

func TestParseAllowedRejects(t *testing.T) {
	t.Parallel()
	invalid := func(name string) error {
		if name == "aaa?" || name == "bad" {
			return errors.New("must be a name")
		}
		return nil
	}
	for text, want := range map[string]string{
		" ": "an entry is empty", ",": "an entry is empty", "a,,b": "an entry is empty", "a,": "an entry is empty",
		"good,bad": `"bad": must be a name`, "*?": `"*?": must be a name`,
	} {
		_, err := objectstore.ParseAllowed(text, invalid)
		if err == nil || err.Error() != want {
			t.Errorf("%q: error %v, want %s", text, err, want)
		}
	}
}

func TestAllowedField(t *testing.T) {
	t.Parallel()
	list := choice.List{Name: "bucket", Label: "Bucket", Denied: "Denied.", Empty: "Empty."}
	typed := func(description string) action.Field {
		return action.Field{Name: "bucket", Label: "Bucket", Type: action.String, Required: true, Description: description}
	}
	offered := func(names ...string) action.Field {
		f := action.Field{Name: "bucket", Label: "Bucket", Type: action.Select, Required: true, Default: names[0]}
		for _, n := range names {
			f.Options = append(f.Options, action.Option{Name: n, Label: n})
		}
		return f
	}
	const only = "The hub's administrator allows only these: "
	for name, tt := range map[string]struct {
		allowed string
		names   []string
		err     error
		want    action.Field
	}{
		"no list":                      {"", []string{"a", "b"}, nil, offered("a", "b")},
		"no list, denied":              {"", nil, choice.ErrDenied, typed("Denied.")},
		"some":                         {"b,c*", []string{"a", "b", "c1"}, nil, offered("b", "c1")},
		"names that are not listed":    {"x,y", []string{"a"}, nil, offered("x", "y")},
		"names, denied":                {"x,y*", nil, choice.ErrDenied, offered("x")},
		"patterns, denied":             {"y*", nil, choice.ErrDenied, typed(only + "y*.")},
		"patterns that match no names": {"y*,z*", []string{"a"}, nil, typed(only + "y*, z*.")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var a objectstore.Allowed
			if tt.allowed != "" {
				a = parseAllowed(t, tt.allowed)
			}
			got, err := a.Field(list, tt.names, tt.err)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("field (-want +got):\n%s", diff)
			}
		})
	}
	failed := errors.New("unavailable")
	if _, err := parseAllowed(t, "a").Field(list, nil, failed); !errors.Is(err, failed) {
		t.Errorf("error %v, want %v", err, failed)
	}
}
