package controllers_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/minio/minio-go/v7"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
	"github.com/docvault/docvault/controllers/desired"
	"github.com/docvault/docvault/runtime/config"
)

// tenant is what a vault's owner has made: a database, a bucket, and Secrets that say where these and a Redis are.
type tenant struct {
	*installation
	namespace string
	database  string
	bucket    string
}

const broughtPassword = "brought-password-that-nobody-shows"

// newTenant makes them, and has the class allow all.
func (i *installation) newTenant() tenant {
	i.t.Helper()
	i.edit(i.class, func() {
		i.class.Spec.Allow.External = []v1alpha1.Backend{v1alpha1.BackendRedis, v1alpha1.BackendPostgres, v1alpha1.BackendObjectStore}
	})
	b := tenant{
		installation: i, namespace: i.newNamespace("tenant"),
		database: strings.ReplaceAll(unique("brought"), "-", "_"), bucket: unique("brought"),
	}
	name := pgx.Identifier{b.database}.Sanitize()
	admin := postgresAdmin(i.t)
	execSQL(i.t, admin, "CREATE ROLE "+name+" LOGIN PASSWORD '"+broughtPassword+"'")
	execSQL(i.t, admin, "CREATE DATABASE "+name+" OWNER "+name)
	if err := storeAdmin(i.t).MakeBucket(i.t.Context(), b.bucket, minio.MakeBucketOptions{}); err != nil {
		i.t.Fatal(err)
	}
	i.t.Cleanup(func() {
		admin, err := pgx.Connect(context.Background(), need(i.t, "TEST_POSTGRES_URL"))
		if err != nil {
			return
		}
		defer admin.Close(context.Background())
		_, _ = admin.Exec(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)")
		_, _ = admin.Exec(context.Background(), "DROP ROLE "+name)
		_ = storeAdmin(i.t).RemoveBucketWithOptions(context.Background(), b.bucket, minio.RemoveBucketOptions{ForceDelete: true})
	})
	for backend, data := range b.secrets() {
		b.write(backend, data)
	}
	return b
}

// secrets are the owner's Secrets, by their names.
func (b tenant) secrets() map[string]map[string]string {
	server := parseURL(b.t, need(b.t, "TEST_POSTGRES_URL"))
	return map[string]map[string]string{
		"my-redis": {"host": "redis.example", "password": broughtPassword},
		"my-db": {
			"host": server.Hostname(), "port": server.Port(), "sslmode": "disable", "database": b.database,
			"username": b.database, "password": broughtPassword, "migrateUsername": b.database, "migratePassword": broughtPassword,
		},
		"my-bucket": {
			"endpoint": need(b.t, "TEST_MINIO_ENDPOINT"), "bucket": b.bucket, "secure": "false",
			"accessKey": need(b.t, "TEST_MINIO_ROOT_USER"), "secretKey": need(b.t, "TEST_MINIO_ROOT_PASSWORD"),
		},
	}
}

// write makes a Secret say no more than the given keys.
func (b tenant) write(name string, data map[string]string) {
	b.t.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: b.namespace}, Data: map[string][]byte{}}
	for key, value := range data {
		secret.Data[key] = []byte(value)
	}
	err := b.kube.Create(b.t.Context(), secret)
	if apierrors.IsAlreadyExists(err) {
		err = b.kube.Update(b.t.Context(), secret)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b tenant) newVault() *v1alpha1.DocVault {
	vault := b.newVaultIn(b.namespace, "acme")
	ref := func(name string) *v1alpha1.ExternalBackend {
		return &v1alpha1.ExternalBackend{SecretRef: v1alpha1.SecretReference{Name: name}}
	}
	vault.Spec.Redis.External, vault.Spec.Postgres.External = ref("my-redis"), ref("my-db")
	vault.Spec.ObjectStore.External = ref("my-bucket")
	return vault
}

