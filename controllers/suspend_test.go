package controllers_test

import (
	"context"
	"errors"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
)

// awaitNoPods waits until API and workers of a vault have none.
func (i *installation) awaitNoPods(vault *v1alpha1.DocVault) {
	i.t.Helper()
	eventually(i.t, patience, func(ctx context.Context) error {
		for _, name := range []string{"acme-api", "acme-worker"} {
			d := &appsv1.Deployment{}
			if err := i.kube.Get(ctx, client.ObjectKey{Namespace: vault.Namespace, Name: name}, d); err != nil {
				return err
			}
			if *d.Spec.Replicas != 0 || d.Status.Replicas != 0 {
				return errors.New(name + " still has pods")
			}
		}
		return nil
	})
}

func TestAVaultIsSuspendedWhileItIsMigratedAndWakesAsAnUpgrade(t *testing.T) {
	t.Parallel()
	i := install(t)
	vault := i.upgradableVault()
	image := i.apiImage(vault)
	i.setImage(vault, imageNeverReady)
	migration := i.migrationPod(vault, imageNeverReady)
	i.edit(vault, func() { vault.Spec.Suspend = true })
	i.awaitNoPods(vault)
	i.await(vault, v1alpha1.ConditionMigrated, metav1.ConditionFalse, v1alpha1.ReasonMigrationRunning)
	i.edit(vault, func() { vault.Spec.Suspend = false })
	i.endPod(migration, 0, `{"schemaVersion":7}`)
	i.awaitSaying(vault, v1alpha1.ConditionReconciling, "workers of the new version")
	if is := i.apiImage(vault); is != image {
		t.Errorf("the API runs %s before the workers of it are there", is)
	}
	i.setImage(vault, "ghcr.io/docvault/docvault:v0.2.0")
	i.awaitReady(vault)
}

// What is refused does not keep pods and autoscalers.
func TestARefusedVaultIsSuspended(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme", func(vault *v1alpha1.DocVault) {
		vault.Spec.API.Autoscaling = &v1alpha1.APIAutoscaling{MaxReplicas: 3}
	})
	i.edit(vault, func() { vault.Spec.Image, vault.Spec.Suspend = "example.com/evil:v9", true })
	i.await(vault, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonImageNotAllowed)
	i.awaitNoPods(vault)
	i.awaitNot(vault, &autoscalingv2.HorizontalPodAutoscaler{}, "acme-api")
	i.edit(vault, func() { vault.Spec.Image, vault.Spec.Suspend = "", false })
	i.awaitReady(vault)
}

func TestASuspendedVaultIsMigratedWhenItWakes(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme")
	i.edit(vault, func() { vault.Spec.Suspend = true })
	i.awaitNoPods(vault)
	image, migrated := i.apiImage(vault), string(i.ledger(vault).Data["migratedJob"])
	i.edit(i.class, func() { i.class.Spec.Runtime.Image = "ghcr.io/docvault/docvault:v0.2.0" })
	i.await(vault, v1alpha1.ConditionMigrated, metav1.ConditionFalse, v1alpha1.ReasonSuspended)
	i.await(vault, v1alpha1.ConditionReconciling, metav1.ConditionFalse, v1alpha1.ReasonSettled)
	i.awaitNoWrites("suspended", vault)
	if is, job := i.apiImage(vault), string(i.ledger(vault).Data["migratedJob"]); is != image || job != migrated {
		t.Errorf("a suspended vault was brought to %s by %s", is, job)
	}
	i.edit(vault, func() { vault.Spec.Suspend = false })
	i.awaitReady(vault)
	if vault.Status.Version != "v0.2.0" {
		t.Errorf("version %s", vault.Status.Version)
	}
}
