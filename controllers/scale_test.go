package controllers_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
)

// other returns an empty object of a kind that others bring.
func other(group, version, kind string) *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(schema.GroupVersionKind{Group: group, Version: version, Kind: kind})
	return object
}

func scaledObject() *unstructured.Unstructured { return other(keda, "v1alpha1", "ScaledObject") }

// awaitThere waits until a vault's object is there, awaitNot until it is not.
func (i *installation) awaitThere(vault *v1alpha1.DocVault, object client.Object, name string) {
	i.t.Helper()
	eventually(i.t, patience, func(ctx context.Context) error {
		return i.kube.Get(ctx, client.ObjectKey{Namespace: vault.Namespace, Name: name}, object)
	})
}

func (i *installation) awaitNot(vault *v1alpha1.DocVault, object client.Object, name string) {
	i.t.Helper()
	object.SetNamespace(vault.Namespace)
	object.SetName(name)
	i.awaitGone(object)
}

// awaitReplicas waits until a Deployment wants a number of pods.
func (i *installation) awaitReplicas(vault *v1alpha1.DocVault, name string, want int32) {
	i.t.Helper()
	eventually(i.t, patience, func(ctx context.Context) error {
		d := &appsv1.Deployment{}
		if err := i.kube.Get(ctx, client.ObjectKey{Namespace: vault.Namespace, Name: name}, d); err != nil {
			return err
		}
		if *d.Spec.Replicas != want {
			return fmt.Errorf("%s wants %d pods, not %d", name, *d.Spec.Replicas, want)
		}
		return nil
	})
}

// countsOf collects, until the returned function is called, how many pods a Deployment wants after each change of it.
func (i *installation) countsOf(vault *v1alpha1.DocVault, name string) (seen func() []int32) {
	i.t.Helper()
	kube, err := client.NewWithWatch(i.config, client.Options{Scheme: scheme})
	if err != nil {
		i.t.Fatal(err)
	}
	watch, err := kube.Watch(i.t.Context(), &appsv1.DeploymentList{}, client.InNamespace(vault.Namespace),
		client.MatchingFields{"metadata.name": name})
	if err != nil {
		i.t.Fatal(err)
	}
	var counts []int32
	done := make(chan struct{})
	go func() {
		defer close(done)
		for event := range watch.ResultChan() {
			if d, ok := event.Object.(*appsv1.Deployment); ok {
				counts = append(counts, *d.Spec.Replicas)
			}
		}
	}()
	return func() []int32 {
		watch.Stop()
		<-done
		return counts
	}
}

// scale writes a count as `kubectl scale` and autoscalers do.
func (i *installation) scale(object client.Object, count int32) {
	i.t.Helper()
	scale := &autoscalingv1.Scale{Spec: autoscalingv1.ScaleSpec{Replicas: count}}
	if err := i.kube.SubResource("scale").Update(i.t.Context(), object, client.WithSubResourceBody(scale)); err != nil {
		i.t.Fatal(err)
	}
}

func TestTheCountIsHandedToTheAutoscalerAndBack(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme", func(vault *v1alpha1.DocVault) { vault.Spec.API.Replicas = new(int32(3)) })
	counts := i.countsOf(vault, "acme-api")
	i.edit(vault, func() {
		vault.Spec.API.Autoscaling = &v1alpha1.APIAutoscaling{MinReplicas: new(int32(2)), MaxReplicas: 5}
	})
	i.awaitThere(vault, &autoscalingv2.HorizontalPodAutoscaler{}, "acme-api")
	i.awaitReady(vault)
	i.anotherPass(vault)
	i.anotherPass(vault)
	// As the autoscaler would: what it writes is nobody's to undo.
	i.scale(named(&appsv1.Deployment{}, vault.Namespace, "acme-api"), 4)
	i.awaitReady(vault)
	i.anotherPass(vault)
	i.anotherPass(vault)
	for _, count := range counts() {
		if count < 3 {
			t.Errorf("the API was scaled to %d while its count was handed over", count)
		}
	}
	i.awaitReplicas(vault, "acme-api", 4)

	i.edit(vault, func() { vault.Spec.Suspend = true })
	i.awaitNot(vault, &autoscalingv2.HorizontalPodAutoscaler{}, "acme-api")
	i.awaitReplicas(vault, "acme-api", 0)
	i.edit(vault, func() { vault.Spec.Suspend = false })
	i.awaitThere(vault, &autoscalingv2.HorizontalPodAutoscaler{}, "acme-api")
	i.awaitReplicas(vault, "acme-api", 2)
	i.awaitReady(vault)

	i.edit(vault, func() { vault.Spec.API.Autoscaling = nil })
	i.awaitReplicas(vault, "acme-api", 3)
	i.awaitNot(vault, &autoscalingv2.HorizontalPodAutoscaler{}, "acme-api")
	i.awaitReady(vault)
}

