package controllers_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/docvault/docvault/api/v1alpha1"
)

// claim has the administrator give a retained identity to a vault.
func (i *installation) claim(vault *v1alpha1.DocVault, identity string) {
	i.t.Helper()
	i.claimText(fmt.Sprintf("%s/%s=%s", vault.Namespace, vault.Name, identity))
}

func (i *installation) claimText(text string) {
	i.t.Helper()
	i.annotate(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: i.namespace}}, v1alpha1.AnnotationAdopt, text)
}

func TestAVaultInARecreatedNamespaceAdoptsItsData(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	old := i.readyVault("acme")
	before, identity := i.ledger(old), i.identityOf(old)
	namespace := &corev1.Namespace{}
	i.get(namespace, "", old.Namespace)
	if err := i.kube.Delete(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	i.awaitNamespaceGone(namespace)
	i.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: old.Namespace}})
	vault := i.newVaultIn(old.Namespace, "acme")
	deletable(vault)
	i.claim(vault, identity)
	i.create(vault)
	i.awaitReady(vault)
	i.mustHoldAdopted(vault, before)
	i.awaitEvent(vault, v1alpha1.EventAdopted, "dv_"+identity)

	// The operator that comes next finds it the same way, and settled it costs nothing.
	i.stop()
	i.start()
	i.anotherPass(vault)
	i.anotherPass(vault)
	i.effects.restart(0)
	i.anotherPass(vault)
	i.anotherPass(vault)
	if made := i.effects.since(0); len(made) > 0 {
		t.Errorf("two passes over a settled vault made:\n%s", strings.Join(made, "\n"))
	}
	i.mustHoldAdopted(vault, before)
	i.remove(vault)
	if left := outsideOf(t, identity); len(left) > 0 {
		t.Errorf("left on the backends: %q", left)
	}
	i.mustBeGone(vault, before)
}

// mustHoldAdopted makes sure that a vault has the credentials of another one's ledger, and nothing under a name of its own.
func (i *installation) mustHoldAdopted(vault *v1alpha1.DocVault, before *corev1.Secret) {
	i.t.Helper()
	after, moved := i.ledger(vault), before.DeepCopy()
	for _, where := range []string{
		"vaultNamespace", "vaultName", "class", "postgresHost", "postgresPort", "postgresAdminSecret", "objectStoreEndpoint",
		"objectStoreAdminSecret",
	} {
		delete(moved.Data, where)
	}
	if err := sameCredentials(moved, after); err != nil {
		i.t.Error(err)
	}
	if after.Name != before.Name || string(after.Data["state"]) != "bound" {
		i.t.Errorf("the ledger is %s, %s; it was %s", after.Name, after.Data["state"], before.Name)
	}
	mustWork(i.t, after)
	if own := i.identityOf(vault); !strings.HasSuffix(before.Name, own) {
		if made := outsideOf(i.t, own); len(made) > 0 {
			i.t.Errorf("made beside what was adopted: %q", made)
		}
	}
}

// A restored cluster has another installation, other classes, and ledgers from a backup that know neither.
func TestAVaultInARestoredClusterAdoptsItsData(t *testing.T) {
	t.Parallel()
	i, restored := install(t), install(t)
	i.start()
	old := i.readyVault("acme")
	before, identity := i.ledger(old), i.identityOf(old)
	i.stop()
	backup := before.DeepCopy()
	backup.ObjectMeta = metav1.ObjectMeta{Name: before.Name, Namespace: restored.namespace} // without its labels, too
	restored.create(backup)
	vault := restored.newVault("acme")
	restored.claim(vault, identity)
	// What keeps the adoption from being done does not leave it half done.
	secret := restored.class.Spec.Postgres.AdminSecretRef.Name
	restored.edit(restored.class, func() { restored.class.Spec.Postgres.AdminSecretRef.Name = "not-there" })
	restored.create(vault)
	restored.start()
	restored.await(vault, v1alpha1.ConditionDatabaseReady, metav1.ConditionFalse, v1alpha1.ReasonSecretNotFound)
	restored.edit(restored.class, func() { restored.class.Spec.Postgres.AdminSecretRef.Name = secret })
	restored.awaitReady(vault)
	restored.mustHoldAdopted(vault, before)
	if class := string(restored.ledger(vault).Data["class"]); class != restored.class.Name {
		t.Errorf("the ledger's class is %s, want %s", class, restored.class.Name)
	}

	// Retained and applied again it is found without the claim.
	restored.claimText("")
	restored.remove(vault)
	again := restored.newVaultIn(vault.Namespace, "acme")
	deletable(again)
	restored.create(again)
	restored.awaitReady(again)
	restored.mustHoldAdopted(again, before)
	restored.remove(again)
	if left := outsideOf(t, identity); len(left) > 0 {
		t.Errorf("left on the backends: %q", left)
	}
}