// readyTenant is a Ready vault whose owner brings everything.
func readyTenant(t *testing.T) (tenant, *v1alpha1.DocVault) {
	t.Helper()
	i := install(t)
	b := i.newTenant()
	i.start()
	vault := b.newVault()
	i.create(vault)
	i.awaitReady(vault)
	return b, vault
}

func TestAVaultThatBringsEverything(t *testing.T) {
	t.Parallel()
	b, vault := readyTenant(t)
	for _, kind := range []string{v1alpha1.ConditionDatabaseReady, v1alpha1.ConditionBucketReady, v1alpha1.ConditionRedisReady} {
		b.await(vault, kind, metav1.ConditionTrue, v1alpha1.ReasonExternal)
	}
	if made := b.outside(vault); len(made) > 0 {
		t.Errorf("the operator made %q", made)
	}
	for _, child := range []client.Object{&appsv1.StatefulSet{}, &corev1.Service{}, &corev1.Secret{}} {
		err := b.kube.Get(t.Context(), client.ObjectKey{Namespace: vault.Namespace, Name: "acme-redis"}, child)
		if !apierrors.IsNotFound(err) {
			t.Errorf("%T acme-redis is there (%v)", child, err)
		}
	}
	b.mustReach(vault)
	b.anotherPass(vault)
	before := b.effects.count()
	for range 3 {
		b.anotherPass(vault)
	}
	if made := b.effects.since(before); len(made) > 0 {
		t.Errorf("three passes over a settled vault made:\n%s", strings.Join(made, "\n"))
	}
	b.mustNotTell(vault, b.ledger(vault).Data)
}

// mustReach logs in with what the pods are given.
func (b tenant) mustReach(vault *v1alpha1.DocVault) {
	b.t.Helper()
	runtime, migrate := &corev1.Secret{}, &corev1.Secret{}
	b.get(runtime, vault.Namespace, "acme-runtime")
	b.get(migrate, vault.Namespace, "acme-migrate")
	for _, text := range [][]byte{runtime.Data[config.DatabaseURL], migrate.Data[config.DatabaseMigrateURL]} {
		conn, err := pgx.Connect(b.t.Context(), string(text))
		if err != nil {
			b.t.Errorf("the owner's database: %v", err)
			continue
		}
		conn.Close(b.t.Context())
	}
	if is, want := string(runtime.Data[config.RedisURL]), "redis://:"+broughtPassword+"@redis.example:6379/0"; is != want {
		b.t.Errorf("Redis is at %s, want %s", is, want)
	}
	settings := b.runtimeConfig(vault)
	if settings[config.MinioBucket] != b.bucket || settings[config.MinioEndpoint] != need(b.t, "TEST_MINIO_ENDPOINT") {
		b.t.Errorf("the bucket is %s at %s", settings[config.MinioBucket], settings[config.MinioEndpoint])
	}
	if settings[config.VaultIdentity] != b.identityOf(vault) {
		b.t.Errorf("the Redis is marked with %q", settings[config.VaultIdentity])
	}
	store := storeClient(b.t, string(runtime.Data[config.MinioAccessKey]), string(runtime.Data[config.MinioSecretKey]))
	if _, err := store.PutObject(b.t.Context(), b.bucket, "theirs", strings.NewReader("x"), 1, minio.PutObjectOptions{}); err != nil {
		b.t.Errorf("the owner's bucket: %v", err)
	}
}

// runtimeConfig returns the ConfigMap that the API's pods read.
func (i *installation) runtimeConfig(vault *v1alpha1.DocVault) map[string]string {
	i.t.Helper()
	api := &appsv1.Deployment{}
	i.get(api, vault.Namespace, vault.Name+"-api")
	settings := &corev1.ConfigMap{}
	i.get(settings, vault.Namespace, api.Spec.Template.Spec.Containers[0].EnvFrom[0].ConfigMapRef.Name)
	return settings.Data
}

