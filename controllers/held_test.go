package controllers_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
)

// awaitHeld waits until the API runs, at the image given, what the runtime Secret holds since a rotation.
func (i *installation) awaitHeld(vault *v1alpha1.DocVault, image, notHash string) {
	i.t.Helper()
	eventually(i.t, patience, func(ctx context.Context) error {
		api := &appsv1.Deployment{}
		if err := i.kube.Get(ctx, client.ObjectKey{Namespace: vault.Namespace, Name: vault.Name + "-api"}, api); err != nil {
			return err
		}
		template, status := api.Spec.Template, api.Status
		if is := template.Spec.Containers[0].Image; is != image {
			i.t.Fatalf("the API runs %s, want %s", is, image)
		}
		if hash := template.Annotations[v1alpha1.AnnotationRuntimeSecret]; hash == notHash {
			return errors.New("the API has its old credentials")
		}
		if status.ObservedGeneration < api.Generation || status.UpdatedReplicas != 1 || status.Replicas != 1 || status.AvailableReplicas != 1 {
			return fmt.Errorf("the API is not rolled out: %+v", status)
		}
		return nil
	})
}

// While an upgrade is stuck, what serves gets the new credentials at the image that it runs: a leak's end takes nothing down.
func TestALeakDuringAStuckUpgradeLeavesTheAPIServing(t *testing.T) {
	t.Parallel()
	i := install(t)
	vault := i.upgradableVault()
	first, image, hash := i.ledger(vault), i.apiImage(vault), i.runtimeHash(vault)
	i.setImage(vault, imageNeverReady)
	migration := i.migrationPod(vault, imageNeverReady)
	i.ask(vault, v1alpha1.AnnotationRotateNow, "while the migration runs")
	second := i.awaitRotation(vault, 1, "ended")
	i.awaitHeld(vault, image, hash)
	mustBeEnded(t, first)
	mustWork(t, second)
	hash = i.runtimeHash(vault)
	i.endPod(migration, 0, `{"schemaVersion":7}`)
	i.awaitSaying(vault, v1alpha1.ConditionReconciling, "workers of the new version")
	i.ask(vault, v1alpha1.AnnotationRotateNow, "while the workers do not come up")
	i.awaitRotation(vault, 2, "rolling")
	i.awaitHeld(vault, image, hash)
	i.editLedger(vault, map[string]string{"rotationEndsAt": time.Now().Add(-time.Minute).UTC().Format(time.RFC3339)})
	i.awaitRotation(vault, 2, "ended")
	i.awaitHeld(vault, image, hash)
	i.setImage(vault, "")
	i.awaitReady(vault)
}

// A spec that the class refuses keeps no leaked credential alive.
func TestALeakIsRotatedAlthoughTheSpecIsRefused(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme")
	first, image, hash, oldRedis := i.ledger(vault), i.apiImage(vault), i.runtimeHash(vault), i.redisOf(vault)
	i.setImage(vault, "example.com/evil:v9")
	i.await(vault, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonImageNotAllowed)
	i.ask(vault, v1alpha1.AnnotationRotateNow, "leak-1")
	i.awaitRotation(vault, 1, "ended")
	i.awaitHeld(vault, image, hash)
	mustBeEnded(t, first)
	mustWork(t, i.ledger(vault))
	eventually(t, patience, func(ctx context.Context) error { return refusedByRedis(ctx, oldRedis) })
	i.await(vault, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonImageNotAllowed)
	i.setImage(vault, "")
	i.awaitReady(vault)
}
