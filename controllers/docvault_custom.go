package controllers

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/typed"
)

// custom is what is wanted of a kind for which no apply configuration is generated.
type custom struct {
	Object *unstructured.Unstructured // exported: comparisons look into it
}

// IsApplyConfiguration implements runtime.ApplyConfiguration.
func (custom) IsApplyConfiguration() {}

// GetAPIVersion and the others are as of generated apply configurations.
func (c custom) GetAPIVersion() *string { return new(c.Object.GetAPIVersion()) }

// GetKind returns the kind.
func (c custom) GetKind() *string { return new(c.Object.GetKind()) }

// GetName returns the name.
func (c custom) GetName() *string { return new(c.Object.GetName()) }

// GetNamespace returns the namespace.
func (c custom) GetNamespace() *string { return new(c.Object.GetNamespace()) }

// onTheWire returns an apply configuration as the client wants it.
func onTheWire(wanted applyConfiguration) runtime.ApplyConfiguration {
	if c, ok := wanted.(custom); ok {
		return client.ApplyConfigurationFromUnstructured(c.Object)
	}
	return wanted
}

// comparable leaves out what says nothing in a comparison: that this vault is the controller has been made sure of before, and
// of other owners we know nothing.
func (c custom) comparable() custom {
	object := c.Object.DeepCopy()
	object.SetOwnerReferences(nil)
	return custom{object}
}

// ownedCustom returns what FieldOwner applied to a live object and still owns. The schema is not known here: lists are taken to be
// owned whole, as they are in the CRDs of KEDA and the Gateway API.
func ownedCustom(live *unstructured.Unstructured) (custom, error) {
	owned := &unstructured.Unstructured{Object: map[string]any{}}
	for _, entry := range live.GetManagedFields() {
		if entry.Manager != FieldOwner || entry.Operation != metav1.ManagedFieldsOperationApply || entry.Subresource != "" {
			continue
		}
		fields := &fieldpath.Set{}
		if err := fields.FromJSON(entry.FieldsV1.GetRawReader()); err != nil {
			return custom{}, fmt.Errorf("decode managed fields: %w", err)
		}
		all, err := typed.DeducedParseableType.FromUnstructured(live.Object)
		if err != nil {
			return custom{}, fmt.Errorf("take for typed: %w", err)
		}
		if extracted, ok := all.ExtractItems(fields.Leaves()).AsValue().Unstructured().(map[string]any); ok {
			owned.Object = extracted
		}
	}
	owned.SetGroupVersionKind(live.GroupVersionKind())
	owned.SetNamespace(live.GetNamespace())
	owned.SetName(live.GetName())
	return custom{owned}.comparable(), nil
}
