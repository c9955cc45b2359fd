package controllers_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
)

// readyVaults makes so many vaults, each in a namespace of its own.
func (i *installation) readyVaults(count int) []*v1alpha1.DocVault {
	i.t.Helper()
	vaults := make([]*v1alpha1.DocVault, count)
	for n := range vaults {
		vaults[n] = i.newVault(fmt.Sprintf("acme-%d", n))
		i.create(vaults[n])
	}
	for _, vault := range vaults {
		i.awaitReady(vault)
	}
	return vaults
}

// A changed class rolls five of its vaults at a time; one that is stuck gives up its turn, and what an owner edits goes at once.
func TestAChangedClassRollsItsVaultsAFewAtATime(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vaults := i.readyVaults(8)
	for _, vault := range vaults {
		i.forbidPods(vault.Namespace) // each one's migration waits for its pod, and the vault keeps its turn
	}
	i.edit(i.class, func() { i.class.Spec.Runtime.Image = "ghcr.io/docvault/docvault:v0.2.0" })
	rolled, waiting := i.turns(vaults, 5)
	for _, vault := range waiting {
		i.await(vault, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonServing)
	}
	i.edit(waiting[0], func() { waiting[0].Annotations = map[string]string{"example.com/note": "no change of the spec"} })
	i.mustBeLookedAfter(waiting[0])
	// What is refused at first goes at once, too, when it is not any more.
	i.edit(waiting[1], func() { waiting[1].Spec.Image = "ghcr.io/docvault/docvault:v0.3.0" })
	i.await(waiting[1], v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonImageNotAllowed)
	i.edit(i.class, func() { i.class.Spec.Allow.Images = []string{"ghcr.io/docvault/docvault:*"} })
	edited := waiting[1]
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
		if version := vault.Status.Version; vault != rolled[0] && version != "v0.2.0" && vault != edited || vault == edited && version != "v0.3.0" {
			t.Errorf("%s runs %s", vault.Name, version)
		}
	}
}

// mustBeLookedAfter makes sure that a vault which waits is reached, and that users of Redis end.
func (i *installation) mustBeLookedAfter(vault *v1alpha1.DocVault) {
	i.t.Helper()
	service := named(&corev1.Service{}, vault.Namespace, vault.Name+"-api")
	if err := i.kube.Delete(i.t.Context(), service); err != nil {
		i.t.Fatal(err)
	}
	i.awaitThere(vault, service, service.Name)
	server := i.redisOf(vault).Options().Addr
	operator := redis.NewClient(&redis.Options{
		Addr: server, Username: "operator", Password: string(i.ledger(vault).Data["redisAdminPassword"]), Protocol: 2, DisableIdentity: true,
	})
	defer func() { _ = operator.Close() }()
	if err := operator.Do(i.t.Context(), "ACL", "SETUSER", "docvault_b", "on", ">old", "+ping").Err(); err != nil {
		i.t.Fatal(err)
	}
	i.editLedger(vault, map[string]string{"rotationPhase": "ended", "rotationEndsAt": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)})
	eventually(i.t, patience, func(ctx context.Context) error {
		users, err := operator.Do(ctx, "ACL", "LIST").StringSlice()
		if err == nil && strings.Contains(strings.Join(users, "\n"), "docvault_b") {
			return errors.New("the old user of Redis is still there")
		}
		return err
	})
	i.await(vault, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonServing)
}

// A vault that waits for something that no roll brings, here a volume that cannot grow, holds up no other.
func TestVaultsThatAreRolledOutGiveTheirTurnsBack(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vaults := i.readyVaults(6)
	for _, vault := range vaults {
		i.growTo(vault, "3Gi")
	}
	for _, vault := range vaults {
		i.awaitSaying(vault, v1alpha1.ConditionReconciling, "allowVolumeExpansion")
	}
	i.edit(i.class, func() { i.class.Spec.Runtime.Image = "ghcr.io/docvault/docvault:v0.2.0" })
	for _, vault := range vaults {
		eventually(t, patience, func(ctx context.Context) error {
			err := i.kube.Get(ctx, client.ObjectKeyFromObject(vault), vault)
			if version := vault.Status.Version; err == nil && version != "v0.2.0" {
				return fmt.Errorf("%s runs %s: %s", vault.Name, version, describe(vault.Status.Conditions))
			}
			return err
		})
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
