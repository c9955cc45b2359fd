package controllers_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/minio/minio-go/v7"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/docvault/docvault/api/v1alpha1"
)

func TestVaultsOfOneNameShareNothing(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	one, other := i.newVault("acme"), i.newVault("acme")
	i.create(one)
	i.create(other)
	i.awaitReady(one)
	i.awaitReady(other)
	shared := map[string]bool{
		"state": true, "pods": true, "poolSize": true, "connectionLimit": true, "vaultName": true, "class": true, "redisUser": true,
		"migratedJob": true, "migratedImage": true, "databaseMade": true, "bucketMade": true,
		"postgresHost": true, "postgresPort": true, "postgresSSLMode": true, "postgresAdminSecret": true, "postgresSystem": true,
		"objectStoreEndpoint": true, "objectStoreRegion": true, "objectStoreAdminSecret": true,
	}
	a, b := i.ledger(one), i.ledger(other)
	for key, value := range a.Data {
		if !shared[key] && string(b.Data[key]) == string(value) {
			t.Errorf("both ledgers have the same %s", key)
		}
	}
	mustWork(t, a)
	mustWork(t, b)
}

func TestAForeignDatabaseIsRefusedAndLeftAlone(t *testing.T) {
	t.Parallel()
	i := install(t)
	vault := i.newVault("acme")
	database := "dv_" + i.identityOf(vault)
	admin := postgresAdmin(t)
	execSQL(t, admin, "CREATE DATABASE "+pgx.Identifier{database}.Sanitize())
	state := "SELECT coalesce(shobj_description(oid, 'pg_database'), '') || ' ' || datdba || ' ' || coalesce(datacl::text, '') " +
		"FROM pg_database WHERE datname = $1"
	before := sqlNames(t, admin, state, database)
	i.start()
	i.create(vault)
	i.await(vault, v1alpha1.ConditionDatabaseReady, metav1.ConditionFalse, v1alpha1.ReasonNotOwned)
	i.await(vault, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonNotOwned)
	if after := sqlNames(t, admin, state, database); strings.Join(after, "") != strings.Join(before, "") {
		t.Errorf("the foreign database was %s, is %s", before, after)
	}
	// Deleting such a vault drops nothing of it either.
	i.edit(vault, func() { vault.Spec.DeletionPolicy = v1alpha1.DeletionDelete })
	if err := i.kube.Delete(t.Context(), vault); err != nil {
		t.Fatal(err)
	}
	i.await(vault, v1alpha1.ConditionDatabaseReady, metav1.ConditionFalse, v1alpha1.ReasonNotOwned)
	if after := sqlNames(t, admin, state, database); strings.Join(after, "") != strings.Join(before, "") {
		t.Errorf("the foreign database was %s, is %s", before, after)
	}
	execSQL(t, admin, "DROP DATABASE "+pgx.Identifier{database}.Sanitize())
	i.awaitGone(vault)
}

func TestAForeignBucketIsRefusedUntilItIsGone(t *testing.T) {
	t.Parallel()
	i := install(t)
	vault := i.newVault("acme")
	bucket := "dv-" + i.identityOf(vault)
	store := storeAdmin(t)
	if err := store.MakeBucket(t.Context(), bucket, minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := store.PutObject(t.Context(), bucket, "theirs", strings.NewReader("x"), 1, minio.PutObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	i.start()
	i.create(vault)
	i.await(vault, v1alpha1.ConditionBucketReady, metav1.ConditionFalse, v1alpha1.ReasonNotOwned)
	if _, err := store.StatObject(t.Context(), bucket, "theirs", minio.StatObjectOptions{}); err != nil {
		t.Errorf("the foreign object: %v", err)
	}
	if _, err := store.GetBucketTagging(t.Context(), bucket); minio.ToErrorResponse(err).Code != "NoSuchTagSet" {
		t.Errorf("the foreign bucket was marked (%v)", err)
	}
	if err := store.RemoveObject(t.Context(), bucket, "theirs", minio.RemoveObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := store.RemoveBucket(t.Context(), bucket); err != nil {
		t.Fatal(err)
	}
	i.awaitReady(vault)
}

func TestAForeignChildIsRefusedAndLeftAlone(t *testing.T) {
	t.Parallel()
	i := install(t)
	vault := i.newVault("acme")
	theirs := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "acme-redis", Namespace: vault.Namespace},
		Spec: corev1.ServiceSpec{
			Selector: map[string]string{"app": "theirs"}, Ports: []corev1.ServicePort{{Port: 1234}},
		},
	}
	i.create(theirs)
	i.start()
	i.create(vault)
	i.await(vault, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonNotOwned)
	now := &corev1.Service{}
	i.get(now, vault.Namespace, "acme-redis")
	if now.ResourceVersion != theirs.ResourceVersion {
		t.Errorf("a Service that is not the vault's was changed to %+v", now.Spec)
	}
	if err := i.kube.Delete(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}
	i.awaitReady(vault)
}

// What a tenant may read and what the operator says in the open must hold no credential.
func TestNoCredentialIsTold(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme")
	// Faults make the most talkative passes.
	i.effects.setAway(storeServer, true)
	execSQL(t, postgresAdmin(t), "ALTER ROLE "+pgx.Identifier{string(i.ledger(vault).Data["appLogin"])}.Sanitize()+" PASSWORD 'stolen'")
	i.anotherPass(vault)
	i.await(vault, v1alpha1.ConditionBucketReady, metav1.ConditionUnknown, v1alpha1.ReasonObjectStoreUnreachable)
	i.effects.setAway(storeServer, false)
	i.effects.setAway(postgresServer, true)
	i.effects.dropPostgres()
	i.anotherPass(vault)
	i.await(vault, v1alpha1.ConditionDatabaseReady, metav1.ConditionUnknown, v1alpha1.ReasonPostgresUnreachable)
	away := describe(vault.Status.Conditions)
	i.effects.setAway(postgresServer, false)
	i.awaitReady(vault)
	admin := parseURL(t, need(t, "TEST_POSTGRES_URL")).User
	if strings.Contains(away, "user=") || strings.Contains(away, "as "+admin.Username()) {
		t.Errorf("the status tells the admin's name: %s", away)
	}
	told := map[string]string{"log": i.log.String(), "status": away + describe(vault.Status.Conditions) + vault.Status.URL}
	for _, e := range i.events(vault) {
		told["events"] += e.Reason + e.Note + "\n"
	}
	if !strings.Contains(told["events"], v1alpha1.ReasonServing) {
		t.Errorf("no event says that the vault serves:\n%s", told["events"])
	}
	for _, key := range []string{
		"migratePassword", "appPassword", "objectStoreUserSecret", "secretAccessKey", "redisPassword", "secretKey", "token",
	} {
		for where, text := range told {
			if strings.Contains(text, string(i.ledger(vault).Data[key])) {
				t.Errorf("%s holds the vault's %s", where, key)
			}
		}
	}
	for where, text := range told {
		if strings.Contains(text, need(t, "TEST_MINIO_ROOT_PASSWORD")) {
			t.Errorf("%s holds the admin's key", where)
		}
	}
}
