//go:build chart

// Package chart looks at what the Helm chart and the kustomization make, without a cluster: `hack/verify` runs it.
package chart

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
)

const chart = "../../charts/docvault-operator"

// run returns what a tool prints; its path is in a variable.
func run(t *testing.T, tool string, arguments ...string) ([]byte, error) {
	t.Helper()
	path := os.Getenv(tool)
	if path == "" {
		t.Fatalf("%s is not set: run these tests by `make verify`", tool)
	}
	command := exec.CommandContext(t.Context(), path, arguments...)
	var output, complaint bytes.Buffer
	command.Stdout, command.Stderr = &output, &complaint
	if err := command.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w: %s", tool, err, complaint.String())
	}
	return output.Bytes(), nil
}

// render returns the objects of the chart with some values set (--set).
func render(t *testing.T, values ...string) []*unstructured.Unstructured {
	t.Helper()
	arguments := []string{"template", "docvault-operator", chart, "--namespace", "docvault-system"}
	for _, value := range values {
		arguments = append(arguments, "--set", value)
	}
	text, err := run(t, "HELM", arguments...)
	if err != nil {
		t.Fatal(err)
	}
	return objects(t, text)
}

func objects(t *testing.T, text []byte) []*unstructured.Unstructured {
	t.Helper()
	documents := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
	var found []*unstructured.Unstructured
	for {
		object := &unstructured.Unstructured{}
		err := documents.Decode(&object.Object)
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(object.Object) > 0 {
			found = append(found, object)
		}
	}
}

func key(object *unstructured.Unstructured) string {
	return object.GetKind() + " " + object.GetNamespace() + "/" + object.GetName()
}

// isTest tells what `helm test` makes from what is installed.
func isTest(object *unstructured.Unstructured) bool {
	return object.GetAnnotations()["helm.sh/hook"] == "test"
}

// Chart and kustomization make the same: all but Helm's own labels, and the namespace, which Helm makes itself.
func TestKustomizationMakesTheSame(t *testing.T) {
	t.Parallel()
	text, err := run(t, "KUSTOMIZE", "build", "../../config/default")
	if err != nil {
		t.Fatal(err)
	}
	kustomized := map[string]any{}
	for _, object := range objects(t, text) {
		if object.GetKind() != "Namespace" {
			kustomized[key(object)] = withoutRelease(object.Object)
		}
	}
	for _, object := range render(t) {
		if isTest(object) {
			continue
		}
		same, known := kustomized[key(object)]
		switch charted := withoutRelease(object.Object); {
		case !known:
			t.Errorf("the kustomization has no %s", key(object))
		case !reflect.DeepEqual(charted, same):
			t.Errorf("%s\nof the chart: %v\nof the kustomization: %v", key(object), charted, same)
		}
		delete(kustomized, key(object))
	}
	for name := range kustomized {
		t.Errorf("the chart has no %s", name)
	}
}

// withoutRelease drops what only a release has, wherever it is, and maps that are empty then.
func withoutRelease(value any) any {
	switch v := value.(type) {
	case map[string]any:
		kept := map[string]any{}
		for name, field := range v {
			field = withoutRelease(field)
			if empty, is := field.(map[string]any); ofRelease[name] || is && len(empty) == 0 {
				continue
			}
			kept[name] = field
		}
		return kept
	case []any:
		kept := make([]any, 0, len(v))
		for _, item := range v {
			kept = append(kept, withoutRelease(item))
		}
		return kept
	}
	return value
}

var ofRelease = map[string]bool{
	"app.kubernetes.io/instance": true, "app.kubernetes.io/version": true, "app.kubernetes.io/managed-by": true,
	"helm.sh/chart": true, "helm.sh/resource-policy": true,
}

