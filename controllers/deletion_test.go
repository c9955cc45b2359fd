package controllers_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
)

func TestRetainKeepsTheDataAndFindsItAgain(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme")
	before := i.ledger(vault)
	i.remove(vault)
	released := i.ledger(vault)
	if state := string(released.Data["state"]); state != "released" {
		t.Errorf("the ledger is %s, want released", state)
	}
	if left := i.inside(vault); len(left) > 0 {
		t.Errorf("children are left: %s", strings.Join(left, ", "))
	}
	mustWork(t, released)

	again := &v1alpha1.DocVault{
		ObjectMeta: metav1.ObjectMeta{Name: vault.Name, Namespace: vault.Namespace}, Spec: vault.Spec,
	}
	i.create(again)
	i.awaitReady(again)
	if err := sameCredentials(before, i.ledger(again)); err != nil {
		t.Error(err)
	}
	if state := string(i.ledger(again).Data["state"]); state != "bound" {
		t.Errorf("the ledger is %s, want bound", state)
	}
	mustWork(t, i.ledger(again))
}

func TestDeleteLeavesNothing(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme", func(v *v1alpha1.DocVault) { v.Spec.DeletionPolicy = v1alpha1.DeletionDelete })
	ledger := i.ledger(vault)
	if made, want := i.outside(vault), everythingOutside(i.identityOf(vault)); !slices.Equal(made, want) {
		t.Fatalf("on the backends are %q, want %q", made, want)
	}
	i.remove(vault)
	i.mustBeGone(vault, ledger)
}

// remove deletes a vault and waits until it is gone.
func (i *installation) remove(vault *v1alpha1.DocVault) {
	i.t.Helper()
	if err := i.kube.Delete(i.t.Context(), vault); err != nil {
		i.t.Fatal(err)
	}
	i.awaitGone(vault.DeepCopy())
}

// mustBeGone makes sure that nothing of a vault is left anywhere.
func (i *installation) mustBeGone(vault *v1alpha1.DocVault, ledger *corev1.Secret) {
	i.t.Helper()
	if left := i.outside(vault); len(left) > 0 {
		i.t.Errorf("left on the backends: %s", strings.Join(left, ", "))
	}
	if left := i.inside(vault); len(left) > 0 {
		i.t.Errorf("left in the namespace: %s", strings.Join(left, ", "))
	}
	claims := &corev1.PersistentVolumeClaimList{}
	if err := i.kube.List(i.t.Context(), claims, client.InNamespace(vault.Namespace)); err != nil {
		i.t.Fatal(err)
	}
	for _, claim := range claims.Items {
		if claim.DeletionTimestamp.IsZero() {
			i.t.Errorf("left: volume claim %s", claim.Name)
		}
	}
	if n := len(i.ledgers(vault)); n > 0 {
		i.t.Errorf("left: %d ledgers", n)
	}
	if ledger != nil {
		mustNotWork(i.t, ledger)
	}
}

// inside lists the objects in a vault's namespace that the operator made, and their pods.
func (i *installation) inside(vault *v1alpha1.DocVault) []string {
	i.t.Helper()
	var all []string
	for _, list := range append(childLists(), &batchv1.JobList{}, &corev1.PodList{}) {
		for _, object := range i.listMade(vault.Namespace, list) {
			all = append(all, object.GetName())
		}
	}
	return all
}

// childLists are the kinds of objects that a vault is made of. Its migration's Job is none: it comes and goes.
func childLists() []client.ObjectList {
	all := []client.ObjectList{
		&corev1.SecretList{}, &corev1.ConfigMapList{}, &corev1.ServiceList{},
		&appsv1.DeploymentList{}, &appsv1.StatefulSetList{}, &autoscalingv2.HorizontalPodAutoscalerList{},
		&policyv1.PodDisruptionBudgetList{}, &networkingv1.NetworkPolicyList{}, &networkingv1.IngressList{},
	}
	for _, kind := range []*unstructured.Unstructured{scaledObject(), httpRoute()} {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(kind.GroupVersionKind())
		all = append(all, list)
	}
	return all
}

// listMade returns the objects of a kind in a namespace that the operator made.
func (i *installation) listMade(namespace string, list client.ObjectList) []client.Object {
	i.t.Helper()
	err := i.kube.List(i.t.Context(), list, client.InNamespace(namespace),
		client.MatchingLabels{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy})
	if err != nil {
		i.t.Fatal(err)
	}
	var all []client.Object
	_ = meta.EachListItem(list, func(o runtime.Object) error {
		all = append(all, o.(client.Object))
		return nil
	})
	return all
}

func TestDeletingWaitsForABackendThatIsAway(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme", func(v *v1alpha1.DocVault) { v.Spec.DeletionPolicy = v1alpha1.DeletionDelete })
	ledger := i.ledger(vault)
	i.effects.setAway(storeServer, true)
	if err := i.kube.Delete(t.Context(), vault); err != nil {
		t.Fatal(err)
	}
	i.await(vault, v1alpha1.ConditionBucketReady, metav1.ConditionUnknown, v1alpha1.ReasonObjectStoreUnreachable)
	i.effects.setAway(storeServer, false)
	i.awaitGone(vault.DeepCopy())
	i.mustBeGone(vault, ledger)
}