// mustNotTell makes sure that nothing but the projections holds what the owner's Secrets do.
func (b tenant) mustNotTell(vault *v1alpha1.DocVault, ledger map[string][]byte) {
	b.t.Helper()
	told := map[string]string{"log": b.log.String(), "status": describe(vault.Status.Conditions) + fmt.Sprint(vault.Status)}
	for key, value := range ledger {
		told["ledger"] += key + "=" + string(value) + "\n"
	}
	for _, e := range b.events(vault) {
		told["events"] += e.Reason + e.Note + "\n"
	}
	for where, text := range told {
		for _, value := range []string{broughtPassword, b.database, b.bucket, "redis.example"} {
			if strings.Contains(text, value) {
				b.t.Errorf("%s holds %s, which is in a Secret of the owner's:\n%s", where, value, text)
			}
		}
	}
}

func TestDeletingAVaultLeavesWhatItsOwnerBrought(t *testing.T) {
	t.Parallel()
	b, vault := readyTenant(t)
	b.mustReach(vault)
	b.edit(vault, func() { vault.Spec.DeletionPolicy = v1alpha1.DeletionDelete })
	b.remove(vault)
	if found := sqlNames(t, postgresAdmin(t), "SELECT datname FROM pg_database WHERE datname = $1", b.database); len(found) != 1 {
		t.Error("the owner's database is gone")
	}
	if _, err := storeAdmin(t).StatObject(t.Context(), b.bucket, "theirs", minio.StatObjectOptions{}); err != nil {
		t.Errorf("the owner's object: %v", err)
	}
	if left := b.ledgers(vault); len(left) > 0 {
		t.Errorf("%d ledgers are left", len(left))
	}
}