// everything sets all values that make objects, or change them a lot.
var everything = []string{
	"watchNamespaces={tenant-a,tenant-b}", "metrics.certificateSecret=metrics-tls", "metrics.readers[0].namespace=monitoring",
	"metrics.readers[0].name=prometheus", "metrics.serviceMonitor.enabled=true", "metrics.alerts.enabled=true", "metrics.vaults.enabled=true",
	"metrics.dashboard.enabled=true", "imagePullSecrets[0].name=registry", "priorityClassName=system-cluster-critical",
	"extraArgs={--leader-elect=true}", "podLabels.team=platform", "podAnnotations.note=x", "nodeSelector.disk=fast",
	"tolerations[0].operator=Exists", "serviceAccount.name=mine", "serviceAccount.annotations.role=x",
	"networkPolicy.metricsFrom[0].namespaceSelector.matchLabels.name=monitoring", "networkPolicy.egress[0].ports[0].port=443",
	"topologySpreadConstraints[0].topologyKey=rack", "topologySpreadConstraints[0].maxSkew=1",
	"topologySpreadConstraints[0].whenUnsatisfiable=DoNotSchedule",
}

// Every object has the fields of its kind and no others. Whether the API server takes them is for the end-to-end tests.
func TestManifestsAreOfTheirKinds(t *testing.T) {
	t.Parallel()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, apiextensionsv1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	strict := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	for name, values := range map[string][]string{
		"default": nil, "everything": everything,
		"little": {"metrics.enabled=false", "networkPolicy.enabled=false", "replicas=1", "rbac.create=false", "crds.install=false"},
	} {
		for _, object := range render(t, values...) {
			text, err := object.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(object.GetAPIVersion(), "monitoring.coreos.com/") {
				continue // its kinds are the Prometheus operator's: promtool reads the rules
			}
			if _, _, err := strict.Decode(text, nil, nil); err != nil {
				t.Errorf("%s: %s: %v", name, key(object), err)
			}
		}
	}
}

// With listed namespaces nothing of vaults is granted in the cluster.
func TestListedNamespacesNeedLittleOfTheCluster(t *testing.T) {
	t.Parallel()
	for values, granted := range map[string]map[string]bool{
		"readOnlyClasses=false": {
			"docvaultclasses": true, "docvaultclasses/status": true, "tokenreviews": true, "subjectaccessreviews": true, "/metrics": true,
		},
		"readOnlyClasses=true,metrics.secure=false": {"docvaultclasses": true},
	} {
		roles := 0
		for _, object := range render(t, "watchNamespaces={tenant-a,tenant-b}", values) {
			if object.GetKind() == "Role" && strings.HasPrefix(object.GetNamespace(), "tenant-") {
				roles++
			}
			if object.GetKind() != "ClusterRole" {
				continue
			}
			rules, _, _ := unstructured.NestedSlice(object.Object, "rules")
			for _, rule := range rules {
				resources, _, _ := unstructured.NestedStringSlice(rule.(map[string]any), "resources")
				urls, _, _ := unstructured.NestedStringSlice(rule.(map[string]any), "nonResourceURLs")
				for _, resource := range append(resources, urls...) {
					if !granted[resource] {
						t.Errorf("%s: ClusterRole %s grants %s", values, object.GetName(), resource)
					}
				}
			}
		}
		if roles != 2 {
			t.Errorf("%s: %d Roles in two namespaces", values, roles)
		}
	}
}

func TestWrongValuesAreRefused(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		"replica=2", "replicas=two", "replicas=-1", "watchNamespaces=tenant", "watchNamespaces={Tenant}", "watchNamespaces={a,a}",
		"log.level=loud", "image.pullPolicy=Sometimes", "maxConcurrentReconciles=0", "crds.install=maybe", "extraArgs={word}",
		"imagePullSecrets={registry}", "metrics.port=1", "metrics.readers[0].name=x", "metrics.serviceMonitor.interval=often",
		"networkPolicy.metricsFrom={monitoring}", "affinity.nodes=x", "resources.cpu=1", "controllerName=",
	} {
		if _, err := run(t, "HELM", "template", "x", chart, "--set", value); err == nil {
			t.Errorf("taken: %s", value)
		}
	}
}
