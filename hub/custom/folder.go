package custom

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"integrationhub.dev/hub/custom/manifest"
)

// MaxIntegrations is the maximum number of integrations in a folder.
const MaxIntegrations = 200

// Folder is a folder with a file for each integration.
type Folder struct {
	dir     string
	options Options
	// Taken returns why an integration with a name cannot be offered, or "".
	taken func(name string) string

	signature string
	files     map[string]*file
}

// file is a file and the last version of it that was valid.
type file struct {
	integration *Integration
	digest      string
	// problem is what is wrong with the newest version, whose digest is failed.
	problem, failed string
}

// Status is which version of an integration runs, and what is wrong with a newer one.
type Status struct {
	// Name is the integration's name in Looker; empty if no version of the file was valid.
	Name string `json:"name,omitempty"`
	File string `json:"file"`
	// Digest is the SHA-256 of the version that runs; empty if none does.
	Digest string `json:"digest,omitempty"`
	// Problem is what is wrong with the newest version, whose digest is FailedDigest; or with its secrets.
	Problem      string `json:"problem,omitempty"`
	FailedDigest string `json:"failed_digest,omitempty"`
}

// NewFolder returns a folder that is not read yet. taken returns why an integration with a name cannot be
// offered, or "".
func NewFolder(dir string, o Options, taken func(name string) string) *Folder {
	return &Folder{dir: dir, options: o, taken: taken, files: map[string]*file{}}
}

// dataLink is the link by which Kubernetes replaces all files of a volume at once.
const dataLink = "..data"

// Reload reads the folder again if it changed, and reports whether it did. An integration whose file is not
// valid keeps its last version. If the folder cannot be read, all keep theirs.
//
// Its error names what cannot be read, or the files with problems.
func (f *Folder) Reload() (changed bool, err error) {
	base, names, signature, err := f.list()
	if err != nil {
		return false, err
	}
	if signature == f.signature {
		return false, f.problems()
	}
	contents := map[string][]byte{}
	for _, name := range names {
		if contents[name], err = readFile(filepath.Join(base, name)); err != nil {
			return false, err // perhaps it is being replaced
		}
	}
	if again, _, _, err := f.list(); err != nil || again != base {
		return false, errors.New("the folder of integrations changed while it was being read")
	}
	f.signature = signature
	f.load(names, contents)
	return true, f.problems()
}

// list returns the folder that holds the files, their names, and what changes with them.
func (f *Folder) list() (base string, names []string, signature string, err error) {
	base = f.dir
	if target, err := filepath.EvalSymlinks(filepath.Join(f.dir, dataLink)); err == nil {
		base = target
	}
	entries, err := os.ReadDir(base)
	if err != nil {
		return "", nil, "", errors.New("the folder of integrations cannot be read")
	}
	var b strings.Builder
	b.WriteString(base)
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, ".") || !slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(name)) {
			continue
		}
		info, err := os.Stat(filepath.Join(base, name))
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		names = append(names, name)
		fmt.Fprintf(&b, "\n%s %d %d", name, info.Size(), info.ModTime().UnixNano())
	}
	return base, names, b.String(), nil
}

// readFile reads a file up to a little more than its maximum size, which is then a problem.
func readFile(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("the file %s cannot be read", filepath.Base(name))
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, manifest.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("the file %s cannot be read", filepath.Base(name))
	}
	return text, nil
}

// load replaces the versions of files. Those that run already come first, so that a new file never takes
// the place or the name of one that runs.
func (f *Folder) load(names []string, contents map[string][]byte) {
	old := f.files
	runs := func(name string) bool { return old[name] != nil && old[name].integration != nil }
	slices.SortStableFunc(names, func(a, b string) int {
		switch {
		case runs(a) == runs(b):
			return cmp.Compare(a, b)
		case runs(a):
			return -1
		default:
			return 1
		}
	})
	f.files = map[string]*file{}
	owners := map[string]string{}
	for _, name := range names { // what runs keeps its name until its own file changes it
		if runs(name) {
			owners[old[name].integration.definition.Name] = name
		}
	}
	running := 0
	for _, name := range names {
		previous := old[name]
		if previous == nil {
			previous = &file{}
		}
		current := f.version(name, contents[name], previous, owners, running)
		f.files[name] = current
		if current.integration != nil {
			running++
			owners[current.integration.definition.Name] = name
		}
	}
}

// version compiles the newest version of a file, or returns the previous one with the problem.
func (f *Folder) version(name string, text []byte, previous *file, owners map[string]string, running int) *file {
	sum := sha256.Sum256(text)
	digest := hex.EncodeToString(sum[:])
	if digest == previous.digest && previous.integration != nil {
		return &file{integration: previous.integration, digest: digest}
	}
	failed := func(problem string) *file {
		return &file{integration: previous.integration, digest: previous.digest, problem: problem, failed: digest}
	}
	if running >= MaxIntegrations {
		return failed(fmt.Sprintf("%s: There are more than %d integrations.", name, MaxIntegrations))
	}
	m, err := manifest.Parse(name, text)
	var i *Integration
	if err == nil {
		i, err = Compile(m, f.options)
	}
	if err != nil {
		return failed(err.Error())
	}
	if owner := owners[i.definition.Name]; owner != "" && owner != name {
		return failed(fmt.Sprintf("%s: The name %s is already used by %s.", name, i.definition.Name, owner))
	}
	if reason := f.taken(i.definition.Name); reason != "" {
		return failed(fmt.Sprintf("%s: %s", name, reason))
	}
	return &file{integration: i, digest: digest}
}

// problems returns the problems of all files as one error, or nil.
func (f *Folder) problems() error {
	var problems []string
	for _, name := range f.names() {
		if p := f.files[name].problem; p != "" {
			problems = append(problems, p)
		}
	}
	if problems == nil {
		return nil
	}
	return errors.New(strings.Join(problems, "; "))
}

func (f *Folder) names() []string {
	names := make([]string, 0, len(f.files))
	for name := range f.files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Integrations returns those that run, in the order of their names.
func (f *Folder) Integrations() []*Integration {
	var all []*Integration
	for _, file := range f.files {
		if file.integration != nil {
			all = append(all, file.integration)
		}
	}
	slices.SortFunc(all, func(a, b *Integration) int { return cmp.Compare(a.definition.Name, b.definition.Name) })
	return all
}

// Status returns which versions run, in the order of their files.
func (f *Folder) Status() []Status {
	all := []Status{}
	for _, name := range f.names() {
		file := f.files[name]
		s := Status{File: name, Digest: file.digest, Problem: file.problem, FailedDigest: file.failed}
		if file.integration != nil {
			s.Name = file.integration.definition.Name
			if missing := file.integration.missingSecrets(); s.Problem == "" && len(missing) > 0 {
				s.Problem = strings.Join(missing, "; ")
			}
		}
		all = append(all, s)
	}
	return all
}
