package config_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"mvdan.cc/sh/v3/syntax"
	"sigs.k8s.io/yaml"
)

// command is one of a page: its words without quotes, after the variables that are set for it.
type command struct {
	page string
	env  []string
	args []string
}

func (c command) String() string { return fmt.Sprintf("%s: %q", c.page, strings.Join(c.args, " ")) }

var (
	indentedBlock = regexp.MustCompile(`(?m)(?:^(?:    |\t).*\n)+`)
	fencedBlock   = regexp.MustCompile("(?ms)^ *```(\\w*)\n(.*?)^ *```")
	inlineCode    = regexp.MustCompile("`([^`\n]+)`")
	// checkedCommand is what begins a line or a span that is a command.
	checkedCommand = regexp.MustCompile(`(?m)^\s*(?:[A-Z_]+=\S* )*(?:make|hub|bin/hub|kubectl|helm|go) \S`)
)

// commands are all of a page's blocks and spans that have one of the checked programs.
func commands(t *testing.T, page string) []command {
	t.Helper()
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	rest := fencedBlock.ReplaceAllStringFunc(string(content), func(block string) string {
		m := fencedBlock.FindStringSubmatch(block)
		if slices.Contains([]string{"", "sh", "bash", "console"}, m[1]) {
			texts = append(texts, m[2])
		}
		return ""
	})
	for _, block := range indentedBlock.FindAllString(rest, -1) {
		if !strings.Contains(block, "`") { // the text of a list
			texts = append(texts, block)
		}
	}
	for _, span := range inlineCode.FindAllStringSubmatch(rest, -1) {
		texts = append(texts, span[1])
	}
	var found []command
	for _, text := range texts {
		if !checkedCommand.MatchString(text) {
			continue
		}
		file, err := syntax.NewParser().Parse(strings.NewReader(text), page)
		if err != nil {
			t.Errorf("%s: a shell cannot read %q: %v", page, text, err)
			continue
		}
		syntax.Walk(file, func(node syntax.Node) bool {
			if call, ok := node.(*syntax.CallExpr); ok && len(call.Args) > 0 {
				c := command{page: page}
				for _, assign := range call.Assigns {
					c.env = append(c.env, assign.Name.Value)
				}
				for _, word := range call.Args {
					c.args = append(c.args, unquoted(word.Parts))
				}
				found = append(found, c)
			}
			return true
		})
	}
	return found
}

// unquoted is a word as the program gets it; $ stands for what only a run would tell.
func unquoted(parts []syntax.WordPart) string {
	var b strings.Builder
	for _, part := range parts {
		switch part := part.(type) {
		case *syntax.Lit:
			b.WriteString(part.Value)
		case *syntax.SglQuoted:
			b.WriteString(part.Value)
		case *syntax.DblQuoted:
			b.WriteString(unquoted(part.Parts))
		default:
			b.WriteString("$")
		}
	}
	return b.String()
}

// What pages say for copying exists: targets and variables of make, commands and flags of hub, kinds and fields of
// kubectl, values of the chart, and paths in the repository.
func TestCommands(t *testing.T) {
	t.Parallel()
	check := newCommandChecks(t)
	t.Run("pages", func(t *testing.T) { t.Parallel(); testPages(t, check) })
	t.Run("mistakes", func(t *testing.T) { t.Parallel(); testMistakes(t, check) })
}

