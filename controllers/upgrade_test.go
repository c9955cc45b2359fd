package controllers_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
)

// Images whose pods the simulated node treats in a special way.
const (
	imageExits2     = "ghcr.io/docvault/docvault:exit-2"
	imageNeverReady = "ghcr.io/docvault/docvault:never-ready"
)

// upgradableVault returns a vault that serves and may be given any image of the product.
func (i *installation) upgradableVault() *v1alpha1.DocVault {
	i.t.Helper()
	i.edit(i.class, func() { i.class.Spec.Allow.Images = []string{"ghcr.io/docvault/docvault:*"} })
	i.start()
	return i.readyVault("acme")
}

// The pod of a bad image never becomes ready; the one of the corrected image takes its place.
func TestABadImageOfRedisIsCorrected(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme")
	i.edit(i.class, func() { i.class.Spec.Redis.Image = "redis:never-ready" })
	i.await(vault, v1alpha1.ConditionRedisReady, metav1.ConditionFalse, "")
	i.edit(i.class, func() { i.class.Spec.Redis.Image = "redis:7-bookworm" })
	eventually(t, patience, func(ctx context.Context) error {
		pod := &corev1.Pod{}
		if err := i.kube.Get(ctx, client.ObjectKey{Namespace: vault.Namespace, Name: "acme-redis-0"}, pod); err != nil {
			return err
		}
		if image := pod.Spec.Containers[0].Image; image != "redis:7-bookworm" {
			return fmt.Errorf("the pod has the image %s", image)
		}
		return nil
	})
	i.awaitReady(vault)
}

func (i *installation) setImage(vault *v1alpha1.DocVault, image string) {
	i.t.Helper()
	i.edit(vault, func() { vault.Spec.Image = image })
}

// migrationPod waits for a pod of the migration of an image.
func (i *installation) migrationPod(vault *v1alpha1.DocVault, image string) *corev1.Pod {
	i.t.Helper()
	var found *corev1.Pod
	eventually(i.t, patience, func(ctx context.Context) error {
		pods := &corev1.PodList{}
		if err := i.kube.List(ctx, pods, client.InNamespace(vault.Namespace),
			client.MatchingLabels{v1alpha1.LabelComponent: v1alpha1.ComponentMigrate}); err != nil {
			return err
		}
		for _, pod := range pods.Items {
			if pod.Spec.Containers[0].Image == image {
				found = &pod
				return nil
			}
		}
		return errors.New("no pod of the migration")
	})
	return found
}

// endPod has a migration's pod end as the kubelet would, with a message.
func (i *installation) endPod(pod *corev1.Pod, exitCode int32, message string) {
	i.t.Helper()
	before := pod.DeepCopy()
	pod.Status.Phase = corev1.PodSucceeded
	if exitCode != 0 {
		pod.Status.Phase = corev1.PodFailed
	}
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{
		Name: pod.Spec.Containers[0].Name, Image: pod.Spec.Containers[0].Image,
		State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
			ExitCode: exitCode, Message: message, FinishedAt: metav1.Now(),
		}},
	}}
	if err := i.kube.Status().Patch(i.t.Context(), pod, client.MergeFrom(before)); err != nil {
		i.t.Fatalf("end the pod: %v", err)
	}
}

func (i *installation) apiImage(vault *v1alpha1.DocVault) string {
	i.t.Helper()
	api := &appsv1.Deployment{}
	i.get(api, vault.Namespace, "acme-api")
	return api.Spec.Template.Spec.Containers[0].Image
}

func TestAFailedMigrationSaysTheEndOfItsLogAndACorrectedSpecGoesOn(t *testing.T) {
	t.Parallel()
	i := install(t)
	vault := i.upgradableVault()
	i.setImage(vault, imageExits2)
	i.await(vault, v1alpha1.ConditionMigrated, metav1.ConditionFalse, v1alpha1.ReasonMigrationFailed)
	pod := i.migrationPod(vault, imageExits2)
	i.endPod(pod, 2, strings.Repeat("noise ", 400)+"the schema no longer serves this program: run a newer one\n")
	i.anotherPass(vault)
	i.awaitSaying(vault, v1alpha1.ConditionMigrated, "noise the schema no longer serves this program: run a newer one.")
	i.awaitSaying(vault, v1alpha1.ConditionReady, "this program: run a newer one")
	if image := i.apiImage(vault); image != i.class.Spec.Runtime.Image {
		t.Errorf("the API runs %s", image)
	}
	i.setImage(vault, "ghcr.io/docvault/docvault:v0.2.0")
	i.awaitReady(vault)
	if vault.Status.Version != "v0.2.0" {
		t.Errorf("version %s", vault.Status.Version)
	}
	for _, job := range i.jobs(vault) {
		if job.Spec.Template.Spec.Containers[0].Image == imageExits2 {
			t.Error("the Job that failed is still there")
		}
	}
}

