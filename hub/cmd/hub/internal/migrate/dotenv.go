package migrate

import (
	"regexp"
	"strings"
)

// assignment is a line of a .env file as the reference's library reads it, see
// https://github.com/motdotla/dotenv#what-rules-does-the-parsing-engine-follow: a value in quotes can have several
// lines, and a # outside of quotes begins a comment. Go's libraries replace $NAME in values, which that one does
// not, and would change a secret.
var assignment = regexp.MustCompile(`(?m)^[ \t]*(?:export[ \t]+)?([\w.-]+)[ \t]*[=:][ \t]*` +
	"('(?:\\\\'|[^'])*'|\"(?:\\\\\"|[^\"])*\"|`(?:\\\\`|[^`])*`|[^#\\r\\n]*)" + `[ \t]*(?:#.*)?$`)

// ParseDotenv returns the variables of a .env file. Of a name that occurs twice, the last value counts.
func ParseDotenv(text string) map[string]string {
	environment := map[string]string{}
	for _, m := range assignment.FindAllStringSubmatch(strings.ReplaceAll(text, "\r\n", "\n"), -1) {
		environment[m[1]] = unquote(strings.TrimSpace(m[2]))
	}
	return environment
}

func unquote(value string) string {
	if len(value) < 2 || value[0] != value[len(value)-1] || !strings.ContainsRune("'\"`", rune(value[0])) {
		return value
	}
	inner := value[1 : len(value)-1]
	if value[0] == '"' {
		inner = strings.NewReplacer(`\n`, "\n", `\r`, "\r").Replace(inner)
	}
	return inner
}
