package controllers_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/minio/minio-go/v7"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
)

func TestADatabaseThatWasDroppedIsNotMadeAgain(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme", deletable)
	i.dropDatabase(vault)
	i.anotherPass(vault)
	i.await(vault, v1alpha1.ConditionDatabaseReady, metav1.ConditionFalse, v1alpha1.ReasonDatabaseLost)
	i.await(vault, v1alpha1.ConditionBucketReady, metav1.ConditionTrue, "")
	if slices.Contains(i.outside(vault), "database dv_"+i.identityOf(vault)) {
		t.Error("the database was made again")
	}
	// A backup that bears the mark is found.
	admin, name := postgresAdmin(t), pgx.Identifier{"dv_" + i.identityOf(vault)}.Sanitize()
	execSQL(t, admin, "CREATE DATABASE "+name)
	execSQL(t, admin, "COMMENT ON DATABASE "+name+" IS 'docvault:"+i.identityOf(vault)+"'")
	i.awaitReady(vault)
	mustWork(t, i.ledger(vault))
}

func TestABucketThatWasRemovedIsNotMadeAgainUntilTheVaultStartsEmpty(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme", deletable)
	lost := i.ledger(vault)
	if err := storeAdmin(t).RemoveBucket(t.Context(), string(lost.Data["bucket"])); err != nil {
		t.Fatal(err)
	}
	i.anotherPass(vault)
	i.await(vault, v1alpha1.ConditionBucketReady, metav1.ConditionFalse, v1alpha1.ReasonBucketLost)
	i.await(vault, v1alpha1.ConditionDatabaseReady, metav1.ConditionTrue, "")
	if found, err := storeAdmin(t).BucketExists(t.Context(), string(lost.Data["bucket"])); found || err != nil {
		t.Errorf("the bucket was made again (%v)", err)
	}
	// As the condition says: deleted with Delete and applied again, the vault starts empty.
	i.remove(vault)
	i.mustBeGone(vault, lost)
	again := i.newVaultIn(vault.Namespace, vault.Name)
	i.create(again)
	i.awaitReady(again)
	mustWork(t, i.ledger(again))
}

func TestARetainedVaultWhoseDataWasLostIsNotMadeAgain(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme")
	i.remove(vault)
	// A ledger from before there was a record goes by the migration that succeeded.
	old := i.ledger(vault)
	i.edit(old, func() { delete(old.Data, "databaseMade"); delete(old.Data, "bucketMade") })
	i.dropDatabase(vault)
	if err := storeAdmin(t).RemoveBucketWithOptions(t.Context(), string(old.Data["bucket"]), minio.RemoveBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	again := &v1alpha1.DocVault{ObjectMeta: metav1.ObjectMeta{Name: vault.Name, Namespace: vault.Namespace}, Spec: vault.Spec}
	i.create(again)
	i.await(again, v1alpha1.ConditionDatabaseReady, metav1.ConditionFalse, v1alpha1.ReasonDatabaseLost)
	i.await(again, v1alpha1.ConditionBucketReady, metav1.ConditionFalse, v1alpha1.ReasonBucketLost)
}

// dropDatabase does from outside what no vault's own login may.
func (i *installation) dropDatabase(vault *v1alpha1.DocVault) {
	i.t.Helper()
	name := pgx.Identifier{"dv_" + i.identityOf(vault)}.Sanitize()
	execSQL(i.t, postgresAdmin(i.t), "DROP DATABASE "+name+" WITH (FORCE)")
}

// What a ledger lost is told, not taken for a vault's credentials; the vault serves meanwhile.
func TestADamagedLedgerIsToldAndMended(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme", deletable)
	whole := i.ledger(vault)
	for _, key := range []string{"secretKey", "appPassword", "identity"} {
		i.editSecret(whole, func(secret *corev1.Secret) { delete(secret.Data, key) })
		i.await(vault, v1alpha1.ConditionDatabaseReady, metav1.ConditionFalse, v1alpha1.ReasonLedgerLost)
		i.awaitSaying(vault, v1alpha1.ConditionDatabaseReady, whole.Name)
		i.await(vault, v1alpha1.ConditionAPIAvailable, metav1.ConditionTrue, "")
		i.editSecret(whole, func(secret *corev1.Secret) { secret.Data = whole.Data })
		i.awaitReady(vault)
	}
	mustWork(t, i.ledger(vault))

	// It holds up no deletion for ever.
	i.editSecret(whole, func(secret *corev1.Secret) { secret.Data = nil })
	if err := i.kube.Delete(t.Context(), vault); err != nil {
		t.Fatal(err)
	}
	i.awaitSaying(vault, v1alpha1.ConditionReconciling, v1alpha1.AnnotationAbandon)
	i.editSecret(whole, func(secret *corev1.Secret) { secret.Data = whole.Data })
	i.awaitGone(vault)
	i.mustBeGone(vault, whole)
}

// A ledger without its labels is not in the cache, nor does its class count it.
func TestALedgersLabelsComeBack(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme")
	whole := i.ledger(vault)
	i.editSecret(whole, func(secret *corev1.Secret) { secret.Labels = map[string]string{"backup": "monday"} })
	i.anotherPass(vault)
	now := named(&corev1.Secret{}, whole.Namespace, whole.Name)
	i.awaitObject(now, func() error {
		if now.Labels[v1alpha1.LabelManagedBy] != v1alpha1.ManagedBy || now.Labels["backup"] != "monday" {
			return fmt.Errorf("labels are %v", now.Labels)
		}
		return nil
	})
}

// editSecret changes a Secret by its name alone: its labels may be gone.
func (i *installation) editSecret(named *corev1.Secret, change func(*corev1.Secret)) {
	i.t.Helper()
	eventually(i.t, patience, func(ctx context.Context) error {
		secret := &corev1.Secret{}
		if err := i.kube.Get(ctx, client.ObjectKeyFromObject(named), secret); err != nil {
			return err
		}
		change(secret)
		return i.kube.Update(ctx, secret)
	})
}
