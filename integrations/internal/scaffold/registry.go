package main

import (
	"errors"
	"fmt"
	"go/ast"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
)

const (
	registryFile = "integrations/integrations.go"
	module       = "integrationhub.dev/"
)

// group is a heading with integrations.
type group struct {
	title        string
	integrations []integration
	list         *ast.CompositeLit
}

// integration is a registration: a name in Looker's API and a folder below integrations/.
type integration struct{ name, folder string }

// groups reads the function Groups of integrations.go.
func (s *source) groups() ([]group, error) {
	all, err := s.returned("Groups")
	if err != nil {
		return nil, err
	}
	groups := make([]group, 0, len(all.Elts))
	for _, element := range all.Elts {
		literal, ok := element.(*ast.CompositeLit)
		if !ok {
			return nil, fmt.Errorf("%s: a group is not a literal", s.name)
		}
		g := group{title: key(field(literal, "Title"))}
		if g.list, ok = field(literal, "Integrations").(*ast.CompositeLit); !ok || g.title == "" {
			return nil, fmt.Errorf("%s: a group has no title or no list of integrations", s.name)
		}
		for _, e := range g.list.Elts {
			i := integration{name: key(e)}
			if registration, ok := e.(*ast.CompositeLit); ok {
				if constructor, ok := field(registration, "New").(*ast.SelectorExpr); ok {
					i.folder = fmt.Sprint(constructor.X)
				}
			}
			if i.name == "" || i.folder == "" {
				return nil, fmt.Errorf(`%s: a registration in %q is not like {Name: "x", New: x.New}`, s.name, g.title)
			}
			g.integrations = append(g.integrations, i)
		}
		groups = append(groups, g)
	}
	return groups, nil
}

// returned is the literal that a function returns.
func (s *source) returned(function string) (found *ast.CompositeLit, err error) {
	for _, d := range s.file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Name.Name != function || len(f.Body.List) != 1 {
			continue
		}
		if r, ok := f.Body.List[0].(*ast.ReturnStmt); ok && len(r.Results) == 1 {
			found, _ = r.Results[0].(*ast.CompositeLit)
		}
	}
	if found == nil {
		return nil, fmt.Errorf("%s: the function %s does not return a list", s.name, function)
	}
	return found, nil
}

// registered reads the registry.
func (r repository) registered() (*source, []group, error) {
	s, err := r.source(registryFile)
	if err != nil {
		return nil, nil, err
	}
	groups, err := s.groups()
	return s, groups, err
}

// names returns the names of all integrations in their order.
func names(groups []group) []string {
	var all []string
	for _, g := range groups {
		for _, i := range g.integrations {
			all = append(all, i.name)
		}
	}
	slices.Sort(all)
	return all
}

// register adds an integration to a group.
func (r repository) register(title string, i integration) error {
	s, groups, err := r.registered()
	if err != nil {
		return err
	}
	at := slices.IndexFunc(groups, func(g group) bool { return g.title == title })
	if at < 0 {
		return fmt.Errorf("%s has no group %q", registryFile, title)
	}
	if err := s.insert(groups[at].list, i.name, fmt.Sprintf("{Name: %q, New: %s.New}", i.name, i.folder)); err != nil {
		return err
	}
	if err := s.importPackage(module + "integrations/" + i.folder); err != nil {
		return err
	}
	return r.write(registryFile, s.text)
}

// importPackage adds an import after the last one that is before it in order.
func (s *source) importPackage(path string) error {
	var after *ast.ImportSpec
	for _, spec := range s.file.Imports {
		if p := importPath(spec); strings.HasPrefix(p, module) && p < path {
			after = spec
		}
	}
	if after == nil {
		return fmt.Errorf("%s imports nothing of this module before %s", s.name, path)
	}
	return s.replace(after.End(), after.End(), "\n"+strconv.Quote(path))
}

func importPath(spec *ast.ImportSpec) string {
	path, _ := strconv.Unquote(spec.Path.Value)
	return path
}

// unregister removes the integrations whose folders do not exist, and returns their names.
func (r repository) unregister() ([]string, error) {
	s, groups, err := r.registered()
	if err != nil {
		return nil, err
	}
	var gone []string
	for at := range groups {
		for _, i := range groups[at].integrations {
			if _, err := os.Stat(r.path("integrations/" + i.folder)); !errors.Is(err, fs.ErrNotExist) {
				continue
			}
			gone = append(gone, i.name)
			current, err := s.groups() // positions change with each removal
			if err != nil {
				return nil, err
			}
			if err := s.remove(current[at].list, i.name); err != nil {
				return nil, err
			}
			if err := s.dropImport(module + "integrations/" + i.folder); err != nil {
				return nil, err
			}
		}
	}
	return gone, r.write(registryFile, s.text)
}

func (s *source) dropImport(path string) error {
	for i, spec := range s.file.Imports {
		if importPath(spec) == path && i > 0 {
			return s.replace(s.file.Imports[i-1].End(), spec.End(), "")
		}
	}
	return nil
}
