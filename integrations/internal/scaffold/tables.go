package main

import (
	"os"
)

// table is a list in the repository-wide tests with elements for single integrations.
type table struct{ file, variable string }

var (
	requests   = table{"integrations/requests_test.go", "byName"}
	repeats    = table{"integrations/conform_test.go", "repeats"}
	readsFirst = table{"integrations/conform_test.go", "readsFirst"}

	tables = []table{
		requests, repeats, readsFirst, apiVersions,
		{"integrations/conform_test.go", "otherProtocol"},
		{"integrations/conform_test.go", "kinds"},
		{"integrations/contract_test.go", "formsOfOurOwn"},
		{"integrations/contract_test.go", "fieldsOfOurOwn"},
		{"integrations/egress_test.go", "makesNoCalls"},
		{"integrations/pages_test.go", "takesAnyAnswer"},
	}
)

// add adds the element of an integration to a table.
func (r repository) add(to table, name, element string) error {
	s, err := r.source(to.file)
	if err != nil {
		return err
	}
	list, err := s.list(to.variable)
	if err != nil {
		return err
	}
	if err := s.insert(list, name, element); err != nil {
		return err
	}
	return r.write(to.file, s.text)
}

// drop removes the element of an integration from a table.
func (r repository) drop(from table, name string) error {
	s, err := r.source(from.file)
	if err != nil {
		return err
	}
	list, err := s.list(from.variable)
	if err != nil {
		return err
	}
	if err := s.remove(list, name); err != nil {
		return err
	}
	return r.write(from.file, s.text)
}

// prune removes what is left of integrations whose folders were deleted, and returns their names.
func (r repository) prune() ([]string, error) {
	gone, err := r.unregister()
	if err != nil {
		return nil, err
	}
	for _, name := range gone {
		for _, t := range tables {
			if err := r.drop(t, name); err != nil {
				return nil, err
			}
		}
		for _, file := range []string{iconFile(name), "integrations/testdata/definitions/" + name + ".json"} {
			if err := os.Remove(r.path(file)); err != nil && !os.IsNotExist(err) {
				return nil, err
			}
		}
	}
	return gone, nil
}
