package desired

import (
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	metaac "k8s.io/client-go/applyconfigurations/meta/v1"
	policyac "k8s.io/client-go/applyconfigurations/policy/v1"

	"github.com/docvault/docvault/api/v1alpha1"
)

// APIDisruptionBudget has nodes that are drained take one API pod at a time, nil where there is never more than one: that must be
// free to go. Pods that do not work hold up no drain. Workers have none: what they are at is taken over by others.
func APIDisruptionBudget(in Input) *policyac.PodDisruptionBudgetApplyConfiguration {
	most := valueOr(in.Vault.Spec.API.Replicas, defaultReplicas)
	if scale := in.Vault.Spec.API.Autoscaling; scale != nil {
		most = scale.MaxReplicas
	}
	if most <= 1 {
		return nil
	}
	return policyac.PodDisruptionBudget(apiName(in), in.Vault.Namespace).
		WithLabels(labels(in, v1alpha1.ComponentAPI)).
		WithOwnerReferences(owner(in)).
		WithSpec(policyac.PodDisruptionBudgetSpec().
			WithMaxUnavailable(intstr.FromInt32(1)).
			WithUnhealthyPodEvictionPolicy(policyv1.AlwaysAllow).
			WithSelector(metaac.LabelSelector().WithMatchLabels(selector(in, v1alpha1.ComponentAPI))))
}
