package desired

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	coreac "k8s.io/client-go/applyconfigurations/core/v1"
	metaac "k8s.io/client-go/applyconfigurations/meta/v1"

	"github.com/docvault/docvault/api/v1alpha1"
)

// withTemplate gives the pods of a component what their owner wants beyond what the operator gives them.
func withTemplate(in Input, component string, wanted v1alpha1.PodTemplate, spec *coreac.PodSpecApplyConfiguration) {
	spec.WithNodeSelector(wanted.NodeSelector)
	if len(wanted.Tolerations) > 0 {
		spec.Tolerations = *asApplied[[]coreac.TolerationApplyConfiguration](wanted.Tolerations)
	}
	if wanted.Affinity != nil {
		spec.WithAffinity(asApplied[coreac.AffinityApplyConfiguration](wanted.Affinity))
	}
	for _, constraint := range sortedConstraints(wanted.TopologySpreadConstraints) {
		applied := asApplied[coreac.TopologySpreadConstraintApplyConfiguration](constraint)
		if applied.LabelSelector == nil { // it would count no pods at all
			applied.WithLabelSelector(metaac.LabelSelector().WithMatchLabels(selector(in, component)))
		}
		spec.WithTopologySpreadConstraints(applied)
	}
	if wanted.PriorityClassName != "" {
		spec.WithPriorityClassName(wanted.PriorityClassName)
	}
}

// sortedConstraints puts constraints in the order of their keys: the API server keeps them as a map, whatever order they come in.
func sortedConstraints(constraints []corev1.TopologySpreadConstraint) []corev1.TopologySpreadConstraint {
	return slices.SortedFunc(slices.Values(constraints), func(a, b corev1.TopologySpreadConstraint) int {
		return cmp.Or(cmp.Compare(a.TopologyKey, b.TopologyKey), cmp.Compare(a.WhenUnsatisfiable, b.WhenUnsatisfiable))
	})
}

// asApplied turns a part of a spec into the apply configuration of the same type: the two read and write the same JSON.
func asApplied[T any](part any) *T {
	text, err := json.Marshal(part)
	if err != nil {
		panic(fmt.Sprintf("encode %T: %v", part, err)) // types of the API always encode
	}
	applied := new(T)
	if err := json.Unmarshal(text, applied); err != nil {
		panic(fmt.Sprintf("decode %T into %T: %v", part, applied, err))
	}
	return applied
}
