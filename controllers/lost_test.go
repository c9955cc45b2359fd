package controllers_test

import (
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/minio/minio-go/v7"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

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
