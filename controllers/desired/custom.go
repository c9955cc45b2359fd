package desired

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/docvault/docvault/api/v1alpha1"
)

// custom returns an object of a kind that others bring and that need not be installed. It is written out by hand: one apply
// configuration more is not worth what comes with its module. Lists in it are owned whole, so defaults of the API server stand in
// them too.
func custom(in Input, apiVersion, kind, name, component string, spec map[string]any) *unstructured.Unstructured {
	all := map[string]any{}
	for key, value := range labels(in, component) {
		all[key] = value
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": apiVersion,
		"kind":       kind,
		"metadata": map[string]any{
			"name":      name,
			"namespace": in.Vault.Namespace,
			"labels":    all,
			"ownerReferences": []any{map[string]any{
				"apiVersion":         v1alpha1.GroupVersion.String(),
				"kind":               "DocVault",
				"name":               in.Vault.Name,
				"uid":                string(in.Vault.UID),
				"controller":         true,
				"blockOwnerDeletion": true,
			}},
		},
		"spec": spec,
	}}
}
