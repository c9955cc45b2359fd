//go:build e2e

package e2e

import (
	"bytes"
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const chart = "../../charts/docvault-operator"

func helm(t *testing.T, arguments ...string) string {
	t.Helper()
	output, err := run(exec.CommandContext(t.Context(), environment(t, "HELM"), arguments...))
	if err != nil {
		t.Fatal(err)
	}
	return output
}

// What the demo installed passes the chart's own test.
func TestTheInstalledOperatorPassesHelmTest(t *testing.T) {
	t.Parallel()
	if said := helm(t, "test", "docvault-operator", "--namespace", "docvault-system"); !strings.Contains(said, "Succeeded") {
		t.Error(said)
	}
}

// The API server takes what the chart makes, with few values set and with many, and refuses no field of it.
func TestTheAPIServerTakesTheManifests(t *testing.T) {
	t.Parallel()
	namespace := "chart-" + strings.ToLower(rand.Text())
	kubectl(t, "create", "namespace", namespace)
	t.Cleanup(func() {
		_, _ = run(exec.Command(os.Getenv("KUBECTL"), "delete", "namespace", namespace, "--wait=false"))
	})
	for _, values := range []string{
		"replicas=2",
		"replicas=1,metrics.enabled=false,networkPolicy.enabled=false",
		"watchNamespaces={" + namespace + "},readOnlyClasses=true,metrics.certificateSecret=x,metrics.dashboard.enabled=true," +
			"metrics.readers[0].namespace=" + namespace + ",metrics.readers[0].name=x,networkPolicy.egress[0].ports[0].port=443," +
			"networkPolicy.metricsFrom[0].namespaceSelector.matchLabels.name=x,tolerations[0].operator=Exists",
	} {
		// The CRDs of the cluster are those of the demo's release.
		text := helm(t, "template", namespace, chart, "--namespace", namespace, "--no-hooks", "--set", values, "--set", "crds.install=false")
		command := exec.CommandContext(t.Context(), environment(t, "KUBECTL"),
			"apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-")
		command.Stdin = strings.NewReader(text)
		if _, err := run(command); err != nil {
			t.Errorf("%s: %v", values, err)
		}
	}
}

// An upgrade of the release upgrades its CRDs, and the end of the release leaves them: on CRDs of another group, since those of the
// cluster are in use.
func TestAnUpgradeOfTheReleaseUpgradesItsCRDs(t *testing.T) {
	t.Parallel()
	group := "t" + strings.ToLower(rand.Text()) + ".example.com"
	name := "docvaults." + group
	trial := filepath.Join(t.TempDir(), "docvault-operator")
	if err := os.CopyFS(trial, os.DirFS(chart)); err != nil {
		t.Fatal(err)
	}
	crds := filepath.Join(trial, "files", "crds")
	replaceIn(t, crds, "docvault.io", group)
	namespace := "chart-" + strings.ToLower(rand.Text())
	upgrade := func() {
		helm(t, "upgrade", "--install", "trial", trial, "--namespace", namespace, "--create-namespace", "--set", "replicas=0")
	}
	t.Cleanup(func() {
		_, _ = run(exec.Command(os.Getenv("KUBECTL"), "delete", "crd", name, "docvaultclasses."+group, "--wait=false"))
		_, _ = run(exec.Command(os.Getenv("KUBECTL"), "delete", "namespace", namespace, "--wait=false"))
	})
	upgrade()
	kubectl(t, "wait", "--for=condition=Established", "--timeout=60s", "crd/"+name)
	replaceIn(t, crds, "name: Version", "name: Release")
	upgrade()
	columns := []string{"get", "crd", name, "-o", "jsonpath={.spec.versions[0].additionalPrinterColumns[*].name}"}
	if got := kubectl(t, columns...); !strings.Contains(got, "Release") || strings.Contains(got, "Version") {
		t.Errorf("after the upgrade the CRD has the columns %s", got)
	}
	helm(t, "uninstall", "trial", "--namespace", namespace)
	if got := kubectl(t, columns...); !strings.Contains(got, "Release") {
		t.Errorf("after the release is gone the CRD has the columns %s", got)
	}
}

// replaceIn changes a text in all files of a directory, in each of which it is.
func replaceIn(t *testing.T, dir, old, with string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	changed := false
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		changed = changed || bytes.Contains(text, []byte(old))
		if err := os.WriteFile(path, bytes.ReplaceAll(text, []byte(old), []byte(with)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if !changed {
		t.Fatalf("no file of %s has %q", dir, old)
	}
}
