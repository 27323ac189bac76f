package page

import (
	"cmp"
	"slices"
	"strings"
)

// Group is a category with its integrations.
type Group struct {
	Name         string
	Integrations []Integration
}

// Attention returns the integrations that are unavailable although somebody meant to enable them.
func (i Index) Attention() []Integration {
	return i.filter(func(e Integration) bool { return e.Fault })
}

// Problems is the number of entries that need attention.
func (i Index) Problems() int { return len(i.Attention()) + len(i.Notices) }

// Available returns the available integrations by category.
func (i Index) Available() []Group {
	return groups(i.filter(func(e Integration) bool { return e.Reason == "" }))
}

// NotEnabled returns the integrations that are not enabled, by category.
func (i Index) NotEnabled() []Group {
	return groups(i.filter(func(e Integration) bool { return e.Reason != "" && !e.Fault }))
}

func (i Index) filter(keep func(Integration) bool) []Integration {
	return slices.DeleteFunc(slices.Clone(i.Integrations), func(e Integration) bool { return !keep(e) })
}

// groups keeps the order of categories in which their first integrations are named.
func groups(integrations []Integration) []Group {
	byName := map[string][]Integration{}
	for _, e := range integrations {
		name := cmp.Or(e.Category, "Other")
		byName[name] = append(byName[name], e)
	}
	var all []Group
	for name, list := range byName {
		all = append(all, Group{name, list})
	}
	slices.SortFunc(all, func(a, b Group) int {
		return cmp.Or(cmp.Compare(len(b.Integrations), len(a.Integrations)), cmp.Compare(a.Name, b.Name))
	})
	return all
}

// Count is the number of integrations in groups.
func Count(groups []Group) (n int) {
	for _, g := range groups {
		n += len(g.Integrations)
	}
	return n
}

// Categories are the categories by which the list can be filtered.
func (i Index) Categories() []string {
	return i.choices(func(e Integration) []string { return []string{cmp.Or(e.Category, "Other")} })
}

// ActionTypes are the names of the supported action types.
func (i Index) ActionTypes() []string { return i.choices(Integration.Accepts) }

// FormatChoices are the names of the supported formats.
func (i Index) FormatChoices() []string { return i.choices(Integration.FormatNames) }

func (i Index) choices(of func(Integration) []string) []string {
	var all []string
	for _, e := range i.Integrations {
		all = append(all, of(e)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// list joins names for the page's script.
func list(names []string) string {
	var b strings.Builder
	for _, name := range names {
		b.WriteString(name + "|")
	}
	return b.String()
}
