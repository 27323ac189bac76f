package migrate

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// assignment is a line of a .env file as the reference's library reads it, see
// https://github.com/motdotla/dotenv#what-rules-does-the-parsing-engine-follow: a value in quotes can have several
// lines, and a # outside of quotes begins a comment. Go's libraries replace $NAME in values, which that one does
// not, and would change a secret.
var assignment = regexp.MustCompile(`(?m)^[ \t]*(?:export[ \t]+)?([\w.-]+)[ \t]*[=:][ \t]*` +
	"('(?:\\\\'|[^'])*'|\"(?:\\\\\"|[^\"])*\"|`(?:\\\\`|[^`])*`|[^#\\r\\n]*)" + `[ \t]*(?:#.*)?$`)

var (
	// environmentVariable is a line with which a variable begins in the output of env.
	environmentVariable = regexp.MustCompile(`(?m)^([A-Za-z_]\w*)=(.*)$`)
	// searchPath is in the output of env in every container, and not in a .env file.
	searchPath = regexp.MustCompile(`(?m)^PATH=/`)
	// objectOrList is a line of a Kubernetes object, or of a list of variables in a Compose file.
	objectOrList = regexp.MustCompile(`(?m)^(?:apiVersion:|[ \t]*-[ \t]+"?[A-Z][A-Z0-9_]*=)`)
)

// ErrNoEnvironment is returned for a file of another kind.
var ErrNoEnvironment = errors.New("it has to be a .env file, or the output of env in the hub's container " +
	"(kubectl exec deploy/action-hub -- env, or docker compose exec action-hub env)")

// ParseEnvironment returns the variables of a .env file or of the output of env, whose values are as they are: a # or
// a quote is a part of them.
func ParseEnvironment(text string) (map[string]string, error) {
	text = strings.TrimPrefix(text, "\ufeff") // Windows' editors write it
	if objectOrList.MatchString(text) {
		return nil, ErrNoEnvironment
	}
	environment := parseDotenv(text)
	if searchPath.MatchString(text) {
		environment = parseOutputOfEnv(text)
	}
	if len(environment) == 0 {
		return nil, fmt.Errorf("no line is such as ACTION_HUB_LABEL=…: %w", ErrNoEnvironment)
	}
	return environment, nil
}

// parseOutputOfEnv reads a value up to the next line that begins a variable.
func parseOutputOfEnv(text string) map[string]string {
	environment := map[string]string{}
	name := ""
	for line := range strings.Lines(strings.TrimSuffix(text, "\n")) {
		m := environmentVariable.FindStringSubmatch(strings.TrimRight(line, "\r\n"))
		switch {
		case m != nil:
			name = m[1]
			environment[name] = m[2]
		case name != "":
			environment[name] += "\n" + strings.TrimRight(line, "\r\n")
		}
	}
	return environment
}

// parseDotenv returns the variables of a .env file. Of a name that occurs twice, the last value counts.
func parseDotenv(text string) map[string]string {
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
