package charts_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	_ "sigs.k8s.io/controller-runtime/pkg/controller" // registers what a manager exports
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/yaml"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers"
	"integrationhub.dev/controllers/custom"
	"integrationhub.dev/controllers/resources"
)

// rules is the spec of a PrometheusRule.
type rules struct {
	Groups []struct {
		Name  string `json:"name"`
		Rules []rule `json:"rules"`
	} `json:"groups"`
}

type rule struct {
	Alert       string            `json:"alert"`
	Expr        string            `json:"expr"`
	For         string            `json:"for"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

// byName returns the rules of a group, or of all, by the alert's name and severity.
func (r rules) byName(group string) map[string]rule {
	all := map[string]rule{}
	for _, g := range r.Groups {
		for _, rule := range g.Rules {
			if group == "" || g.Name == group {
				all[rule.Alert+" "+rule.Labels["severity"]] = rule
			}
		}
	}
	return all
}

func expressions(rules map[string]rule) map[string]string {
	all := map[string]string{}
	for name, r := range rules {
		all[name] = r.Expr
	}
	return all
}

// chartRules reads the alerts that the chart ships.
func chartRules(t *testing.T) rules {
	t.Helper()
	var r rules
	if err := yaml.UnmarshalStrict([]byte(read(t, filepath.Join(chart, "files", "alerts.yaml"))), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// hubRules builds the alerts that the operator applies for a single hub.
func hubRules(t *testing.T) rules {
	t.Helper()
	h := &v1alpha1.IntegrationHub{}
	h.Name, h.Namespace = "actions", "looker"
	h.Spec.Monitoring = &v1alpha1.Monitoring{PrometheusRule: &v1alpha1.PrometheusRule{}}
	text, err := json.Marshal(resources.PrometheusRule(resources.Inputs{Hub: h}).Object["spec"])
	if err != nil {
		t.Fatal(err)
	}
	var r rules
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// The alerts of a single hub are the chart's, limited to the hub's series. Only IntegrationHubDown
// needs the hub's name and is not in the chart.
func TestHubAlertsAreTheCharts(t *testing.T) {
	t.Parallel()
	want, got := chartRules(t).byName("integration-hub"), hubRules(t).byName("")
	delete(got, "IntegrationHubDown critical")
	for name, r := range got {
		if r.Labels["hub"] != "actions" {
			t.Errorf("%s has the labels %v", name, r.Labels)
		}
		delete(r.Labels, "hub")
		e, err := parser.NewParser(parser.Options{}).ParseExpr(r.Expr)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, s := range selectors(e) {
			matchers := []string{}
			s.LabelMatchers = slices.DeleteFunc(s.LabelMatchers, func(m *labels.Matcher) bool {
				ofHub := m.Name == "namespace" || m.Name == "service"
				if ofHub {
					matchers = append(matchers, m.String())
				}
				return ofHub
			})
			if diff := cmp.Diff([]string{`namespace="looker"`, `service="actions-metrics"`}, matchers); diff != "" {
				t.Errorf("%s: %s is not limited to the hub (-want +got):\n%s", name, s.Name, diff)
			}
		}
		r.Expr = e.String()
		got[name] = r
	}
	for name, r := range want {
		e, err := parser.NewParser(parser.Options{}).ParseExpr(r.Expr)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		r.Expr = e.String()
		want[name] = r
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the alerts differ (-chart +hub):\n%s", diff)
	}
}

// panels are the dashboard's queries, with Grafana's variables filled in.
func panels(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(chart, "files", "dashboard.json"))
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title       string `json:"title"`
			Type        string `json:"type"`
			Description string `json:"description"`
			Targets     []struct {
				Expr  string `json:"expr"`
				RefID string `json:"refId"`
			} `json:"targets"`
		} `json:"panels"`
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	filled := strings.NewReplacer("$__rate_interval", "5m", "$__range", "6h", "$namespace", ".+", "$service", ".+")
	for _, p := range dashboard.Panels {
		if p.Type != "row" && (p.Description == "" || len(p.Targets) == 0) {
			t.Errorf("the panel %q has no description or no query", p.Title)
		}
		for _, target := range p.Targets {
			all[p.Title+" "+target.RefID] = filled.Replace(target.Expr)
		}
	}
	return all
}

// ofTargets are the labels that Prometheus adds to the series of a Service's pods.
var ofTargets = []string{"namespace", "service", "pod", "container", "endpoint", "job", "instance"}

// exported returns all series that hub and manager export, with their labels. The hub's series are
// read from its README, which its tests check against the running hub.
func exported(t *testing.T) map[string][]string {
	t.Helper()
	series := map[string][]string{"up": ofTargets} // Prometheus's own
	add := func(name, list string) {
		labels := slices.Concat(ofTargets, strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' }))
		for _, suffix := range []string{"", "_sum", "_count"} {
			series[name+suffix] = labels
		}
		series[name+"_bucket"] = append(labels, "le")
	}
	readme, err := os.ReadFile(filepath.Join("..", "hub", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range regexp.MustCompile("(?m)^\\| `(integrationhub_[a-z_]+)` \\| [a-z]+ \\|([a-z, ]*)\\|").FindAllStringSubmatch(string(readme), -1) {
		add(row[1], row[2])
	}
	shared := prometheus.NewRegistry()
	shared.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	description := regexp.MustCompile(`fqName: "([^"]+)".* variableLabels: {([^}]*)}`)
	for _, r := range []any{shared, ctrlmetrics.Registry, controllers.NewMetrics(nil, ""), custom.NewMetrics(nil, "")} {
		descriptions := make(chan *prometheus.Desc)
		go func() {
			r.(prometheus.Collector).Describe(descriptions)
			close(descriptions)
		}()
		for d := range descriptions {
			found := description.FindStringSubmatch(d.String())
			add(found[1], found[2])
		}
	}
	return series
}

