//go:build chart

package chart

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/yaml"
)

var operatorMetric = regexp.MustCompile(`docvault_operator_[a-z_]+`)

// Alerts and dashboard ask for metrics that there are, and the page says what to do about each alert.
func TestAlertsAndDashboardAreDocumented(t *testing.T) {
	t.Parallel()
	page := read(t, "../../docs/operator-metrics.md")
	for _, file := range []string{"alerts.yaml", "dashboard.json"} {
		for _, metric := range operatorMetric.FindAllString(read(t, chart+"/files/"+file), -1) {
			for _, suffix := range []string{"_count", "_bucket", "_sum"} {
				metric = strings.TrimSuffix(metric, suffix)
			}
			if !strings.Contains(page, "| `"+metric+"` |") {
				t.Errorf("%s asks for %s, which docs/operator-metrics.md does not list", file, metric)
			}
		}
	}
	var rules struct {
		Groups []struct {
			Rules []struct{ Alert string }
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, chart+"/files/alerts.yaml")), &rules); err != nil {
		t.Fatal(err)
	}
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			if !strings.Contains(page, "\n### "+rule.Alert+"\n") {
				t.Errorf("docs/operator-metrics.md does not say what to do about %s", rule.Alert)
			}
		}
	}
	if !json.Valid([]byte(read(t, chart+"/files/dashboard.json"))) {
		t.Error("the dashboard is no JSON")
	}
}

// promtool raises each alert, and has it go.
func TestAlerts(t *testing.T) {
	t.Parallel()
	if _, err := run(t, "PROMTOOL", "test", "rules", "alerts_test.yaml"); err != nil {
		t.Error(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
