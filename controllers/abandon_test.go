package controllers_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/minio/minio-go/v7"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
)

func TestAbandoningABackendLetsTheVaultGoAndSaysWhatIsLeft(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme", deletable)
	lost := i.ledger(vault)
	i.effects.setAway(storeServer, true)
	if err := i.kube.Delete(t.Context(), vault); err != nil {
		t.Fatal(err)
	}
	i.await(vault, v1alpha1.ConditionBucketReady, metav1.ConditionUnknown, v1alpha1.ReasonObjectStoreUnreachable)
	i.awaitSaying(vault, v1alpha1.ConditionBucketReady, v1alpha1.AnnotationAbandon+"=bucket")
	i.awaitSaying(vault, v1alpha1.ConditionReady, v1alpha1.AnnotationAbandon+"=bucket")
	i.annotate(vault, v1alpha1.AnnotationAbandon, "database, buckets")
	i.awaitSaying(vault, v1alpha1.ConditionReady, `["buckets"]`)
	i.annotate(vault, v1alpha1.AnnotationAbandon, "database, bucket")
	i.awaitGone(vault.DeepCopy())

	// The database answered, so it is gone; the bucket is left, and who looks after the servers knows.
	id := i.identityOf(vault)
	if left, want := i.outside(vault), []string{"bucket dv-" + id, "user dv-" + id, "policy dv-" + id, "1 access keys"}; !slices.Equal(left, want) {
		t.Errorf("left are %q, want %q", left, want)
	}
	kept := i.ledger(vault)
	if err := sameCredentials(lost, kept); err != nil || string(kept.Data["state"]) != "abandoned" || string(kept.Data["abandoned"]) != "bucket" {
		t.Errorf("the ledger is %s of %s, %v", kept.Data["state"], kept.Data["abandoned"], err)
	}
	for _, about := range []client.Object{vault, i.class} {
		i.awaitEvent(about, v1alpha1.EventAbandoned, "bucket dv-"+id)
	}
	i.awaitClass(v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonObjectStoreUnreachable)
	if i.class.Status.Vaults != 0 {
		t.Errorf("%d vaults hold the class", i.class.Status.Vaults)
	}
	i.startOverAfterAbandoning(vault, kept)
}

// startOverAfterAbandoning makes a vault of the same name, which must not find the bucket that was to be deleted.
func (i *installation) startOverAfterAbandoning(old *v1alpha1.DocVault, ledger *corev1.Secret) {
	i.t.Helper()
	_, err := storeAdmin(i.t).PutObject(i.t.Context(), string(ledger.Data["bucket"]), "deleted", strings.NewReader("x"), 1, minio.PutObjectOptions{})
	if err != nil {
		i.t.Fatal(err)
	}
	again := i.newVaultIn(old.Namespace, old.Name)
	again.Annotations = map[string]string{v1alpha1.AnnotationAbandon: "bucket"} // left in its manifest, means nothing to one that lives
	i.create(again)
	i.awaitSaying(again, v1alpha1.ConditionBucketReady, "delete the Secret "+ledger.Name)
	i.effects.setAway(storeServer, false)
	i.awaitReady(again)
	if sameCredentials(ledger, i.ledger(again)) == nil {
		i.t.Error("the credentials are those of the vault that was deleted")
	}
	mustWork(i.t, i.ledger(again))
	if _, err := storeAdmin(i.t).StatObject(i.t.Context(), string(ledger.Data["bucket"]), "deleted", minio.StatObjectOptions{}); err == nil {
		i.t.Error("the new vault has the deleted one's objects")
	}
}

func TestAbandoningGivesUpNothingThatCanBeRemoved(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme", deletable)
	ledger := i.ledger(vault)
	i.annotate(vault, v1alpha1.AnnotationAbandon, "database,bucket")
	i.anotherPass(vault)
	i.awaitReady(vault)
	i.remove(vault)
	i.mustBeGone(vault, ledger)
}

func TestAVaultWithoutItsLedgerGoesOnceBothAreAbandoned(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme", deletable)
	if err := i.kube.Delete(t.Context(), i.ledger(vault)); err != nil {
		t.Fatal(err)
	}
	if err := i.kube.Delete(t.Context(), vault); err != nil {
		t.Fatal(err)
	}
	i.awaitSaying(vault, v1alpha1.ConditionReady, v1alpha1.AnnotationAbandon+"=database,bucket")
	i.annotate(vault, v1alpha1.AnnotationAbandon, "database")
	i.anotherPass(vault)
	i.await(vault, v1alpha1.ConditionDatabaseReady, metav1.ConditionFalse, v1alpha1.ReasonLedgerLost)
	i.annotate(vault, v1alpha1.AnnotationAbandon, "database bucket")
	i.awaitGone(vault.DeepCopy())
	i.awaitEvent(vault, v1alpha1.EventAbandoned, "bucket dv-"+i.identityOf(vault))
}

