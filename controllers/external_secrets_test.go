package controllers_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
)

func TestAnOwnersBadSecretIsNamedAndItsRepairFollowed(t *testing.T) {
	t.Parallel()
	b, vault := readyTenant(t)
	uid := vault.UID
	for _, bad := range []struct{ condition, secret, key, value, reason string }{
		{v1alpha1.ConditionRedisReady, "my-redis", "host", "/var/run/redis.sock", v1alpha1.ReasonInvalidSecret},
		{v1alpha1.ConditionRedisReady, "my-redis", "tls", "perhaps", v1alpha1.ReasonInvalidSecret},
		{v1alpha1.ConditionRedisReady, "my-redis", "host", "", v1alpha1.ReasonSecretNotFound},
		{v1alpha1.ConditionDatabaseReady, "my-db", "host", "/var/run/postgresql", v1alpha1.ReasonInvalidSecret},
		{v1alpha1.ConditionDatabaseReady, "my-db", "port", "five", v1alpha1.ReasonInvalidSecret},
		{v1alpha1.ConditionDatabaseReady, "my-db", "sslmode", "prefer", v1alpha1.ReasonInvalidSecret},
		{v1alpha1.ConditionDatabaseReady, "my-db", "ca.crt", "/etc/passwd", v1alpha1.ReasonInvalidSecret},
		{v1alpha1.ConditionDatabaseReady, "my-db", "migratePassword", "", v1alpha1.ReasonSecretNotFound},
		{v1alpha1.ConditionBucketReady, "my-bucket", "endpoint", "file:///etc", v1alpha1.ReasonInvalidSecret},
		{v1alpha1.ConditionBucketReady, "my-bucket", "bucket", "../others", v1alpha1.ReasonInvalidSecret},
		{v1alpha1.ConditionBucketReady, "my-bucket", "secretKey", "", v1alpha1.ReasonSecretNotFound},
	} {
		whole := b.secrets()[bad.secret]
		changed := maps.Clone(whole)
		changed[bad.key] = bad.value
		b.write(bad.secret, changed)
		b.await(vault, bad.condition, metav1.ConditionFalse, bad.reason)
		c := meta.FindStatusCondition(vault.Status.Conditions, bad.condition)
		shown := bad.value != "" && strings.Contains(c.Message, bad.value)
		if !strings.Contains(c.Message, bad.secret) || !strings.Contains(c.Message, bad.key) || shown {
			t.Errorf("%s=%q: %s", bad.key, bad.value, c.Message)
		}
		b.await(vault, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonServing)
		b.await(vault, v1alpha1.ConditionReconciling, metav1.ConditionTrue, bad.reason)
		b.write(bad.secret, whole)
		b.await(vault, bad.condition, metav1.ConditionTrue, v1alpha1.ReasonExternal)
		b.awaitReady(vault)
	}
	if vault.UID != uid || vault.Generation != 1 {
		t.Error("the vault was edited")
	}
}

func TestASecretThatComesLateGoesAndComesBackWithAnotherPassword(t *testing.T) {
	t.Parallel()
	i := install(t)
	b := i.newTenant()
	secret := named(&corev1.Secret{}, b.namespace, "my-redis")
	if err := i.kube.Delete(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	i.start()
	vault := b.newVault()
	i.create(vault)
	i.await(vault, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonSecretNotFound)
	i.await(vault, v1alpha1.ConditionRedisReady, metav1.ConditionFalse, v1alpha1.ReasonSecretNotFound)
	b.write("my-redis", b.secrets()["my-redis"])
	i.awaitReady(vault)
	before := i.runtimeHash(vault)

	i.get(secret, b.namespace, "my-redis")
	if err := i.kube.Delete(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	i.await(vault, v1alpha1.ConditionRedisReady, metav1.ConditionFalse, v1alpha1.ReasonSecretNotFound)
	i.await(vault, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonServing)
	i.mend(vault, []drift{ // what does not follow from the Secret
		{&corev1.Secret{}, "acme-access", func(o client.Object) { o.(*corev1.Secret).Data["token"] = []byte("edited") }},
		{&corev1.Service{}, "acme-api", func(o client.Object) { o.(*corev1.Service).Spec.Ports[0].TargetPort = intstr.FromInt32(1) }},
	})
	service := named(&corev1.Service{}, b.namespace, "acme-api")
	if err := i.kube.Delete(t.Context(), service); err != nil {
		t.Fatal(err)
	}
	i.awaitThere(vault, service, "acme-api")
	if now := i.runtimeHash(vault); now != before {
		t.Error("the pods were replaced although nothing can be given to new ones")
	}
	b.write("my-redis", map[string]string{"host": "redis.example", "password": "another"})
	eventually(t, patience, func(context.Context) error {
		if i.runtimeHash(vault) == before {
			return errors.New("the pods still have the old password")
		}
		return nil
	})
	i.awaitReady(vault)
}

// Another login of the owner's database gets its rights from the migration, which asks the database whose it is.
func TestAnotherLoginOfABroughtDatabaseIsMigrated(t *testing.T) {
	t.Parallel()
	b, vault := readyTenant(t)
	before := b.jobs(vault)
	data := b.secrets()["my-db"]
	data["username"] = "another_" + b.database
	b.write("my-db", data)
	eventually(t, patience, func(context.Context) error {
		if len(b.jobs(vault)) == len(before) {
			return errors.New("no migration was run for the other login")
		}
		return nil
	})
	b.awaitReady(vault)
}

// What is refused for lack of a Secret serves on, and is not ready once it should run another image.
func TestAnImageThatCannotBeFollowedIsNotReady(t *testing.T) {
	t.Parallel()
	b, vault := readyTenant(t)
	b.edit(b.class, func() { b.class.Spec.Allow.Images = []string{"ghcr.io/docvault/docvault:*"} })
	secret := named(&corev1.Secret{}, b.namespace, "my-redis")
	if err := b.kube.Delete(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	b.await(vault, v1alpha1.ConditionStalled, metav1.ConditionFalse, v1alpha1.ReasonSecretNotFound)
	b.await(vault, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonServing)
	b.setImage(vault, "ghcr.io/docvault/docvault:v0.2.0")
	b.await(vault, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonSecretNotFound)
	b.await(vault, v1alpha1.ConditionAPIAvailable, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	b.write("my-redis", b.secrets()["my-redis"])
	b.awaitReady(vault)
	b.await(vault, v1alpha1.ConditionStalled, metav1.ConditionFalse, v1alpha1.ReasonSettled)
}

// runtimeHash tells the pods' generation of secrets.
func (i *installation) runtimeHash(vault *v1alpha1.DocVault) string {
	i.t.Helper()
	worker := &appsv1.Deployment{}
	i.get(worker, vault.Namespace, vault.Name+"-worker")
	return worker.Spec.Template.Annotations[v1alpha1.AnnotationRuntimeSecret]
}
