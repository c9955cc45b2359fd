package controllers_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
	"github.com/docvault/docvault/controllers"
)

// postgresAdmin connects past the installation's effects.
func postgresAdmin(t testing.TB) *pgx.Conn {
	t.Helper()
	conn := connectAdmin(t)
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// connectAdmin is postgresAdmin for those who close the connection themselves.
func connectAdmin(t testing.TB) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), need(t, "TEST_POSTGRES_URL"))
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func execSQL(t testing.TB, conn *pgx.Conn, sql string, args ...any) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// sqlNames returns the first column of a query, sorted.
func sqlNames(t testing.TB, conn *pgx.Conn, sql string, args ...any) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

func storeAdmin(t testing.TB) *minio.Client {
	t.Helper()
	return storeClient(t, need(t, "TEST_MINIO_ROOT_USER"), need(t, "TEST_MINIO_ROOT_PASSWORD"))
}

func storeClient(t testing.TB, accessKey, secretKey string) *minio.Client {
	t.Helper()
	c, err := minio.New(need(t, "TEST_MINIO_ENDPOINT"), &minio.Options{Creds: credentials.NewStaticV4(accessKey, secretKey, "")})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// identityOf returns the identity that a vault has, or is going to have.
func (i *installation) identityOf(vault *v1alpha1.DocVault) string {
	i.t.Helper()
	return controllers.Identity(i.namespaceUID(i.namespace), i.namespaceUID(vault.Namespace), vault.Name)
}

// outside lists everything on the backends that bears a vault's identity in its name, and how many keys its MinIO user has.
func (i *installation) outside(vault *v1alpha1.DocVault) []string {
	i.t.Helper()
	return outsideOf(i.t, i.identityOf(vault))
}

// outsideOf lists the same of an identity.
func outsideOf(t testing.TB, id string) []string {
	t.Helper()
	admin := connectAdmin(t)
	defer admin.Close(t.Context())
	var all []string
	// What provision makes under another name until it bears the mark counts too.
	unfinished := fmt.Sprintf("docvault_unfinished_%x", sha256.Sum256([]byte(id+"\x00dv_"+id)))[:63]
	for _, name := range sqlNames(t, admin,
		"SELECT datname FROM pg_database WHERE datname LIKE '%' || $1 || '%' OR datname = $2", id, unfinished) {
		all = append(all, "database "+name)
	}
	for _, name := range sqlNames(t, admin, "SELECT rolname FROM pg_roles WHERE rolname LIKE '%' || $1 || '%'", id) {
		all = append(all, "role "+name)
	}
	buckets, err := storeAdmin(t).ListBuckets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, bucket := range buckets {
		if strings.Contains(bucket.Name, id) {
			all = append(all, "bucket "+bucket.Name)
		}
	}
	users, policies, keys := accessNames(t, "dv-"+id)
	for _, name := range users {
		if strings.Contains(name, id) {
			all = append(all, "user "+name)
		}
	}
	for _, name := range policies {
		if strings.Contains(name, id) {
			all = append(all, "policy "+name)
		}
	}
	if len(keys) > 0 {
		all = append(all, fmt.Sprintf("%d access keys", len(keys)))
	}
	return all
}

// everythingOutside is what a vault that is Ready has on the backends.
func everythingOutside(id string) []string {
	database := "dv_" + id
	return []string{
		"database " + database,
		"role " + database + "_app", "role " + database + "_app_a", "role " + database + "_migrate_a", "role " + database + "_owner",
		"bucket dv-" + id, "user dv-" + id, "policy dv-" + id, "1 access keys",
	}
}

// mustWork logs in, and puts an object, with what a ledger says.
func mustWork(t testing.TB, ledger *corev1.Secret) {
	t.Helper()
	for _, login := range []string{"app", "migrate"} {
		if err := logIn(t, ledger, login); err != nil {
			t.Errorf("the %s login does not work: %v", login, err)
		}
	}
	store := storeClient(t, string(ledger.Data["accessKey"]), string(ledger.Data["secretAccessKey"]))
	bucket := string(ledger.Data["bucket"])
	_, err := store.PutObject(t.Context(), bucket, "proof", strings.NewReader("x"), 1, minio.PutObjectOptions{})
	if err != nil {
		t.Errorf("the key does not work: %v", err)
	}
	if err := store.RemoveObject(t.Context(), bucket, "proof", minio.RemoveObjectOptions{}); err != nil {
		t.Errorf("the key does not work: %v", err)
	}
}

func logIn(t testing.TB, ledger *corev1.Secret, login string) error {
	t.Helper()
	conn, err := openSession(t, ledger, login)
	if err != nil {
		return err
	}
	return conn.Close(t.Context())
}

func openSession(t testing.TB, ledger *corev1.Secret, login string) (*pgx.Conn, error) {
	t.Helper()
	u := parseURL(t, need(t, "TEST_POSTGRES_URL"))
	config, err := pgx.ParseConfig(u.String())
	if err != nil {
		return nil, err
	}
	config.User = string(ledger.Data[login+"Login"])
	config.Password = string(ledger.Data[login+"Password"])
	config.Database = string(ledger.Data["database"])
	return pgx.ConnectConfig(t.Context(), config)
}

// mustNotWork makes sure that a ledger's credentials are worth nothing any more.
func mustNotWork(t testing.TB, ledger *corev1.Secret) {
	t.Helper()
	for _, login := range []string{"app", "migrate"} {
		if logIn(t, ledger, login) == nil {
			t.Errorf("the %s login still works", login)
		}
	}
	store := storeClient(t, string(ledger.Data["accessKey"]), string(ledger.Data["secretAccessKey"]))
	_, err := store.BucketExists(t.Context(), string(ledger.Data["bucket"]))
	if code := minio.ToErrorResponse(err).Code; code != "InvalidAccessKeyId" {
		t.Errorf("the key is answered with %q, want InvalidAccessKeyId", code)
	}
}

func sameCredentials(before, after *corev1.Secret) error {
	for key, value := range before.Data {
		switch key {
		case "state", "pods", "poolSize", "connectionLimit", "migratedJob", "migratedImage", "schemaVersion", "databaseMade", "bucketMade":
		default:
			if string(after.Data[key]) != string(value) {
				return fmt.Errorf("the ledger's %s changed", key)
			}
		}
	}
	if len(before.Data) > len(after.Data) {
		return errors.New("the ledger lost a key")
	}
	return nil
}

func (i *installation) get(object client.Object, namespace, name string) {
	i.t.Helper()
	if err := i.kube.Get(i.t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, object); err != nil {
		i.t.Fatalf("get %T %s: %v", object, name, err)
	}
}