func TestWhatWasAdoptedIsNotItsFirstVaultsAnyMore(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	old := i.readyVault("acme")
	before, identity := i.ledger(old), i.identityOf(old)
	i.remove(old)
	vault := i.newVault("acme")
	i.claim(vault, identity)
	i.create(vault)
	i.awaitReady(vault)
	again := i.newVaultIn(old.Namespace, old.Name)
	deletable(again)
	i.create(again)
	i.await(again, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonNotOwned)
	i.awaitSaying(again, v1alpha1.ConditionReady, vault.Namespace+"/acme")
	i.remove(again)
	i.anotherPass(vault)
	i.awaitReady(vault)
	i.mustHoldAdopted(vault, before)
}

func TestAnAdoptionThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	used := i.readyVault("used")
	ledger, identity := i.ledger(used), i.identityOf(used)
	vault := i.newVault("acme")
	name := vault.Namespace + "/acme"
	i.claimText(name + ":" + identity)
	i.create(vault)
	for _, tc := range []struct{ claim, says string }{
		{name + ":" + identity, "it has to be"},
		{name + "=" + strings.ToUpper(identity), "it has to be"},
		{"other/vault=" + identity + "," + name + "=aaaaaaaaaaaaaaaa", "no such ledger"},
		{name + "=" + identity, "that of " + used.Namespace + "/used"},
	} {
		i.claimText(tc.claim)
		i.anotherPass(vault)
		i.awaitSaying(vault, v1alpha1.ConditionReady, tc.says)
		i.await(vault, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonAdoptionRefused)
	}
	if n := len(i.ledgers(vault)); n > 0 {
		t.Errorf("%d ledgers were made", n)
	}
	// Without a claim the vault comes up with data of its own. A claim after that is refused, and it goes on.
	i.claimText("")
	i.anotherPass(vault)
	i.awaitReady(vault)
	own := i.ledger(vault)
	i.stop()
	i.claimText(name + "=" + identity)
	i.start()
	i.awaitEvent(vault, v1alpha1.ReasonAdoptionRefused, own.Name)
	i.awaitReady(vault)
	if err := sameCredentials(own, i.ledger(vault)); err != nil {
		t.Error(err)
	}
	if err := sameCredentials(ledger, i.ledger(used)); err != nil {
		t.Error(err)
	}
}

// The operator dies after each of its effects of adopting, and another takes its place.
func TestAdoptingIsCutOffAfterEachEffect(t *testing.T) {
	t.Parallel()
	const effects = 8 // finalizer, status, ledger, and the first children
	for n := 1; n <= effects; n++ {
		t.Run(fmt.Sprintf("effect %d", n), func(t *testing.T) {
			t.Parallel()
			i := install(t)
			i.start()
			old := i.readyVault("acme")
			before, identity := i.ledger(old), i.identityOf(old)
			i.remove(old)
			vault := i.newVault("acme")
			i.claim(vault, identity)
			i.effects.restart(n)
			i.create(vault)
			i.awaitCutOrReady(vault)
			i.stop()
			i.effects.restart(0)
			i.start()
			i.awaitReady(vault)
			i.mustHoldAdopted(vault, before)
			if made, want := outsideOf(t, identity), everythingOutside(identity); !slices.Equal(made, want) {
				t.Errorf("on the backends are %q, want %q", made, want)
			}
		})
	}
}
