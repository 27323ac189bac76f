package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"os"
	"regexp"
	"slices"
	"strings"
)

// apiVersions is the table of the versions of vendors' APIs.
var apiVersions = table{"integrations/apis.go", "apis"}

var apiList = regexp.MustCompile(`(?s)(<!-- API versions: [^\n]*-->\n).*?(<!-- end -->)`)

// apis is the integrations' README with a row for each version of a vendor's API in use.
func (r repository) apis() ([]byte, error) {
	s, err := r.source(apiVersions.file)
	if err != nil {
		return nil, err
	}
	list, err := s.list(apiVersions.variable)
	if err != nil {
		return nil, err
	}
	rows, err := apiRows(list)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	text, err := os.ReadFile(r.path(apiTable))
	if err != nil {
		return nil, err
	}
	place := apiList.FindSubmatchIndex(text)
	if place == nil {
		return nil, fmt.Errorf("%s has no place for the list of API versions", apiTable)
	}
	const head = "| API | version | end of life | integrations |\n| --- | --- | --- | --- |\n"
	return slices.Concat(text[:place[3]], []byte(head+strings.Join(rows, "")), text[place[4]:]), nil
}

// apiRow is an API, and the integrations that call it.
type apiRow struct {
	name, version, end, source string
	integrations               []string
}

// apiRows are the rows in the order of their end, and then of their names.
func apiRows(list *ast.CompositeLit) ([]string, error) {
	var all []*apiRow
	for _, e := range list.Elts {
		pair, ok := e.(*ast.KeyValueExpr)
		if !ok {
			return nil, fmt.Errorf("an entry of %s has no name", apiVersions.variable)
		}
		apis, ok := pair.Value.(*ast.CompositeLit)
		if !ok {
			return nil, fmt.Errorf("the entry of %s is not a list", key(e))
		}
		for _, element := range apis.Elts {
			api, ok := element.(*ast.CompositeLit)
			if !ok {
				return nil, fmt.Errorf("an API of %s is not a literal", key(e))
			}
			row := &apiRow{
				name: key(field(api, "Name")), version: key(field(api, "Version")),
				end: key(field(api, "EndOfLife")), source: key(field(api, "Source")),
			}
			same := slices.IndexFunc(all, func(r *apiRow) bool { return r.name == row.name && r.version == row.version })
			if same < 0 {
				all, same = append(all, row), len(all)
			}
			all[same].integrations = append(all[same].integrations, "`"+key(e)+"`")
		}
	}
	slices.SortFunc(all, func(a, b *apiRow) int {
		return cmp.Or(cmp.Compare(cmp.Or(a.end, "9999"), cmp.Or(b.end, "9999")), cmp.Compare(a.name, b.name))
	})
	rows := make([]string, len(all))
	for i, r := range all {
		rows[i] = fmt.Sprintf("| [%s](%s) | %s | %s | %s |\n",
			r.name, r.source, r.version, cmp.Or(r.end, "none announced"), strings.Join(r.integrations, ", "))
	}
	return rows, nil
}