func testPages(t *testing.T, check *commandChecks) {
	t.Helper()
	checked := map[string]int{}
	err := filepath.WalkDir("..", func(page string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "bin" || d.Name() == ".git" || d.Name() == ".cache"):
			return fs.SkipDir
		case filepath.Ext(page) != ".md":
			return nil
		}
		for _, c := range commands(t, page) {
			program := filepath.Base(c.args[0])
			checked[program]++
			for _, problem := range check.problems(program, c) {
				t.Errorf("%s: %s", c, problem)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for program, want := range map[string]int{"make": 30, "hub": 30, "kubectl": 40, "helm": 5, "go": 5} {
		if checked[program] < want {
			t.Errorf("found %d commands of %s, want at least %d", checked[program], program, want)
		}
	}
}

// Each kind of mistake is found.
func testMistakes(t *testing.T, check *commandChecks) {
	t.Helper()
	for name, tt := range map[string]struct{ command, want string }{
		"target":            {"make tset", "make has no target tset"},
		"variable":          {"make release VERSIONS=v1.0.0", "make reads no variable VERSIONS"},
		"environment":       {"CLUSTR=kind make demo", "make reads no variable CLUSTR"},
		"subcommand":        {"bin/hub migrate chek .env", "hub migrate has no command chek"},
		"command":           {"hub serv", "hub has no command serv"},
		"flag":              {"hub serve --devel", "hub serve has no flag --devel"},
		"kind":              {"kubectl -n looker get integrationhub,integrations", "there is no kind integrations"},
		"kind with a name":  {"kubectl logs deploymnt/actions -f", "there is no kind deploymnt"},
		"field of jsonpath": {"kubectl get integrationhub actions -o jsonpath={.status.adress}", "integrationhub has no field status.adress"},
		"field of a patch": {
			`kubectl patch integrationhub actions --type merge -p '{"spec": {"replica": 1}}'`, "integrationhub has no field spec.replica",
		},
		"field to explain": {"kubectl explain integrationhub.spec.tsl", "integrationhub has no field spec.tsl"},
		"condition":        {"kubectl wait --for=condition=Raedy integrationhub/actions", "there is no condition Raedy"},
		"value":            {"helm upgrade hub charts/integration-hub --set image.repo=x", "the chart has no value image.repo"},
		"path":             {"kubectl apply -k config/defaults", "config/defaults does not exist"},
		"package":          {"go test ./hub/payloads/...", "./hub/payloads does not exist"},
		"quoted path":      {`hub migrate check "config/.env.sample"`, "config/.env.sample does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			page := filepath.Join(t.TempDir(), "page.md")
			if err := os.WriteFile(page, []byte("Text:\n\n    "+tt.command+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			var problems []string
			for _, c := range commands(t, page) {
				problems = append(problems, check.problems(filepath.Base(c.args[0]), c)...)
			}
			if !slices.Equal(problems, []string{tt.want}) {
				t.Errorf("problems %q, want %q", problems, tt.want)
			}
		})
	}
}

// commandChecks is what commands can name.
type commandChecks struct {
	makefile string
	scripts  string // of make's targets, which read variables, too
	crds     map[string]*apiextensionsv1.JSONSchemaProps
	values   map[string]any
	hub      hubHelp
}

func newCommandChecks(t *testing.T) *commandChecks {
	t.Helper()
	read := func(file string) string {
		text, err := os.ReadFile(filepath.FromSlash(file))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	c := &commandChecks{makefile: read("../Makefile"), crds: map[string]*apiextensionsv1.JSONSchemaProps{}, hub: buildHub(t)}
	for _, folder := range []string{"local", "local/demo", "local/e2e", "local/node", "local/process", "local/vm"} {
		entries, err := os.ReadDir(filepath.FromSlash(folder))
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			if entry.Type().IsRegular() && (filepath.Ext(entry.Name()) == "" || filepath.Ext(entry.Name()) == ".sh") {
				c.scripts += read(folder + "/" + entry.Name())
			}
		}
	}
	if err := yaml.Unmarshal([]byte(read("../charts/integration-hub/values.yaml")), &c.values); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join("crd", "bases", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		crd := &apiextensionsv1.CustomResourceDefinition{}
		if err := yaml.Unmarshal([]byte(read(file)), crd); err != nil {
			t.Fatal(err)
		}
		names := crd.Spec.Names
		for _, name := range append([]string{names.Plural, names.Singular}, names.ShortNames...) {
			c.crds[name] = crd.Spec.Versions[0].Schema.OpenAPIV3Schema
		}
	}
	return c
}

// problems are what a command names and is not there.
func (c *commandChecks) problems(program string, cmd command) []string {
	var problems []string
	switch program {
	case "make":
		problems = c.make(cmd)
	case "hub":
		problems = c.hub.problems(cmd.args[1:])
	case "kubectl":
		problems = c.kubectl(cmd.args[1:])
	case "helm":
		problems = c.helm(cmd.args[1:])
	}
	for _, arg := range cmd.args {
		if file := repositoryPath(arg); file != "" {
			if _, err := os.Stat(filepath.Join("..", file)); err != nil {
				problems = append(problems, file+" does not exist")
			}
		}
	}
	return problems
}

// exampleIntegration is what the page about a new integration creates.
const exampleIntegration = "integrations/acmecrm"

var inRepository = regexp.MustCompile(`^(?:\./)?(?:api|charts|config|controllers|hub|icons|integrations)/[\w./-]+$`)

// repositoryPath is the path that an argument is, as far as it is known; "" if it is none.
func repositoryPath(arg string) string {
	arg = strings.TrimSuffix(arg, "/...")
	if !inRepository.MatchString(arg) || strings.TrimPrefix(arg, "./") == exampleIntegration {
		return ""
	}
	return arg
}

func (c *commandChecks) make(cmd command) []string {
	var problems []string
	variables := cmd.env
	for _, arg := range cmd.args[1:] {
		name, _, assigned := strings.Cut(arg, "=")
		switch {
		case assigned:
			variables = append(variables, name)
		case strings.HasPrefix(arg, "-") || strings.Contains(arg, "$"):
		case !regexp.MustCompile(`(?m)^(?:[\w-]+ )*` + regexp.QuoteMeta(arg) + `(?: [\w-]+)*:`).MatchString(c.makefile):
			problems = append(problems, "make has no target "+arg)
		}
	}
	for _, name := range variables {
		if !regexp.MustCompile(`\$[({]*` + regexp.QuoteMeta(name) + `\b`).MatchString(c.makefile + c.scripts) {
			problems = append(problems, "make reads no variable "+name)
		}
	}
	return problems
}

func (c *commandChecks) helm(args []string) []string {
	var problems []string
	for i, arg := range args {
		if !strings.HasPrefix(arg, "--set") || i+1 == len(args) {
			continue
		}
		_, pairs, joined := strings.Cut(arg, "=")
		if !joined {
			pairs = args[i+1]
		}
		for pair := range strings.SplitSeq(pairs, ",") {
			name, _, assigned := strings.Cut(pair, "=")
			if assigned && !hasValue(c.values, strings.Split(name, ".")) {
				problems = append(problems, "the chart has no value "+name)
			}
		}
	}
	return problems
}

// hasValue is whether a value is in values.yaml, or could be below one that is empty there.
func hasValue(values map[string]any, path []string) bool {
	name, _, _ := strings.Cut(path[0], "[")
	value, found := values[name]
	if !found || len(path) == 1 {
		return found
	}
	below, isMap := value.(map[string]any)
	return value == nil || isMap && (len(below) == 0 || hasValue(below, path[1:]))
}

// builtin are the kinds of Kubernetes and of others that pages name.
var builtin = strings.Fields(`all certificate certificaterequest clusterissuer clusterrole clusterrolebinding configmap crd cronjob
	customresourcedefinition daemonset deploy deployment endpoints endpointslice event gateway hpa horizontalpodautoscaler httproute ingress
	job lease limitrange namespace networkpolicy node ns pod poddisruptionbudget pdb prometheusrule replicaset resourcequota role rolebinding
	secret service servicemonitor serviceaccount statefulset svc validatingadmissionpolicy validatingadmissionpolicybinding`)

// kubectlVerbs are those whose first argument is a kind. Others are followed by one word more, or take none.
var (
	kubectlVerbs = strings.Fields("get describe delete annotate label patch scale edit explain wait port-forward logs exec create")
	kubectlFlags = strings.Fields("-n --namespace --context -l --selector -o --output -p --patch --type --for --timeout -c --container -f -k --tail --since")
	jsonPath     = regexp.MustCompile(`\{\.((?:spec|status)(?:\.\w+)*)\}`)
	condition    = regexp.MustCompile(`^condition=(\w+)`)
)

func (c *commandChecks) kubectl(args []string) []string {
	var words, problems []string
	flags := map[string]string{}
	for i := 0; i < len(args); i++ {
		name, value, joined := strings.Cut(args[i], "=")
		switch {
		case args[i] == "--": // the command of exec
			i = len(args)
		case !strings.HasPrefix(args[i], "-"):
			words = append(words, args[i])
		case joined:
			flags[name] = value
		case slices.Contains(kubectlFlags, name) && i+1 < len(args):
			i++
			flags[name] = args[i]
		}
	}
	if len(words) > 1 && words[0] == "rollout" {
		words = append([]string{"get"}, words[2:]...)
	}
	if len(words) < 2 || !slices.Contains(kubectlVerbs, words[0]) || strings.ContainsAny(words[1], "$…<") {
		return nil
	}
	kinds, _, named := strings.Cut(words[1], "/")
	if !named && slices.Contains([]string{"logs", "exec", "port-forward"}, words[0]) { // a pod's name
		return nil
	}
	kinds = strings.Trim(kinds, "{}")
	if words[0] == "explain" {
		kind, path, _ := strings.Cut(kinds, ".")
		return append(problems, c.fields(kind, path)...)
	}
	for kind := range strings.SplitSeq(kinds, ",") {
		kind, _, _ = strings.Cut(strings.ToLower(kind), ".")
		if schema := c.crds[kind]; schema == nil {
			if !slices.Contains(builtin, kind) && !slices.Contains(builtin, strings.TrimSuffix(kind, "s")) && kind != "networkpolicies" {
				problems = append(problems, "there is no kind "+kind)
			}
			continue
		}
		for _, m := range jsonPath.FindAllStringSubmatch(flags["-o"]+flags["--output"]+flags["--for"], -1) {
			problems = append(problems, c.fields(kind, m[1])...)
		}
		problems = append(problems, c.patch(kind, flags["-p"]+flags["--patch"])...)
		if m := condition.FindStringSubmatch(flags["--for"]); m != nil && !isCondition(m[1]) {
			problems = append(problems, "there is no condition "+m[1])
		}
	}
	return problems
}

// isCondition is whether the API has a condition type of this name.
func isCondition(name string) bool {
	files, err := filepath.Glob(filepath.FromSlash("../api/v1alpha1/*conditions.go"))
	for _, file := range files {
		text, readErr := os.ReadFile(file)
		if readErr == nil && strings.Contains(string(text), "\t"+name+" = \""+name+"\"\n") {
			return true
		}
	}
	return err != nil
}

// fields are the problems of a path in a kind's schema, such as spec.tls.
func (c *commandChecks) fields(kind, path string) []string {
	schema := c.crds[kind]
	if schema == nil || path == "" {
		return nil
	}
	for name := range strings.SplitSeq(path, ".") {
		for schema.Items != nil {
			schema = schema.Items.Schema
		}
		if schema.AdditionalProperties != nil || schema.XPreserveUnknownFields != nil {
			return nil
		}
		next, found := schema.Properties[name]
		if !found {
			return []string{fmt.Sprintf("%s has no field %s", kind, path)}
		}
		schema = &next
	}
	return nil
}

// patch are the problems of a merge patch, and of a JSON patch's paths.
func (c *commandChecks) patch(kind, text string) []string {
	if text == "" || strings.Contains(text, "$") {
		return nil
	}
	var operations []struct{ Path string }
	if json.Unmarshal([]byte(text), &operations) == nil {
		var problems []string
		for _, operation := range operations {
			path := strings.ReplaceAll(strings.TrimPrefix(operation.Path, "/"), "/", ".")
			if strings.HasPrefix(path, "spec.") {
				problems = append(problems, c.fields(kind, strings.TrimSuffix(path, ".-"))...)
			}
		}
		return problems
	}
	var merge map[string]any
	if err := yaml.Unmarshal([]byte(text), &merge); err != nil {
		return []string{"the patch is no object: " + err.Error()}
	}
	delete(merge, "metadata")
	var problems []string
	for _, path := range leaves("", merge) {
		problems = append(problems, c.fields(kind, path)...)
	}
	return problems
}

// leaves are the paths of an object's values.
func leaves(prefix string, object map[string]any) []string {
	var paths []string
	for name, value := range object {
		if below, isObject := value.(map[string]any); isObject && len(below) > 0 {
			paths = append(paths, leaves(prefix+name+".", below)...)
		} else {
			paths = append(paths, prefix+name)
		}
	}
	return paths
}
