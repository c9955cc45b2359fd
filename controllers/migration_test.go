package controllers_test

import (
	"context"
	"errors"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
)

func TestAMigrationThatFindsItsConfigurationWrongStallsUntilTheRevert(t *testing.T) {
	t.Parallel()
	i := install(t)
	vault, job := i.pendingMigration()
	i.fail(job, batchv1.JobReasonPodFailurePolicy)
	i.await(vault, v1alpha1.ConditionMigrated, metav1.ConditionFalse, v1alpha1.ReasonMigrationFailed)
	i.await(vault, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonMigrationFailed)
	i.await(vault, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonMigrationFailed)
	api := &appsv1.Deployment{}
	i.get(api, vault.Namespace, "acme-api")
	if image := api.Spec.Template.Spec.Containers[0].Image; image != i.class.Spec.Runtime.Image {
		t.Errorf("the API runs %s although the schema is not there", image)
	}
	i.edit(vault, func() { vault.Spec.Image = "" })
	i.awaitReady(vault)
	i.await(vault, v1alpha1.ConditionStalled, metav1.ConditionFalse, "")
	i.awaitGone(job)
}

func TestAMigrationThatFailedForNowIsTriedAgain(t *testing.T) {
	t.Parallel()
	i := install(t)
	vault, job := i.pendingMigration()
	first := job.UID
	i.fail(job, batchv1.JobReasonBackoffLimitExceeded)
	i.awaitObject(job, func() error {
		if job.UID == first {
			return errors.New("still the Job that failed")
		}
		return nil
	})
	// The old version serves, and not at the spec's version: also while the next try runs.
	i.await(vault, v1alpha1.ConditionMigrated, metav1.ConditionFalse, v1alpha1.ReasonMigrationRetrying)
	i.anotherPass(vault)
	i.await(vault, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonMigrationRetrying)
	i.await(vault, v1alpha1.ConditionReconciling, metav1.ConditionTrue, "")
	i.await(vault, v1alpha1.ConditionAPIAvailable, metav1.ConditionTrue, "")
	i.allowPods(vault.Namespace)
	i.awaitReady(vault)
	if vault.Status.Version != "v0.2.0" {
		t.Errorf("version %s, want v0.2.0", vault.Status.Version)
	}
}

// pendingMigration returns a vault that serves, has been given another image, and whose migration Job gets no pod.
func (i *installation) pendingMigration() (*v1alpha1.DocVault, *batchv1.Job) {
	i.t.Helper()
	i.edit(i.class, func() { i.class.Spec.Allow.Images = []string{"ghcr.io/docvault/docvault:*"} })
	i.start()
	vault := i.readyVault("acme")
	i.forbidPods(vault.Namespace)
	before := i.jobs(vault)
	i.edit(vault, func() { vault.Spec.Image = "ghcr.io/docvault/docvault:v0.2.0" })
	var pending *batchv1.Job
	eventually(i.t, patience, func(context.Context) error {
		for uid, job := range i.jobs(vault) {
			if _, old := before[uid]; !old && job.Status.StartTime != nil {
				pending = &job
				return nil
			}
		}
		return errors.New("no Job of the new image was started")
	})
	i.await(vault, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonServing)
	return vault, pending
}

func (i *installation) jobs(vault *v1alpha1.DocVault) map[types.UID]batchv1.Job {
	i.t.Helper()
	list := &batchv1.JobList{}
	if err := i.kube.List(i.t.Context(), list, client.InNamespace(vault.Namespace)); err != nil {
		i.t.Fatal(err)
	}
	jobs := map[types.UID]batchv1.Job{}
	for _, job := range list.Items {
		jobs[job.UID] = job
	}
	return jobs
}

// fail ends a Job as the Job controller does, long enough ago for another try.
func (i *installation) fail(job *batchv1.Job, reason string) {
	i.t.Helper()
	ago := metav1.NewTime(time.Now().Add(-time.Hour))
	before := job.DeepCopy()
	for _, kind := range []batchv1.JobConditionType{batchv1.JobFailureTarget, batchv1.JobFailed} {
		job.Status.Conditions = append(job.Status.Conditions, batchv1.JobCondition{
			Type: kind, Status: corev1.ConditionTrue, Reason: reason, LastTransitionTime: ago, LastProbeTime: ago,
		})
	}
	if err := i.kube.Status().Patch(i.t.Context(), job, client.MergeFrom(before)); err != nil {
		i.t.Fatalf("fail the Job: %v", err)
	}
}

// forbidPods has no new pods made in a namespace.
func (i *installation) forbidPods(namespace string) {
	i.t.Helper()
	quota := &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Name: "no-more-pods", Namespace: namespace},
		Spec:       corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("0")}},
	}
	i.create(quota)
	i.awaitObject(quota, func() error {
		if len(quota.Status.Hard) == 0 {
			return errors.New("the quota is not enforced yet")
		}
		return nil
	})
}

func (i *installation) allowPods(namespace string) {
	i.t.Helper()
	quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "no-more-pods", Namespace: namespace}}
	if err := i.kube.Delete(i.t.Context(), quota); err != nil {
		i.t.Fatal(err)
	}
}
