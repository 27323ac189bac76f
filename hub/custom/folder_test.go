package custom_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/custom"
	"integrationhub.dev/hub/custom/manifest"
)

// volume is a folder as Kubernetes mounts a ConfigMap: links through ..data, which is replaced at once.
type volume struct {
	t    *testing.T
	dir  string
	next int
}

func newVolume(t *testing.T) *volume {
	t.Helper()
	return &volume{t: t, dir: t.TempDir()}
}

// set replaces all files.
func (v *volume) set(files settings) {
	v.t.Helper()
	check := func(err error) {
		v.t.Helper()
		if err != nil {
			v.t.Fatal(err)
		}
	}
	v.next++
	old, _ := os.Readlink(filepath.Join(v.dir, "..data")) // none at first
	target := fmt.Sprintf("..2026_11_27_%d", v.next)
	check(os.Mkdir(filepath.Join(v.dir, target), 0o700))
	for name, text := range files {
		check(os.WriteFile(filepath.Join(v.dir, target, name), []byte(text), 0o600))
	}
	check(os.Symlink(target, filepath.Join(v.dir, "..data_tmp")))
	check(os.Rename(filepath.Join(v.dir, "..data_tmp"), filepath.Join(v.dir, "..data")))
	entries, err := os.ReadDir(v.dir)
	check(err)
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), "..") {
			check(os.Remove(filepath.Join(v.dir, e.Name())))
		}
	}
	for name := range files {
		check(os.Symlink(filepath.Join("..data", name), filepath.Join(v.dir, name)))
	}
	if old != "" {
		check(os.RemoveAll(filepath.Join(v.dir, old)))
	}
}