func TestWhatTheClassDoesNotAllowAnyMoreServesOn(t *testing.T) {
	t.Parallel()
	b, vault := readyTenant(t)
	b.edit(b.class, func() { b.class.Spec.Allow.External = nil })
	b.await(vault, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonNotAllowed)
	b.await(vault, v1alpha1.ConditionAPIAvailable, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	b.mustReach(vault)
	b.edit(b.class, func() {
		b.class.Spec.Allow.External = []v1alpha1.Backend{v1alpha1.BackendRedis, v1alpha1.BackendPostgres, v1alpha1.BackendObjectStore}
	})
	b.awaitReady(vault)
}

// movable is a Ready vault with a Redis of its own, whose owner has another; move has the vault use that.
func movable(t *testing.T) (i *installation, vault *v1alpha1.DocVault, move func()) {
	t.Helper()
	i = install(t)
	b := i.newTenant()
	i.start()
	vault = i.newVaultIn(b.namespace, "acme")
	i.create(vault)
	i.awaitReady(vault)
	return i, vault, func() {
		t.Helper()
		i.edit(vault, func() {
			vault.Spec.Redis.External = &v1alpha1.ExternalBackend{SecretRef: v1alpha1.SecretReference{Name: "my-redis"}}
		})
		i.awaitReady(vault)
	}
}

func TestRedisIsBroughtAndTakenBack(t *testing.T) {
	t.Parallel()
	i, vault, move := movable(t)
	move()
	for _, child := range []client.Object{&appsv1.StatefulSet{}, &corev1.Service{}, &corev1.Secret{}} {
		i.awaitGone(named(child, vault.Namespace, "acme-redis"))
	}
	claim := &corev1.PersistentVolumeClaim{}
	i.get(claim, vault.Namespace, "data-acme-redis-0")
	if !claim.DeletionTimestamp.IsZero() {
		t.Error("the volume goes")
	}
	runtime := &corev1.Secret{}
	i.get(runtime, vault.Namespace, "acme-runtime")
	if u, err := url.Parse(string(runtime.Data[config.RedisURL])); err != nil || u.Host != "redis.example:6379" {
		t.Errorf("Redis is at %v", u)
	}
	i.edit(vault, func() { vault.Spec.Redis.External = nil })
	i.awaitReady(vault)
	i.await(vault, v1alpha1.ConditionRedisReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	if settings := i.runtimeConfig(vault); settings[config.VaultIdentity] != "" {
		t.Error("the vault's own Redis is to be marked")
	}
}

// TestAPodThatFindsAnothersMark has a pod say what the runtime says then: no pod runs here.
func TestAPodThatFindsAnothersMark(t *testing.T) {
	t.Parallel()
	b, vault := readyTenant(t)
	b.edit(vault, func() { vault.Spec.Worker.Concurrency = new(int32(3)); vault.Spec.Worker.Replicas = new(int32(2)) })
	worker := client.MatchingLabels{v1alpha1.LabelInstance: "acme", v1alpha1.LabelComponent: v1alpha1.ComponentWorker}
	b.awaitReady(vault)
	pods := &corev1.PodList{}
	if err := b.kube.List(t.Context(), pods, client.InNamespace(vault.Namespace), worker); err != nil || len(pods.Items) == 0 {
		t.Fatalf("%d worker pods, %v", len(pods.Items), err)
	}
	pod := &pods.Items[0]
	before := pod.DeepCopy()
	ended := corev1.ContainerStateTerminated{
		ExitCode: desired.ExitBadConfiguration, Message: "REDIS_URL: " + config.RedisTaken + ", whose mark",
	}
	pod.Status.ContainerStatuses[0].LastTerminationState.Terminated = &ended
	pod.Status.ContainerStatuses[0].Ready = false
	for n := range pod.Status.Conditions {
		if c := &pod.Status.Conditions[n]; c.Type == corev1.PodReady || c.Type == corev1.ContainersReady {
			c.Status = corev1.ConditionFalse
		}
	}
	if err := b.kube.Status().Patch(t.Context(), pod, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
	b.await(vault, v1alpha1.ConditionRedisReady, metav1.ConditionFalse, v1alpha1.ReasonNotOwned)
	if err := b.kube.Delete(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	b.awaitReady(vault)
	b.await(vault, v1alpha1.ConditionRedisReady, metav1.ConditionTrue, v1alpha1.ReasonExternal)
}

func TestRetainedDataIsFoundWhereItIs(t *testing.T) {
	t.Parallel()
	b, vault := readyTenant(t)
	token := string(b.ledger(vault).Data["token"])
	b.remove(vault)
	again := b.newVaultIn(b.namespace, "acme")
	b.create(again)
	b.await(again, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonInvalidSpec)
	if c := meta.FindStatusCondition(again.Status.Conditions, v1alpha1.ConditionStalled); !strings.Contains(c.Message, "spec.postgres.external") {
		t.Errorf("Stalled says: %s", c.Message)
	}
	b.remove(again)
	again = b.newVault()
	b.create(again)
	b.awaitReady(again)
	if now := string(b.ledger(again).Data["token"]); now != token {
		t.Error("the vault has another token")
	}
}

func TestClassificationIsGivenToThePods(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.allowing()
	i.start()
	vault := i.newVault("acme")
	vault.Spec.Classification = v1alpha1.ClassificationSpec{
		Provider: "openai", Model: "gpt-4o", BaseURL: "http://models.example/v1", SystemPrompt: "File them.",
		APIKeySecretRef: &v1alpha1.SecretKeyReference{Name: "models", Key: "token"},
	}
	b := tenant{installation: i, namespace: vault.Namespace}
	i.create(vault)
	i.await(vault, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonSecretNotFound)
	b.write("models", map[string]string{"other": "x"})
	eventually(t, patience, func(context.Context) error {
		i.get(vault, vault.Namespace, "acme")
		if c := meta.FindStatusCondition(vault.Status.Conditions, v1alpha1.ConditionReady); !strings.Contains(c.Message, "key token") {
			return errors.New(c.Message)
		}
		return nil
	})
	b.write("models", map[string]string{"token": "sk-first"})
	i.awaitReady(vault)
	runtime := &corev1.Secret{}
	i.get(runtime, vault.Namespace, "acme-runtime")
	settings := i.runtimeConfig(vault)
	if string(runtime.Data[config.ClassificationAPIKey]) != "sk-first" || settings[config.ClassificationModel] != "gpt-4o" ||
		settings[config.ClassificationProvider] != "openai" || settings[config.ClassificationBaseURL] != "http://models.example/v1" ||
		settings[config.ClassificationSystemPrompt] != "File them." {
		t.Errorf("the pods get %v", settings)
	}
	if err := i.kube.Delete(t.Context(), named(&corev1.Secret{}, vault.Namespace, "models")); err != nil {
		t.Fatal(err)
	}
	i.await(vault, v1alpha1.ConditionReconciling, metav1.ConditionTrue, v1alpha1.ReasonSecretNotFound)
	i.await(vault, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonServing)
	i.mend(vault, []drift{{&corev1.Service{}, "acme-redis", func(o client.Object) { o.(*corev1.Service).Spec.Ports[0].TargetPort = intstr.FromInt32(1) }}})
	i.edit(vault, func() {
		vault.Spec.Route = v1alpha1.RouteSpec{Host: "docs.acme.example", Ingress: &v1alpha1.IngressRoute{}}
	})
	i.awaitThere(vault, &networkingv1.Ingress{}, "acme-api")
	b.write("models", map[string]string{"token": "sk-second"})
	eventually(t, patience, func(context.Context) error {
		i.get(runtime, vault.Namespace, "acme-runtime")
		if string(runtime.Data[config.ClassificationAPIKey]) != "sk-second" {
			return errors.New("the key is still the old one")
		}
		return nil
	})
	i.edit(vault, func() { vault.Spec.Classification.Model = " " })
	i.await(vault, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonInvalidSpec)
	i.edit(vault, func() { vault.Spec.Classification = v1alpha1.ClassificationSpec{} })
	i.awaitReady(vault)
	if strings.Contains(i.log.String(), "sk-") {
		t.Error("the log holds the key")
	}
}

// Another Redis is not said to answer by the workers of the one before.
func TestARedisThatNoWorkerFoundIsNotSaidToAnswer(t *testing.T) {
	t.Parallel()
	b, vault := readyTenant(t)
	b.write("other-redis", map[string]string{"host": "dead.example", "password": broughtPassword})
	b.edit(vault, func() {
		vault.Spec.Redis.External.SecretRef.Name = "other-redis"
		vault.Spec.Worker.Template.NodeSelector = map[string]string{"there-is": "none"} // no pod runs here, and finds out
	})
	b.await(vault, v1alpha1.ConditionRedisReady, metav1.ConditionUnknown, v1alpha1.ReasonProgressing)
	b.giveUpOn(vault, "acme-worker")
	b.await(vault, v1alpha1.ConditionRedisReady, metav1.ConditionFalse, v1alpha1.ReasonUnavailable)
	b.edit(vault, func() { vault.Spec.Worker.Template.NodeSelector = nil })
	b.awaitReady(vault)
	b.await(vault, v1alpha1.ConditionRedisReady, metav1.ConditionTrue, v1alpha1.ReasonExternal)
}

// A vault leaves a server of its own whose pod does not come up for one that its owner brings.
func TestAVaultLeavesARedisThatDoesNotComeUp(t *testing.T) {
	t.Parallel()
	i, vault, move := movable(t)
	i.edit(i.class, func() { i.class.Spec.Redis.Image = "redis:never-ready" })
	i.await(vault, v1alpha1.ConditionRedisReady, metav1.ConditionFalse, "")
	move()
	i.awaitGone(named(&appsv1.StatefulSet{}, vault.Namespace, "acme-redis"))
}