func TestAVaultThatNeverGotAnywhereCanBeDeleted(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.effects.setAway(postgresServer, true)
	i.start()
	i.mustGoUnbound(i.newVault("acme"))
}

// The default class is one for the whole cluster, so this test does not run in parallel.
func TestAVaultThatNamesNoClassAndNeverGotAnywhereCanBeDeleted(t *testing.T) {
	i := install(t)
	i.effects.setAway(postgresServer, true)
	i.edit(i.class, func() { i.class.Annotations = map[string]string{v1alpha1.AnnotationDefaultClass: "true"} })
	i.start()
	vault := i.newVault("acme")
	vault.Spec.ClassName = ""
	i.mustGoUnbound(vault)
}

// The default class is one for the whole cluster, so this test does not run in parallel.
func TestAVaultThatIsBeingMadeIsNotLetGoByAnotherInstallation(t *testing.T) {
	i, other := install(t), install(t)
	i.edit(i.class, func() { i.class.Annotations = map[string]string{v1alpha1.AnnotationDefaultClass: "true"} })
	other.start()
	i.start()
	i.awaitClass(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAccepted)
	vault := i.newVault("acme")
	vault.Spec.ClassName = ""
	deletable(vault)
	i.effects.restart(3) // finalizer, status, ledger
	i.create(vault)
	i.awaitCut(func(context.Context) error { return errors.New("not cut off yet") })
	i.stop()
	if last := i.effects.since(2); len(last) != 1 || !strings.HasSuffix(last[0], "/secrets") {
		t.Fatalf("the last effect was %q, want the ledger's", last)
	}
	if err := i.kube.Delete(t.Context(), vault); err != nil {
		t.Fatal(err)
	}
	later := other.newVault("later") // what was deleted before it has been looked at when this one has
	other.create(later)
	other.await(later, v1alpha1.ConditionBucketReady, metav1.ConditionTrue, "")
	i.get(vault, vault.Namespace, vault.Name)
	i.effects.restart(0)
	i.start()
	i.awaitGone(vault.DeepCopy())
	i.mustBeGone(vault, nil)
}

// mustGoUnbound makes a vault, whose Postgres is away, and deletes it once that has shown.
func (i *installation) mustGoUnbound(vault *v1alpha1.DocVault) {
	i.t.Helper()
	vault.Spec.DeletionPolicy = v1alpha1.DeletionDelete
	i.create(vault)
	i.await(vault, v1alpha1.ConditionDatabaseReady, metav1.ConditionUnknown, v1alpha1.ReasonPostgresUnreachable)
	i.remove(vault)
	i.mustBeGone(vault, nil)
}

func TestAVaultWhoseLedgerIsLostGetsNoOther(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme", deletable)
	lost := i.ledger(vault)
	if err := i.kube.Delete(t.Context(), lost.DeepCopy()); err != nil {
		t.Fatal(err)
	}
	i.await(vault, v1alpha1.ConditionDatabaseReady, metav1.ConditionFalse, v1alpha1.ReasonLedgerLost)
	if n := len(i.ledgers(vault)); n > 0 {
		t.Errorf("%d ledgers were made anew", n)
	}
	// Without the ledger all would be left behind, so the vault stays, too.
	if err := i.kube.Delete(t.Context(), vault); err != nil {
		t.Fatal(err)
	}
	i.await(vault, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonDeleting)
	i.await(vault, v1alpha1.ConditionDatabaseReady, metav1.ConditionFalse, v1alpha1.ReasonLedgerLost)
	restored := i.secret(lost.Name, nil)
	restored.Labels, restored.Data = lost.Labels, lost.Data
	i.create(restored)
	i.awaitGone(vault.DeepCopy())
	i.mustBeGone(vault, lost)
}

// Somebody removes what says whose a child is: it is given back, and goes with its vault all the same.
func TestAChildWithoutItsReferenceStaysTheVaults(t *testing.T) {
	t.Parallel()
	i := install(t)
	stop := i.start()
	vault := i.readyVault("acme")
	disown := func() {
		for name, child := range map[string]client.Object{"acme-api": &appsv1.Deployment{}, "acme-runtime": &corev1.Secret{}} {
			i.get(child, vault.Namespace, name)
			i.edit(child, func() { child.SetOwnerReferences(nil) })
		}
	}
	disown()
	d := named(&appsv1.Deployment{}, vault.Namespace, "acme-api")
	i.awaitObject(d, func() error {
		if !metav1.IsControlledBy(d, vault) {
			return fmt.Errorf("owners are %v", d.OwnerReferences)
		}
		return nil
	})
	i.awaitReady(vault)

	stop()
	disown()
	if err := i.kube.Delete(t.Context(), vault); err != nil {
		t.Fatal(err)
	}
	i.start()
	i.awaitGone(vault)
	i.awaitNot(vault, &appsv1.Deployment{}, "acme-api")
	i.awaitNot(vault, &corev1.Secret{}, "acme-runtime")
}
