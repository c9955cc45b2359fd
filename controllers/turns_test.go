package controllers_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
)

// A changed class rolls five of its vaults at a time; one that is stuck gives up its turn, and what an owner edits goes at once.
func TestAChangedClassRollsItsVaultsAFewAtATime(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	var vaults []*v1alpha1.DocVault
	for n := range 8 {
		vault := i.newVault(fmt.Sprintf("acme-%d", n))
		i.create(vault)
		vaults = append(vaults, vault)
	}
	for _, vault := range vaults {
		i.awaitReady(vault)
		i.forbidPods(vault.Namespace) // each one's migration waits for its pod, and the vault keeps its turn
	}
	i.edit(i.class, func() { i.class.Spec.Runtime.Image = "ghcr.io/docvault/docvault:v0.2.0" })
	rolled, waiting := i.turns(vaults, 5)
	for _, vault := range waiting {
		i.await(vault, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonServing)
	}
	i.edit(waiting[0], func() { waiting[0].Annotations = map[string]string{"example.com/note": "no change of the spec"} })
	i.edit(waiting[1], func() { waiting[1].Spec.Worker.Template.Labels = map[string]string{"team": "acme"} })
	i.turns(vaults, 6)
	for _, job := range i.jobs(rolled[0]) {
		if meta := job.Status.CompletionTime; meta == nil {
			i.fail(&job, batchv1.JobReasonPodFailurePolicy)
		}
	}
	i.await(rolled[0], v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonMigrationFailed)
	for _, vault := range vaults {
		i.allowPods(vault.Namespace)
	}
	for _, vault := range vaults {
		if vault != rolled[0] {
			i.awaitReady(vault)
		}
		if vault != rolled[0] && vault.Status.Version != "v0.2.0" {
			t.Errorf("%s runs %s", vault.Name, vault.Status.Version)
		}
	}
}

// turns waits until n of the vaults are rolled and the others say that they wait for it.
func (i *installation) turns(vaults []*v1alpha1.DocVault, n int) (rolled, waiting []*v1alpha1.DocVault) {
	i.t.Helper()
	eventually(i.t, patience, func(ctx context.Context) error {
		rolled, waiting = nil, nil
		for _, vault := range vaults {
			if err := i.kube.Get(ctx, client.ObjectKeyFromObject(vault), vault); err != nil {
				return err
			}
			reconciling := meta.FindStatusCondition(vault.Status.Conditions, v1alpha1.ConditionReconciling)
			switch {
			case strings.Contains(reconciling.Message, "waits for its turn"):
				waiting = append(waiting, vault)
			case meta.IsStatusConditionFalse(vault.Status.Conditions, v1alpha1.ConditionMigrated):
				rolled = append(rolled, vault)
			}
		}
		if len(rolled) != n || len(rolled)+len(waiting) != len(vaults) {
			return fmt.Errorf("%d of %d vaults are rolled, %d wait; want %d rolled", len(rolled), len(vaults), len(waiting), n)
		}
		return nil
	})
	return rolled, waiting
}