// The operator dies after each of its effects while it abandons a bucket, and another takes its place.
func TestAbandoningIsCutOffAfterEachEffect(t *testing.T) {
	t.Parallel()
	const effects = 16 // children, database, ledger, finalizer
	for n := 1; n <= effects; n++ {
		t.Run(fmt.Sprintf("effect %d", n), func(t *testing.T) {
			t.Parallel()
			i := install(t)
			i.start()
			vault := i.readyVault("acme", deletable, func(v *v1alpha1.DocVault) {
				v.Annotations = map[string]string{v1alpha1.AnnotationAbandon: "bucket"}
			})
			i.effects.setAway(storeServer, true)
			i.effects.restart(n)
			if err := i.kube.Delete(t.Context(), vault); err != nil {
				t.Fatal(err)
			}
			i.awaitCut(func(ctx context.Context) error { return i.noLongerThere(ctx, vault.DeepCopy()) })
			i.stop()
			i.effects.restart(0)
			i.start()
			i.awaitGone(vault.DeepCopy())
			if state := string(i.ledger(vault).Data["state"]); state != "abandoned" {
				t.Errorf("the ledger is %s, want abandoned", state)
			}
			i.effects.setAway(storeServer, false)
			again := i.newVaultIn(vault.Namespace, vault.Name)
			deletable(again)
			i.create(again)
			i.awaitReady(again)
			i.remove(again)
			i.mustBeGone(again, nil)
		})
	}
}

func (i *installation) noLongerThere(ctx context.Context, object client.Object) error {
	err := i.kube.Get(ctx, client.ObjectKeyFromObject(object), object)
	if err == nil {
		return fmt.Errorf("%s is still there: %+v", object.GetName(), object)
	}
	return client.IgnoreNotFound(err)
}

func TestALargeBucketIsEmptiedInSteps(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme", deletable)
	ledger := i.ledger(vault)
	i.fillBucket(string(ledger.Data["bucket"]), 1100)
	i.effects.restart(0)
	i.remove(vault)
	i.mustBeGone(vault, ledger)
	steps := 0
	for _, effect := range i.effects.since(0) {
		if strings.HasPrefix(effect, "POST s3 ") && strings.Contains(effect, "delete=") {
			steps++
		}
	}
	if steps != 2 {
		t.Errorf("1,100 objects were removed in %d steps, want 2", steps)
	}
}

func (i *installation) fillBucket(bucket string, objects int) {
	i.t.Helper()
	store := storeAdmin(i.t)
	var wait sync.WaitGroup
	errs := make(chan error, objects)
	for worker := range 8 {
		wait.Go(func() {
			for n := worker; n < objects; n += 8 {
				_, err := store.PutObject(i.t.Context(), bucket, fmt.Sprintf("object-%d", n), strings.NewReader("x"), 1, minio.PutObjectOptions{})
				errs <- err
			}
		})
	}
	wait.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			i.t.Fatal(err)
		}
	}
}

// A namespace that is deleted takes its vaults with it: nothing can be made there any more, and nothing may wait for that.
func TestADeletedNamespaceTakesItsVaultsWithIt(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	kept := i.readyVault("kept")
	dropped := i.newVaultIn(kept.Namespace, "dropped")
	deletable(dropped)
	i.create(dropped)
	i.awaitReady(dropped)
	ledger := i.ledger(dropped)
	namespace := &corev1.Namespace{}
	i.get(namespace, "", kept.Namespace)
	outside := i.outside(kept)
	droppedID := i.identityOf(dropped)
	if err := i.kube.Delete(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	i.awaitNamespaceGone(namespace)
	if state := string(i.ledger(kept).Data["state"]); state != "released" {
		t.Errorf("the ledger of the one that is kept is %s", state)
	}
	mustWork(t, i.ledger(kept))
	if n := len(i.ledgers(dropped)); n > 0 {
		t.Errorf("%d ledgers of the one that is dropped are left", n)
	}
	if left := outsideOf(t, droppedID); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
	if len(outside) == 0 {
		t.Error("nothing was outside: this test proves nothing")
	}
	mustNotWork(t, ledger)
}

// awaitNamespaceGone is more patient: one controller ends the namespaces of all tests.
func (i *installation) awaitNamespaceGone(namespace *corev1.Namespace) {
	i.t.Helper()
	eventually(i.t, 3*patience, func(ctx context.Context) error { return i.noLongerThere(ctx, namespace.DeepCopy()) })
}

// annotate sets one annotation of an object, as its owner would.
func (i *installation) annotate(object client.Object, key, value string) {
	i.t.Helper()
	i.get(object, object.GetNamespace(), object.GetName())
	i.edit(object, func() {
		annotations := object.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[key] = value
		object.SetAnnotations(annotations)
	})
}

// awaitSaying waits until a condition's message holds a text.
func (i *installation) awaitSaying(vault *v1alpha1.DocVault, kind, text string) {
	i.t.Helper()
	i.awaitObject(vault, func() error {
		c := meta.FindStatusCondition(vault.Status.Conditions, kind)
		if c == nil || !strings.Contains(c.Message, text) {
			return fmt.Errorf("%s does not say %q: %s", kind, text, describe(vault.Status.Conditions))
		}
		return nil
	})
}
