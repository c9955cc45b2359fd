package v1alpha1_test

import (
	"maps"
	"os"
	"slices"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

// What `kubectl explain` prints of a field is its description in the CRD.
func TestEveryFieldIsExplained(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"docvault.io_docvaults.yaml", "docvault.io_docvaultclasses.yaml"} {
		text, err := os.ReadFile("../../config/crd/bases/" + file)
		if err != nil {
			t.Fatal(err)
		}
		var crd apiextensionsv1.CustomResourceDefinition
		if err := yaml.UnmarshalStrict(text, &crd); err != nil {
			t.Fatal(err)
		}
		for _, version := range crd.Spec.Versions {
			explained(t, crd.Spec.Names.Kind, *version.Schema.OpenAPIV3Schema)
		}
	}
}

func explained(t *testing.T, path string, schema apiextensionsv1.JSONSchemaProps) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		field := schema.Properties[name]
		if field.Description == "" && name != "metadata" { // metadata is the API server's own
			t.Errorf("%s.%s has no text for kubectl explain", path, name)
		}
		explained(t, path+"."+name, field)
	}
	if schema.Items != nil && schema.Items.Schema != nil {
		explained(t, path+"[]", *schema.Items.Schema)
	}
}