// Every shipped expression is valid PromQL, and uses only series and labels that exist.
func TestPromQL(t *testing.T) {
	t.Parallel()
	known := exported(t)
	for source, expressions := range map[string]map[string]string{
		"chart's alert": expressions(chartRules(t).byName("")), "hub's alert": expressions(hubRules(t).byName("")), "panel": panels(t),
	} {
		if len(expressions) == 0 {
			t.Errorf("there is no %s", source)
		}
		for name, text := range expressions {
			e, err := parser.NewParser(parser.Options{}).ParseExpr(text)
			if err != nil {
				t.Errorf("%s %s: %v", source, name, err)
				continue
			}
			for _, problem := range unknown(e, known) {
				t.Errorf("%s %s: %s", source, name, problem)
			}
		}
	}
}

// unknown reports series that no program exports, and labels that the series do not have.
func unknown(e parser.Expr, known map[string][]string) []string {
	var problems []string
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.VectorSelector:
			labels, ok := known[n.Name]
			if !ok {
				problems = append(problems, "no program exports "+n.Name)
			}
			for _, m := range n.LabelMatchers {
				if ok && m.Name != "__name__" && !slices.Contains(labels, m.Name) {
					problems = append(problems, n.Name+" has no label "+m.Name)
				}
			}
		case *parser.AggregateExpr:
			for _, label := range n.Grouping {
				for _, selector := range selectors(n.Expr) {
					if labels, ok := known[selector.Name]; ok && !slices.Contains(labels, label) {
						problems = append(problems, selector.Name+" has no label "+label+" to group by")
					}
				}
			}
		}
		return nil
	})
	return problems
}

func selectors(e parser.Expr) []*parser.VectorSelector {
	var found []*parser.VectorSelector
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		if v, ok := n.(*parser.VectorSelector); ok {
			found = append(found, v)
		}
		return nil
	})
	return found
}

// The chart's README says for every alert what to do.
func TestAlertsAreExplained(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(filepath.Join(chart, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	shipped := map[string]bool{}
	for _, r := range chartRules(t).byName("") {
		shipped[r.Alert] = true
	}
	var explained []string
	for _, row := range regexp.MustCompile(`(?m)^\| (IntegrationHub\w+) \| \S`).FindAllStringSubmatch(string(readme), -1) {
		explained = append(explained, row[1])
	}
	slices.Sort(explained)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(shipped)), explained); diff != "" {
		t.Errorf("README.md explains other alerts (-shipped +explained):\n%s", diff)
	}
}

// unknown finds what it looks for.
func TestUnknown(t *testing.T) {
	t.Parallel()
	known := exported(t)
	for text, want := range map[string]string{
		`sum by (le) (rate(integrationhub_delivery_duration_seconds_bucket{integration="tray"}[5m]))`: "",
		`integrationhub_deliveries`:                                "no program exports integrationhub_deliveries",
		`integrationhub_deliveries_total{kind="x"}`:                "integrationhub_deliveries_total has no label kind",
		`sum by (reason) (integrationhub_deliveries_total)`:        "integrationhub_deliveries_total has no label reason to group by",
		`max by (result) (workqueue_depth{name="integrationhub"})`: "workqueue_depth has no label result to group by",
	} {
		e, err := parser.NewParser(parser.Options{}).ParseExpr(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(unknown(e, known), "; "); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
