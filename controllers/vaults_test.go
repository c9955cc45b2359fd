package controllers_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
)

// newVault returns a vault in a namespace of its own, and a volume for its Redis. It is not created yet.
func (i *installation) newVault(name string) *v1alpha1.DocVault {
	i.t.Helper()
	return i.newVaultIn(i.newNamespace("tenant"), name)
}

func (i *installation) newVaultIn(namespace, name string) *v1alpha1.DocVault {
	i.t.Helper()
	volume := &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: unique("redis")},
		Spec: corev1.PersistentVolumeSpec{
			Capacity:                      corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")},
			AccessModes:                   []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
			PersistentVolumeSource:        corev1.PersistentVolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/nowhere"}},
			ClaimRef:                      &corev1.ObjectReference{Namespace: namespace, Name: "data-" + name + "-redis-0"},
		},
	}
	i.create(volume)
	i.t.Cleanup(func() { _ = i.kube.Delete(context.Background(), volume) })
	return &v1alpha1.DocVault{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace},
		Spec:       v1alpha1.DocVaultSpec{ClassName: i.class.Name},
	}
}

// readyVault makes a vault and waits until it is Ready and settled.
func (i *installation) readyVault(name string, change ...func(*v1alpha1.DocVault)) *v1alpha1.DocVault {
	i.t.Helper()
	vault := i.newVault(name)
	for _, c := range change {
		c(vault)
	}
	i.create(vault)
	i.awaitReady(vault)
	return vault
}

// awaitReady waits until a vault is Ready and settled at its present generation.
func (i *installation) awaitReady(vault *v1alpha1.DocVault) {
	i.t.Helper()
	i.await(vault, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	i.await(vault, v1alpha1.ConditionReconciling, metav1.ConditionFalse, v1alpha1.ReasonSettled)
}

// await waits for a condition at the vault's present generation; an empty reason is any.
func (i *installation) await(vault *v1alpha1.DocVault, kind string, status metav1.ConditionStatus, reason string) {
	i.t.Helper()
	i.awaitObject(vault, func() error {
		c := meta.FindStatusCondition(vault.Status.Conditions, kind)
		if c == nil || c.Status != status || (reason != "" && c.Reason != reason) || c.ObservedGeneration != vault.Generation {
			return fmt.Errorf("%s of %s is not %s %s yet: %s", kind, vault.Name, status, reason, describe(vault.Status.Conditions))
		}
		return nil
	})
}

func describe(conditions []metav1.Condition) string {
	var b strings.Builder
	for _, c := range conditions {
		fmt.Fprintf(&b, "\n  %s=%s %s: %s", c.Type, c.Status, c.Reason, c.Message)
	}
	return b.String()
}

// awaitGone waits until the API server does not know an object any more.
func (i *installation) awaitGone(object client.Object) {
	i.t.Helper()
	eventually(i.t, patience, func(ctx context.Context) error {
		err := i.kube.Get(ctx, client.ObjectKeyFromObject(object), object)
		if err == nil {
			return fmt.Errorf("%T %s is still there", object, object.GetName())
		}
		return client.IgnoreNotFound(err)
	})
}

// events are those that were told of anything in a vault's namespace.
func (i *installation) events(vault *v1alpha1.DocVault) []eventsv1.Event {
	i.t.Helper()
	events := &eventsv1.EventList{}
	if err := i.kube.List(i.t.Context(), events, client.InNamespace(vault.Namespace)); err != nil {
		i.t.Fatal(err)
	}
	return events.Items
}

// ledger returns the Secret that lists a vault's credentials; there must be exactly one.
func (i *installation) ledger(vault *v1alpha1.DocVault) *corev1.Secret {
	i.t.Helper()
	ledgers := i.ledgers(vault)
	if len(ledgers) != 1 {
		i.t.Fatalf("%s/%s has %d ledgers, want one", vault.Namespace, vault.Name, len(ledgers))
	}
	return &ledgers[0]
}

func (i *installation) ledgers(vault *v1alpha1.DocVault) []corev1.Secret {
	i.t.Helper()
	secrets := &corev1.SecretList{}
	if err := i.kube.List(i.t.Context(), secrets, client.InNamespace(i.namespace)); err != nil {
		i.t.Fatal(err)
	}
	var found []corev1.Secret
	for _, s := range secrets.Items {
		if string(s.Data["vaultNamespace"]) == vault.Namespace && string(s.Data["vaultName"]) == vault.Name {
			found = append(found, s)
		}
	}
	return found
}

func (i *installation) namespaceUID(name string) types.UID {
	i.t.Helper()
	namespace := &corev1.Namespace{}
	i.get(namespace, "", name)
	return namespace.UID
}

// edit changes an object as somebody else than the operator would.
func (i *installation) edit(object client.Object, change func()) {
	i.t.Helper()
	before := object.DeepCopyObject().(client.Object)
	change()
	if err := i.kube.Patch(i.t.Context(), object, client.MergeFrom(before), client.FieldOwner("somebody")); err != nil {
		i.t.Fatalf("edit %T %s: %v", object, object.GetName(), err)
	}
}

// anotherPass has the operator look at a vault once more, and waits until it has.
func (i *installation) anotherPass(vault *v1alpha1.DocVault) {
	i.t.Helper()
	before, _ := i.effects.seen()
	i.edit(vault, func() {
		vault.Annotations = map[string]string{"test.docvault.io/poke": unique("poke")}
	})
	eventually(i.t, patience, func(context.Context) error {
		if now, _ := i.effects.seen(); now == before {
			return errors.New("the operator has not looked at the vault")
		}
		return nil
	})
}

// awaitObject reads an object again and again until there is nothing wrong with it.
func (i *installation) awaitObject(object client.Object, wrong func() error) {
	i.t.Helper()
	eventually(i.t, patience, func(ctx context.Context) error {
		if err := i.kube.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
			return err
		}
		return wrong()
	})
}