func TestWorkersAreScaledByKEDAWhereItIsInstalledElseByCPU(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme", func(vault *v1alpha1.DocVault) {
		vault.Spec.Worker.Autoscaling = &v1alpha1.WorkerAutoscaling{MinReplicas: new(int32(0)), MaxReplicas: 4}
	})
	hpa := &autoscalingv2.HorizontalPodAutoscaler{}
	i.awaitThere(vault, hpa, "acme-worker")
	if *hpa.Spec.MinReplicas != 1 {
		t.Errorf("without KEDA there are %d workers at least, want 1", *hpa.Spec.MinReplicas)
	}
	i.await(vault, v1alpha1.ConditionWorkerAvailable, metav1.ConditionTrue, "")
	if c := meta.FindStatusCondition(vault.Status.Conditions, v1alpha1.ConditionWorkerAvailable); !strings.Contains(c.Message, "KEDA is not installed") {
		t.Errorf("nobody says that KEDA is missing: %s", c.Message)
	}

	i.effects.setInstalled(keda, true)
	i.awaitThere(vault, scaledObject(), "acme-worker")
	i.awaitNot(vault, hpa, "acme-worker")
	i.awaitReady(vault)
	// As KEDA would: down to none, which is nobody's to undo.
	i.scale(named(&appsv1.Deployment{}, vault.Namespace, "acme-worker"), 0)
	i.awaitReady(vault)
	i.anotherPass(vault)
	i.anotherPass(vault)
	i.awaitReplicas(vault, "acme-worker", 0)

	i.effects.setInstalled(keda, false)
	i.awaitThere(vault, hpa, "acme-worker")
	i.awaitReplicas(vault, "acme-worker", 1)
	i.awaitReady(vault)

	// And there again: the ScaledObject of before is found, followed, and goes with what wanted it.
	i.effects.setInstalled(keda, true)
	i.awaitNot(vault, hpa, "acme-worker")
	i.edit(vault, func() { vault.Spec.Worker.Autoscaling.MaxReplicas = 7 })
	eventually(t, patience, func(ctx context.Context) error {
		object := scaledObject()
		if err := i.kube.Get(ctx, client.ObjectKey{Namespace: vault.Namespace, Name: "acme-worker"}, object); err != nil {
			return err
		}
		if most, _, _ := unstructured.NestedInt64(object.Object, "spec", "maxReplicaCount"); most != 7 {
			return fmt.Errorf("there are %d workers at most, want 7", most)
		}
		return nil
	})
	i.edit(vault, func() { vault.Spec.Worker.Autoscaling = nil })
	i.awaitNot(vault, scaledObject(), "acme-worker")
	i.awaitReplicas(vault, "acme-worker", 1)
	i.awaitReady(vault)
}

func TestAVaultIsScaledThroughItsScaleSubresource(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme")
	i.scale(vault, 3)
	i.awaitReplicas(vault, "acme-worker", 3)
	eventually(t, patience, func(ctx context.Context) error {
		scale := &autoscalingv1.Scale{}
		if err := i.kube.SubResource("scale").Get(ctx, vault, scale); err != nil {
			return err
		}
		if scale.Status.Replicas != 3 || scale.Spec.Replicas != 3 {
			return fmt.Errorf("%d of %d workers", scale.Status.Replicas, scale.Spec.Replicas)
		}
		if !strings.Contains(scale.Status.Selector, "app.kubernetes.io/component=worker") {
			return errors.New("the selector is " + scale.Status.Selector)
		}
		return nil
	})
	// Somebody's own autoscaler of the vault finds its pods, and keeps it within its bounds.
	i.create(&autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Name: "theirs", Namespace: vault.Namespace},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: v1alpha1.GroupVersion.String(), Kind: "DocVault", Name: "acme"},
			MinReplicas:    new(int32(5)), MaxReplicas: 6,
		},
	})
	i.awaitReplicas(vault, "acme-worker", 5)
}
