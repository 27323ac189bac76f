package charts_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/prometheus/promql/parser"
	_ "sigs.k8s.io/controller-runtime/pkg/controller" // registers what a manager exports
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/yaml"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
)

// rules is the part of a PrometheusRule that is asked for here.
type rules struct {
	Groups []struct {
		Rules []struct {
			Alert string `json:"alert"`
			Expr  string `json:"expr"`
		} `json:"rules"`
	} `json:"groups"`
}

func (r rules) expressions() map[string]string {
	all := map[string]string{}
	for _, g := range r.Groups {
		for _, rule := range g.Rules {
			all[rule.Alert] = rule.Expr
		}
	}
	return all
}

// chartAlerts are those that the chart ships.
func chartAlerts(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(chart, "files", "alerts.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var r rules
	if err := yaml.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	return r.expressions()
}

// hubAlerts are those that the operator makes for a hub.
func hubAlerts(t *testing.T) map[string]string {
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
	return r.expressions()
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
			t.Errorf("the panel %q says or asks nothing", p.Title)
		}
		for _, target := range p.Targets {
			all[p.Title+" "+target.RefID] = filled.Replace(target.Expr)
		}
	}
	return all
}

// exported are the names of all series that hub and manager export. The hub's own are those
// in its README, which its tests hold against the running hub.
func exported(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{"up": true} // Prometheus's own
	add := func(name string) {
		for _, suffix := range []string{"", "_bucket", "_sum", "_count"} {
			names[name+suffix] = true
		}
	}
	readme, err := os.ReadFile(filepath.Join("..", "hub", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range regexp.MustCompile("(?m)^\\| `(integrationhub_[a-z_]+)`").FindAllStringSubmatch(string(readme), -1) {
		add(row[1])
	}
	shared := prometheus.NewRegistry()
	shared.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	fqName := regexp.MustCompile(`fqName: "([^"]+)"`)
	for _, r := range []any{shared, ctrlmetrics.Registry} {
		descriptions := make(chan *prometheus.Desc)
		go func() {
			r.(prometheus.Collector).Describe(descriptions)
			close(descriptions)
		}()
		for d := range descriptions {
			add(fqName.FindStringSubmatch(d.String())[1])
		}
	}
	return names
}

// Every expression that is shipped is PromQL and names only series that there are.
func TestPromQL(t *testing.T) {
	t.Parallel()
	known := exported(t)
	for source, expressions := range map[string]map[string]string{"chart's alert": chartAlerts(t), "hub's alert": hubAlerts(t), "panel": panels(t)} {
		if len(expressions) == 0 {
			t.Errorf("there is no %s", source)
		}
		for name, text := range expressions {
			e, err := parser.NewParser(parser.Options{}).ParseExpr(text)
			if err != nil {
				t.Errorf("%s %s: %v", source, name, err)
				continue
			}
			parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
				if v, ok := n.(*parser.VectorSelector); ok && !known[v.Name] {
					t.Errorf("%s %s: no program exports %s", source, name, v.Name)
				}
				return nil
			})
		}
	}
}