func (v *volume) folder() *custom.Folder {
	return custom.NewFolder(v.dir, custom.Options{}, func(name string) string {
		if name == "custom_taken" {
			return "It is taken."
		}
		return ""
	})
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// named is a small integration.
func named(name, label string) string {
	return "apiVersion: hub.integrationhub.dev/v1alpha1\nkind: HTTPIntegration\nmetadata: {name: " + name + "}\nspec:\n  label: " + label +
		"\n  request: {url: 'https://example.com/'}\n"
}

// A version whose requests fail for its sample does not replace the one that runs.
func TestFolderChecksSamples(t *testing.T) {
	t.Parallel()
	v := newVolume(t)
	f := v.folder()
	const good = "  sample: {form: {n: '1'}}\n  form: [{name: n}]\n"
	text := func(label, n string) string {
		all := strings.Replace(named("a", label)+good, "n: '1'", "n: '"+n+"'", 1)
		return strings.Replace(all, "'}\n", "', query: {a: '${int(form.n)}'}}\n", 1)
	}
	v.set(settings{"a.yaml": text("First", "1")})
	if _, err := f.Reload(); err != nil {
		t.Fatal(err)
	}
	v.set(settings{"a.yaml": text("Second", "one")})
	const want = "a.yaml:6: spec.request.query.a: Evaluation fails for the sample: a value cannot be converted."
	if _, err := f.Reload(); err == nil || err.Error() != want {
		t.Errorf("the problem is %v, want %s", err, want)
	}
	if all := f.Integrations(); len(all) != 1 || all[0].Definition().Label != "First" {
		t.Errorf("the first version does not run: %v", all)
	}
}

// A file that is not valid keeps its last version; one that is removed goes.
func TestFolder(t *testing.T) {
	t.Parallel()
	v := newVolume(t)
	f := v.folder()
	a1, a2, broken, b := named("a", "First"), named("a", "Second"), named("a", "''"), named("b", "B")
	const empty = "a.yaml:5: spec.label: The value is not valid: minLength: got 0, want 1."
	for n, step := range []struct {
		files   settings
		changed bool
		err     string
		labels  []string
		status  []custom.Status
	}{
		{
			settings{"a.yaml": a1, "README.md": "no"},
			true, "",
			[]string{"First"},
			[]custom.Status{{Name: "custom_a", File: "a.yaml", Digest: digest(a1)}},
		},
		{nil, false, "", []string{"First"}, []custom.Status{{Name: "custom_a", File: "a.yaml", Digest: digest(a1)}}},
		{
			settings{"a.yaml": broken, "b.json": b},
			true, empty,
			[]string{"First", "B"},
			[]custom.Status{
				{Name: "custom_a", File: "a.yaml", Digest: digest(a1), Problem: empty, FailedDigest: digest(broken)},
				{Name: "custom_b", File: "b.json", Digest: digest(b)},
			},
		},
		{nil, false, empty, []string{"First", "B"}, nil},
		{
			settings{"a.yaml": a2, "b.json": b},
			true, "",
			[]string{"Second", "B"},
			[]custom.Status{{Name: "custom_a", File: "a.yaml", Digest: digest(a2)}, {Name: "custom_b", File: "b.json", Digest: digest(b)}},
		},
		{settings{"b.json": b}, true, "", []string{"B"}, []custom.Status{{Name: "custom_b", File: "b.json", Digest: digest(b)}}},
		{ // a name that another file has, even if that comes later in the alphabet, and one that the hub has
			settings{"a.yaml": named("b", "Thief"), "b.json": b, "c.yaml": named("taken", "C")},
			true,
			"a.yaml: The name custom_b is already used by b.json.; c.yaml: It is taken.",
			[]string{"B"},
			[]custom.Status{
				{File: "a.yaml", Problem: "a.yaml: The name custom_b is already used by b.json.", FailedDigest: digest(named("b", "Thief"))},
				{Name: "custom_b", File: "b.json", Digest: digest(b)},
				{File: "c.yaml", Problem: "c.yaml: It is taken.", FailedDigest: digest(named("taken", "C"))},
			},
		},
		{settings{}, true, "", nil, []custom.Status{}},
	} {
		if step.files != nil {
			v.set(step.files)
		}
		changed, err := f.Reload()
		if changed != step.changed || fmt.Sprint(err) != fmt.Sprint(error(nil)) && err.Error() != step.err || (err == nil) != (step.err == "") {
			t.Errorf("step %d: changed %t, error %v, want %t, %q", n, changed, err, step.changed, step.err)
		}
		var labels []string
		for _, i := range f.Integrations() {
			labels = append(labels, i.Definition().Label)
		}
		if diff := cmp.Diff(step.labels, labels); diff != "" {
			t.Errorf("step %d: labels (-want +got):\n%s", n, diff)
		}
		if diff := cmp.Diff(step.status, f.Status()); diff != "" && step.status != nil {
			t.Errorf("step %d: status (-want +got):\n%s", n, diff)
		}
	}
}

// An integration whose file did not change stays the same, with its tokens and its rate limit.
func TestFolderKeepsUnchanged(t *testing.T) {
	t.Parallel()
	v := newVolume(t)
	f := v.folder()
	v.set(settings{"a.yaml": named("a", "A"), "b.yaml": named("b", "B")})
	if _, err := f.Reload(); err != nil {
		t.Fatal(err)
	}
	before := f.Integrations()
	v.set(settings{"a.yaml": named("a", "A"), "b.yaml": named("b", "Other")})
	if _, err := f.Reload(); err != nil {
		t.Fatal(err)
	}
	if after := f.Integrations(); after[0] != before[0] || after[1] == before[1] {
		t.Error("the unchanged integration was replaced, or the changed one was not")
	}
}

// A folder that cannot be read takes nothing down.
func TestFolderIsGone(t *testing.T) {
	t.Parallel()
	v := newVolume(t)
	f := v.folder()
	v.set(settings{"a.yaml": named("a", "A")})
	if _, err := f.Reload(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(v.dir); err != nil {
		t.Fatal(err)
	}
	if changed, err := f.Reload(); changed || err == nil || len(f.Integrations()) != 1 {
		t.Errorf("changed %t, error %v, %d integrations", changed, err, len(f.Integrations()))
	}
}

// Two hundred integrations run, and no further one, which does not take the place of one that runs.
func TestFolderLimit(t *testing.T) {
	t.Parallel()
	v := newVolume(t)
	f := v.folder()
	files := settings{}
	for n := range custom.MaxIntegrations {
		name := fmt.Sprintf("n%03d", n)
		files[name+".yaml"] = strings.Replace(example(t, "opsgenie"), "name: opsgenie\n", "name: "+name+"\n", 1)
	}
	v.set(files)
	if _, err := f.Reload(); err != nil || len(f.Integrations()) != custom.MaxIntegrations {
		t.Fatalf("%v, %d integrations", err, len(f.Integrations()))
	}
	files["a.yaml"] = named("a", "One more")
	files["large.yaml"] = "# " + strings.Repeat("x", manifest.MaxBytes)
	v.set(files)
	_, err := f.Reload()
	const want = "a.yaml: There are more than 200 integrations.; large.yaml: There are more than 200 integrations."
	if err == nil || err.Error() != want || len(f.Integrations()) != custom.MaxIntegrations || f.Integrations()[0].Definition().Name != "custom_n000" {
		t.Errorf("%v, %d integrations", err, len(f.Integrations()))
	}
}

// The status says that a secret is missing, without its value or path.
func TestFolderSecrets(t *testing.T) {
	t.Parallel()
	v := newVolume(t)
	secrets := secretsDir(t, settings{"jira-automation/other": "x"})
	f := custom.NewFolder(v.dir, custom.Options{SecretsDir: secrets}, func(string) string { return "" })
	v.set(settings{"j.yaml": example(t, "jira-automation")})
	if _, err := f.Reload(); err != nil {
		t.Fatal(err)
	}
	if got := f.Status()[0].Problem; got != "key token of Secret jira-automation does not exist" {
		t.Errorf("problem %q", got)
	}
	if err := os.WriteFile(filepath.Join(secrets, "jira-automation", "token"), []byte("t"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := f.Status()[0].Problem; got != "" {
		t.Errorf("problem %q", got)
	}
}
