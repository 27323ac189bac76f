package config

import (
	"maps"
	"slices"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/env"
	"integrationhub.dev/hub/suggest"
)

// Unknown is a variable that looks like a setting but is none.
type Unknown struct {
	Name string
	// Integration is the one whose prefix the name has, or empty.
	Integration string
	// Suggestion is ", did you mean X?" or empty.
	Suggestion string
}

// encryptPrefix and an integration's name are a setting for that one.
const encryptPrefix = env.EncryptPayload + "_"

// settingNames returns the hub's own settings: current, former and ignored ones, and those with another
// reader than Config.
func settingNames() []string {
	all := action.SettingNames[Config]()
	all = slices.AppendSeq(all, maps.Keys(aliases))
	all = slices.AppendSeq(all, maps.Keys(ignoredSettings))
	return append(all, "ACTION_HUB_DEBUG", env.DebugEndpoint)
}

// minTypo is the length from which a name that is like a setting's is taken for a typo.
const minTypo = 8

// UnknownSettings returns the variables in an environment that are like settings of the hub or of an
// integration, in order: they have its prefix, or differ by a letter or two. integrations maps names to
// the settings that each one reads.
func (c Config) UnknownSettings(environment map[string]string, integrations map[string][]string) []Unknown {
	known := settingNames()
	owners, prefixes := map[string]string{}, prefixesOf(integrations)
	for _, name := range slices.Sorted(maps.Keys(integrations)) {
		encrypt := encryptPrefix + strings.ToUpper(name)
		for _, setting := range append(integrations[name], encrypt) {
			known, owners[setting] = append(known, setting), name
		}
	}
	var unknown []Unknown
	for _, name := range slices.Sorted(maps.Keys(environment)) {
		if environment[name] == "" || slices.Contains(known, name) || slices.Contains(c.KnownSettings, name) || isServiceLink(name) {
			continue
		}
		var similar []string
		if len(name) >= minTypo {
			similar = suggest.Names(name, known)
		}
		prefix := longestPrefix(name, prefixes)
		u := Unknown{Name: name, Integration: prefixes[prefix]}
		switch {
		case prefix == "" && len(similar) == 0:
			continue
		case prefix == "":
			u.Integration = owners[similar[0]]
		}
		if len(similar) > 0 {
			u.Suggestion = suggest.Text(name, known)
		}
		unknown = append(unknown, u)
	}
	return unknown
}

// prefixesOf maps the prefixes of settings to integrations, and the hub's to "". An integration's are
// its name in uppercase, and what its settings have in common, unless they are shared with another
// one, or reserved for the runtime, such as AWS_REGION. A word with which the names of several
// integrations begin, such as GOOGLE, is not a prefix: programs of that vendor have variables too.
func prefixesOf(integrations map[string][]string) map[string]string {
	readers, families := map[string]int{}, map[string]int{}
	for name, settings := range integrations {
		word, _, _ := strings.Cut(strings.ToUpper(name), "_")
		families[word+"_"]++
		for _, setting := range settings {
			readers[setting]++
		}
	}
	prefixes := map[string]string{"ACTION_HUB_": "", encryptPrefix: ""}
	for name, settings := range integrations {
		own := slices.DeleteFunc(slices.Clone(settings), func(s string) bool { return readers[s] > 1 || env.Reserved(s) })
		if common := commonPrefix(own); common != "" && families[common] < 2 {
			prefixes[common] = name
		}
		prefixes[strings.ToUpper(name)+"_"] = name
	}
	return prefixes
}

// commonPrefix returns the words with which all names begin, each with its underscore.
func commonPrefix(names []string) string {
	if len(names) == 0 {
		return ""
	}
	prefix := withoutLastWord(names[0])
	for _, name := range names[1:] {
		for !strings.HasPrefix(name, prefix) {
			prefix = withoutLastWord(strings.TrimSuffix(prefix, "_"))
		}
	}
	return prefix
}

// withoutLastWord returns A_B_ for A_B_C.
func withoutLastWord(name string) string { return name[:strings.LastIndexByte(name, '_')+1] }

func longestPrefix(name string, prefixes map[string]string) (longest string) {
	for prefix := range prefixes {
		if strings.HasPrefix(name, prefix) && len(prefix) > len(longest) {
			longest = prefix
		}
	}
	return longest
}

// isServiceLink reports whether Kubernetes sets a variable for a Service, whose name may be that of an
// integration: https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
func isServiceLink(name string) bool {
	return strings.HasSuffix(name, "_SERVICE_HOST") || strings.Contains(name, "_SERVICE_PORT") ||
		strings.HasSuffix(name, "_PORT") || strings.Contains(name, "_PORT_")
}
