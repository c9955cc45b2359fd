// Command bundle writes the OLM bundle from what `kustomize build config/default` prints, so that it installs the same objects:
//
//	kustomize build config/default | go run ./hack/bundle
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

const (
	out  = "bundle"
	base = "config/manifests/base.yaml"
)

// samples are the examples that a console offers.
var samples = []string{"config/samples/docvaultclass.yaml", "config/samples/docvault.yaml"}

// annotations tell a catalogue where the parts of the bundle are.
var annotations = map[string]string{
	"operators.operatorframework.io.bundle.mediatype.v1":       "registry+v1",
	"operators.operatorframework.io.bundle.manifests.v1":       "manifests/",
	"operators.operatorframework.io.bundle.metadata.v1":        "metadata/",
	"operators.operatorframework.io.bundle.package.v1":         "docvault-operator",
	"operators.operatorframework.io.bundle.channels.v1":        "alpha",
	"operators.operatorframework.io.bundle.channel.default.v1": "alpha",
}

func main() {
	log.SetFlags(0)
	if err := write(os.Stdin); err != nil {
		log.Fatalf("bundle: %v", err)
	}
}

func write(manifests io.Reader) error {
	objects, err := decode(manifests)
	if err != nil {
		return fmt.Errorf("read the manifests: %w", err)
	}
	csv, err := serviceVersion(objects)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	if err := writeYAML("manifests/docvault-operator.clusterserviceversion.yaml", csv); err != nil {
		return err
	}
	for _, object := range objects {
		if besides(object) {
			name := fmt.Sprintf("manifests/%s.%s.yaml", object.GetName(), strings.ToLower(object.GetKind()))
			object.SetNamespace("") // OLM's choice
			if err := writeYAML(name, object.Object); err != nil {
				return err
			}
		}
	}
	if err := writeYAML("metadata/annotations.yaml", map[string]any{"annotations": annotations}); err != nil {
		return err
	}
	return writeFile("Dockerfile", dockerfile())
}

// besides tells what a bundle holds as it is from what the service version holds, or OLM makes. Of NetworkPolicies not every OLM
// knows; they are left out.
func besides(object *unstructured.Unstructured) bool {
	switch object.GetKind() {
	case "CustomResourceDefinition", "Service", "PodDisruptionBudget":
		return true
	case "ClusterRole": // for others to be bound to
		return strings.HasSuffix(object.GetName(), "-metrics-reader")
	}
	return false
}

func decode(text io.Reader) ([]*unstructured.Unstructured, error) {
	documents := kyaml.NewYAMLOrJSONDecoder(text, 4096)
	var objects []*unstructured.Unstructured
	for {
		object := &unstructured.Unstructured{}
		err := documents.Decode(&object.Object)
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, err
		}
		objects = append(objects, object)
	}
}

// serviceVersion is the base with what the manifests say.
func serviceVersion(objects []*unstructured.Unstructured) (map[string]any, error) {
	text, err := os.ReadFile(base)
	if err != nil {
		return nil, err
	}
	csv := &unstructured.Unstructured{}
	if err := yaml.Unmarshal(text, &csv.Object); err != nil {
		return nil, fmt.Errorf("read %s: %w", base, err)
	}
	deployment := one(objects, "Deployment", "docvault-operator")
	if deployment == nil {
		return nil, errors.New("no Deployment docvault-operator")
	}
	containers, _, _ := unstructured.NestedSlice(deployment.Object, "spec", "template", "spec", "containers")
	image := containers[0].(map[string]any)["image"].(string)
	version := strings.TrimPrefix(image[strings.LastIndex(image, ":")+1:], "v")
	examples, err := sampleJSON()
	if err != nil {
		return nil, err
	}
	csv.SetName("docvault-operator.v" + version)
	shown := csv.GetAnnotations()
	shown["alm-examples"] = examples
	shown["containerImage"] = image
	csv.SetAnnotations(shown)
	spec := csv.Object["spec"].(map[string]any)
	spec["version"] = version
	spec["relatedImages"] = []any{map[string]any{"name": "operator", "image": image}}
	spec["customresourcedefinitions"] = map[string]any{"owned": owned(objects)}
	spec["install"] = install(objects, deployment)
	return csv.Object, nil
}

func install(objects []*unstructured.Unstructured, deployment *unstructured.Unstructured) map[string]any {
	account, _, _ := unstructured.NestedString(deployment.Object, "spec", "template", "spec", "serviceAccountName")
	granted := func(kind string) []any {
		var rules []any
		for _, object := range objects {
			if object.GetKind() != kind+"Binding" {
				continue
			}
			name, _, _ := unstructured.NestedString(object.Object, "roleRef", "name")
			of, _, _ := unstructured.NestedSlice(one(objects, kind, name).Object, "rules")
			rules = append(rules, of...)
		}
		return []any{map[string]any{"serviceAccountName": account, "rules": rules}}
	}
	return map[string]any{
		"strategy": "deployment",
		"spec": map[string]any{
			"clusterPermissions": granted("ClusterRole"),
			"permissions":        granted("Role"),
			"deployments": []any{map[string]any{
				"name": deployment.GetName(), "label": deployment.GetLabels(), "spec": deployment.Object["spec"],
			}},
		},
	}
}

// owned describes the CRDs by their own words.
func owned(objects []*unstructured.Unstructured) []any {
	var crds []any
	for _, object := range objects {
		if object.GetKind() != "CustomResourceDefinition" {
			continue
		}
		kind, _, _ := unstructured.NestedString(object.Object, "spec", "names", "kind")
		versions, _, _ := unstructured.NestedSlice(object.Object, "spec", "versions")
		for _, v := range versions {
			version := v.(map[string]any)
			description, _, _ := unstructured.NestedString(version, "schema", "openAPIV3Schema", "description")
			crds = append(crds, map[string]any{
				"name": object.GetName(), "kind": kind, "version": version["name"], "displayName": kind, "description": description,
			})
		}
	}
	return crds
}

func one(objects []*unstructured.Unstructured, kind, name string) *unstructured.Unstructured {
	i := slices.IndexFunc(objects, func(o *unstructured.Unstructured) bool { return o.GetKind() == kind && o.GetName() == name })
	if i < 0 {
		return nil
	}
	return objects[i]
}

func sampleJSON() (string, error) {
	var examples []any
	for _, path := range samples {
		text, err := os.ReadFile(path) //nolint:gosec // a constant
		if err != nil {
			return "", err
		}
		var example any
		if err := yaml.Unmarshal(text, &example); err != nil {
			return "", fmt.Errorf("read %s: %w", path, err)
		}
		examples = append(examples, example)
	}
	text, err := json.MarshalIndent(examples, "", "  ")
	return string(text), err
}

func dockerfile() []byte {
	var b strings.Builder
	b.WriteString("# The image that catalogues take: docker build bundle\nFROM scratch\n")
	for _, name := range slices.Sorted(maps.Keys(annotations)) {
		fmt.Fprintf(&b, "LABEL %s=%s\n", name, annotations[name])
	}
	b.WriteString("COPY manifests /manifests/\nCOPY metadata /metadata/\n")
	return []byte(b.String())
}

func writeYAML(name string, value any) error {
	text, err := yaml.Marshal(value)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return writeFile(name, text)
}

func writeFile(name string, text []byte) error {
	path := filepath.Join(out, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // for all to read, as sources are
		return err
	}
	return os.WriteFile(path, text, 0o644) //nolint:gosec // for all to read, as sources are
}
