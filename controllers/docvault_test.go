package controllers_test

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/docvault/docvault/api/v1alpha1"
)

func TestAnEmptyVaultBecomesReady(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme")
	if vault.Status.URL != "http://acme-api."+vault.Namespace+".svc" || vault.Status.Version != "v0.1.0" {
		t.Errorf("url %q, version %q", vault.Status.URL, vault.Status.Version)
	}
}

func TestABadSpecStallsAndItsRevertUnsticks(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme")
	i.edit(vault, func() { vault.Spec.Image = "example.com/evil:v9" })
	i.await(vault, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonImageNotAllowed)
	i.await(vault, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonImageNotAllowed)
	api := &appsv1.Deployment{}
	i.get(api, vault.Namespace, "acme-api")
	if image := api.Spec.Template.Spec.Containers[0].Image; image != "ghcr.io/docvault/docvault:v0.1.0" {
		t.Errorf("the API runs %s", image)
	}
	i.edit(vault, func() { vault.Spec.Image = "" })
	i.awaitReady(vault)
	i.await(vault, v1alpha1.ConditionStalled, metav1.ConditionFalse, "")
}

func TestAnAllowedImageIsMigratedToAndRolledOut(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.edit(i.class, func() { i.class.Spec.Allow.Images = []string{"ghcr.io/docvault/docvault:*"} })
	i.start()
	vault := i.readyVault("acme")
	first := string(i.ledger(vault).Data["migratedJob"])
	i.edit(vault, func() { vault.Spec.Image = "ghcr.io/docvault/docvault:v0.2.0" })
	i.awaitReady(vault)
	if vault.Status.Version != "v0.2.0" {
		t.Errorf("version %s, want v0.2.0", vault.Status.Version)
	}
	if second := string(i.ledger(vault).Data["migratedJob"]); second == first || second == "" {
		t.Errorf("the migration of the new image is recorded as %q, after %q", second, first)
	}
}

func TestASuspendedVaultRunsNoPodsAndWakes(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme")
	i.edit(vault, func() { vault.Spec.Suspend = true })
	i.await(vault, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonSuspended)
	i.awaitNoPods(vault)
	i.edit(vault, func() { vault.Spec.Suspend = false })
	i.awaitReady(vault)
	for _, e := range i.events(vault) {
		if strings.Contains(e.Note, "spec.api.replicas") {
			t.Errorf("one that wakes is told: %s", e.Note)
		}
	}
}

func TestAnOutageOfTheBackendsDoesNotUnreadyAVaultThatServes(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme")
	i.effects.setAway(postgresServer, true)
	i.effects.setAway(storeServer, true)
	i.effects.dropPostgres()
	i.anotherPass(vault)
	i.await(vault, v1alpha1.ConditionDatabaseReady, metav1.ConditionUnknown, v1alpha1.ReasonPostgresUnreachable)
	i.await(vault, v1alpha1.ConditionBucketReady, metav1.ConditionUnknown, v1alpha1.ReasonObjectStoreUnreachable)
	i.await(vault, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonServing)
	i.effects.setAway(postgresServer, false)
	i.effects.setAway(storeServer, false)
	i.awaitReady(vault)
	i.await(vault, v1alpha1.ConditionDatabaseReady, metav1.ConditionTrue, v1alpha1.ReasonProvisioned)
}