func TestAnUpgradeMigratesThenRollsTheWorkersThenTheAPI(t *testing.T) {
	t.Parallel()
	i := install(t)
	vault := i.upgradableVault()
	first := vault.DeepCopy()
	i.setImage(vault, imageNeverReady)
	i.endPod(i.migrationPod(vault, imageNeverReady), 0, `{"schemaVersion":7}`)
	i.await(vault, v1alpha1.ConditionMigrated, metav1.ConditionTrue, "")
	i.awaitSaying(vault, v1alpha1.ConditionReconciling, "workers of the new version")
	if vault.Status.SchemaVersion != 7 || string(i.ledger(vault).Data["schemaVersion"]) != "7" {
		t.Errorf("the schema's version is %d, in the ledger %s", vault.Status.SchemaVersion, i.ledger(vault).Data["schemaVersion"])
	}
	i.anotherPass(vault)
	i.await(vault, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonServing)
	if image := i.apiImage(vault); image != i.class.Spec.Runtime.Image {
		t.Errorf("the API runs %s before the workers of it are there", image)
	}
	// Workers that do not come up are said to hold up the update.
	i.giveUpOn(vault, "acme-worker")
	i.await(vault, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonUnavailable)
	i.awaitSaying(vault, v1alpha1.ConditionReady, "describe deployment acme-worker")
	i.setImage(vault, "ghcr.io/docvault/docvault:v0.2.0")
	i.awaitReady(vault)
	if vault.Status.Version != "v0.2.0" || vault.Status.SchemaVersion != 7 || first.Status.Version != "v0.1.0" {
		t.Errorf("version %s, schema %d", vault.Status.Version, vault.Status.SchemaVersion)
	}
}

// giveUpOn has a rolling update pass its deadline, as the Deployment controller says it.
func (i *installation) giveUpOn(vault *v1alpha1.DocVault, name string) {
	i.t.Helper()
	d := &appsv1.Deployment{}
	i.get(d, vault.Namespace, name)
	i.edit(d, func() { d.Spec.ProgressDeadlineSeconds = new(int32(1)) })
	i.awaitObject(d, func() error {
		for _, c := range d.Status.Conditions {
			if c.Type == appsv1.DeploymentProgressing && c.Status == corev1.ConditionFalse {
				return nil
			}
		}
		return fmt.Errorf("the update goes on: %+v", d.Status.Conditions)
	})
}

func TestAMigrationThatRunsIsSupersededByTheCorrectedSpec(t *testing.T) {
	t.Parallel()
	i := install(t)
	vault := i.upgradableVault()
	before := i.jobs(vault)
	i.setImage(vault, imageNeverReady)
	pod := i.migrationPod(vault, imageNeverReady)
	i.setImage(vault, "")
	i.awaitReady(vault)
	i.awaitGone(pod)
	for uid, job := range i.jobs(vault) {
		if _, known := before[uid]; !known {
			t.Errorf("a Job was run for the image that the schema is of: %s, %s", job.Name, job.Spec.Template.Spec.Containers[0].Image)
		}
	}
}

func TestAnOperatorThatComesNextChangesNothing(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme")
	i.anotherPass(vault)
	i.stop()
	i.effects.restart(0)
	i.start()
	i.anotherPass(vault)
	i.anotherPass(vault)
	if made := i.effects.since(0); len(made) > 0 {
		t.Errorf("it made:\n%s", strings.Join(made, "\n"))
	}
}

// An update need not be of the image: workers that find no node are told as well, and again when the spec is corrected.
func TestWorkersThatFindNoNodeAreTold(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme")
	i.edit(vault, func() { vault.Spec.Worker.Template.NodeSelector = map[string]string{"there-is": "none"} })
	i.awaitSaying(vault, v1alpha1.ConditionReconciling, "worker pods are rolled out")
	i.giveUpOn(vault, "acme-worker")
	i.await(vault, v1alpha1.ConditionWorkerAvailable, metav1.ConditionFalse, v1alpha1.ReasonUnavailable)
	i.await(vault, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonUnavailable)
	i.awaitSaying(vault, v1alpha1.ConditionReady, "describe deployment acme-worker")
	i.edit(vault, func() { vault.Spec.Worker.Template.NodeSelector = nil })
	i.awaitReady(vault)
	i.await(vault, v1alpha1.ConditionWorkerAvailable, metav1.ConditionTrue, "")
}
