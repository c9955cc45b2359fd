package controllers_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
)

// The volume of Redis grows with the spec, where its storage class lets it; the server goes on meanwhile.
func TestTheVolumeGrows(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	class := &storagev1.StorageClass{
		ObjectMeta: metav1.ObjectMeta{Name: unique("growing")}, Provisioner: "kubernetes.io/no-provisioner", AllowVolumeExpansion: new(true),
	}
	i.create(class)
	t.Cleanup(func() { _ = i.kube.Delete(context.Background(), class) })
	vault := i.newVault("acme")
	vault.Spec.Redis.Storage = v1alpha1.StorageSpec{Size: new(resource.MustParse("1Gi")), StorageClassName: &class.Name}
	volume := &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: class.Name},
		Spec: corev1.PersistentVolumeSpec{
			StorageClassName:       class.Name,
			Capacity:               corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")},
			AccessModes:            []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			PersistentVolumeSource: corev1.PersistentVolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/nowhere"}},
		},
	}
	i.create(volume)
	t.Cleanup(func() { _ = i.kube.Delete(context.Background(), volume) })
	i.create(vault)
	i.awaitReady(vault)

	i.growTo(vault, "3Gi")
	i.awaitReady(vault)
	if got := i.claimed(vault); got.Cmp(resource.MustParse("3Gi")) != 0 {
		t.Fatalf("the claim asks for %s", &got)
	}
}

func TestAVolumeThatCannotGrowLeavesTheVaultReady(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme")
	i.growTo(vault, "3Gi")
	i.awaitObject(vault, func() error {
		c := meta.FindStatusCondition(vault.Status.Conditions, v1alpha1.ConditionReconciling)
		if c.Status != metav1.ConditionTrue || !strings.Contains(c.Message, "allowVolumeExpansion") {
			return fmt.Errorf("Reconciling does not say what is wrong: %s", describe(vault.Status.Conditions))
		}
		return nil
	})
	i.await(vault, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonServing)
	if got := i.claimed(vault); got.Cmp(resource.MustParse("1Gi")) != 0 {
		t.Fatalf("the claim asks for %s", &got)
	}
	// Nor does it hold up a rotation.
	i.ask(vault, v1alpha1.AnnotationRotate, "1")
	i.awaitRotation(vault, 1, "grace", "ended")
}

// A vault finds the volume of an earlier one of its name, and asks for what it lacks.
func TestAVolumeThatWasKeptIsAskedToGrow(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme")
	i.remove(vault)
	again := i.newVaultIn(vault.Namespace, vault.Name)
	again.Spec.Redis.Storage.Size = new(resource.MustParse("2Gi"))
	i.create(again)
	i.awaitSaying(again, v1alpha1.ConditionReconciling, "should grow to 2Gi")
}

func (i *installation) growTo(vault *v1alpha1.DocVault, size string) {
	i.t.Helper()
	before := vault.DeepCopy()
	vault.Spec.Redis.Storage.Size = new(resource.MustParse(size))
	if err := i.kube.Patch(i.t.Context(), vault, client.MergeFrom(before)); err != nil {
		i.t.Fatal(err)
	}
}

// claimed returns what the claim of a vault's Redis asks for.
func (i *installation) claimed(vault *v1alpha1.DocVault) resource.Quantity {
	i.t.Helper()
	claim := &corev1.PersistentVolumeClaim{}
	key := client.ObjectKey{Namespace: vault.Namespace, Name: "data-" + vault.Name + "-redis-0"}
	if err := i.kube.Get(i.t.Context(), key, claim); err != nil {
		i.t.Fatal(err)
	}
	return claim.Spec.Resources.Requests[corev1.ResourceStorage]
}
