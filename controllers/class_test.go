package controllers_test

import (
	"context"
	"encoding/pem"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/docvault/docvault/api/v1alpha1"
	"github.com/docvault/docvault/controllers/desired"
)

func TestAClassInUseStaysAndSaysWhoUsesIt(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme")
	i.awaitClass(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAccepted)
	if i.class.Status.Vaults != 1 {
		t.Errorf("status.vaults is %d, want 1", i.class.Status.Vaults)
	}
	if err := i.kube.Delete(t.Context(), i.class); err != nil {
		t.Fatal(err)
	}
	i.awaitClass(v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonInUse)
	message := meta.FindStatusCondition(i.class.Status.Conditions, v1alpha1.ConditionReady).Message
	if !strings.Contains(message, vault.Namespace+"/acme") {
		t.Errorf("the class does not say who uses it: %s", message)
	}
	i.anotherPass(vault)
	i.awaitReady(vault)
	later := i.newVault("later")
	i.create(later)
	i.await(later, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonClassNotReady)
	i.remove(later)
	damaged := i.secret("dv-damaged", map[string]string{"identity": "other", "class": i.class.Name})
	damaged.Labels = i.ledger(vault).Labels
	i.create(damaged)
	i.remove(vault)
	i.awaitObject(i.class, func() error {
		ready := meta.FindStatusCondition(i.class.Status.Conditions, v1alpha1.ConditionReady)
		if !strings.HasSuffix(ready.Message, ": damaged ledger dv-damaged") {
			return errors.New("the class does not say what holds it: " + ready.Message)
		}
		return nil
	})
	if err := i.kube.Delete(t.Context(), damaged); err != nil {
		t.Fatal(err)
	}
	i.awaitGone(i.class.DeepCopy())
}

func TestAClassMadeAnewElsewhereTakesNoVaultWithIt(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme", deletable)
	before := i.ledger(vault)
	first := i.class.DeepCopy()
	i.forget(t.Context(), i.class)
	i.awaitGone(i.class.DeepCopy())
	anew := func(port int32) {
		class := &v1alpha1.DocVaultClass{ObjectMeta: metav1.ObjectMeta{Name: first.Name}, Spec: *first.Spec.DeepCopy()}
		class.Spec.Postgres.Port = port
		i.create(class)
		i.class = class
	}
	anew(first.Spec.Postgres.Port + 1)
	i.await(vault, v1alpha1.ConditionDatabaseReady, metav1.ConditionFalse, v1alpha1.ReasonOtherServer)
	if err := i.kube.Delete(t.Context(), vault); err != nil {
		t.Fatal(err)
	}
	i.await(vault, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonDeleting)
	i.await(vault, v1alpha1.ConditionDatabaseReady, metav1.ConditionFalse, v1alpha1.ReasonOtherServer)
	if err := sameCredentials(before, i.ledger(vault)); err != nil {
		t.Error(err)
	}
	i.forget(t.Context(), i.class)
	i.awaitGone(i.class.DeepCopy())
	anew(first.Spec.Postgres.Port)
	i.awaitGone(vault.DeepCopy())
	i.mustBeGone(vault, before)
}

func TestAClassSaysWhichBackendIsAway(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.effects.setAway(postgresServer, true)
	i.start()
	i.awaitClass(v1alpha1.ConditionPostgresReachable, metav1.ConditionFalse, v1alpha1.ReasonPostgresUnreachable)
	i.awaitClass(v1alpha1.ConditionObjectStoreReachable, metav1.ConditionTrue, v1alpha1.ReasonReachable)
	i.awaitClass(v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonPostgresUnreachable)
}

func TestAClassWithoutItsSecretIsNotAccepted(t *testing.T) {
	t.Parallel()
	i := install(t)
	secret := i.secret(i.class.Spec.Postgres.AdminSecretRef.Name, nil)
	i.get(secret, i.namespace, secret.Name)
	password := secret.Data["password"]
	i.edit(secret, func() { delete(secret.Data, "password") })
	i.start()
	i.awaitClass(v1alpha1.ConditionAccepted, metav1.ConditionFalse, v1alpha1.ReasonSecretNotFound)
	vault := i.newVault("acme")
	i.create(vault)
	i.await(vault, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonSecretNotFound)
	i.edit(secret, func() { secret.Data["password"] = password })
	i.awaitReady(vault)
}

func TestAClassWhoseCredentialsAreWrongIsNotAccepted(t *testing.T) {
	t.Parallel()
	i := install(t)
	for name, key := range map[string]string{
		i.class.Spec.Postgres.AdminSecretRef.Name: "password", i.class.Spec.ObjectStore.AdminSecretRef.Name: "secretKey",
	} {
		secret := i.secret(name, nil)
		i.get(secret, i.namespace, name)
		i.edit(secret, func() { secret.Data[key] = []byte("wrong-wrong") })
	}
	i.start()
	i.awaitClass(v1alpha1.ConditionAccepted, metav1.ConditionFalse, v1alpha1.ReasonLoginRefused)
	i.awaitClass(v1alpha1.ConditionPostgresReachable, metav1.ConditionFalse, v1alpha1.ReasonLoginRefused)
	i.awaitClass(v1alpha1.ConditionObjectStoreReachable, metav1.ConditionFalse, v1alpha1.ReasonLoginRefused)
	vault := i.newVault("acme")
	i.create(vault)
	i.await(vault, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonLoginRefused)
}

// awaitClass waits for a condition of the installation's class.
func (i *installation) awaitClass(kind string, status metav1.ConditionStatus, reason string) {
	i.t.Helper()
	i.awaitObject(i.class, func() error {
		c := meta.FindStatusCondition(i.class.Status.Conditions, kind)
		if c == nil || c.Status != status || c.Reason != reason {
			return errors.New("the class is not there yet: " + describe(i.class.Status.Conditions))
		}
		return nil
	})
}

// The annotation marks a class for the whole cluster, so this test is alone with it: it does not run in parallel.
func TestTheDefaultClassIsTakenOnceAndTwoAreRefused(t *testing.T) {
	i := install(t)
	i.start()
	i.edit(i.class, func() { i.class.Annotations = map[string]string{v1alpha1.AnnotationDefaultClass: "true"} })
	vault := i.newVault("acme")
	vault.Spec.ClassName = ""
	i.create(vault)
	i.awaitReady(vault)
	if vault.Status.ClassName != i.class.Name {
		t.Errorf("bound to %s, want %s", vault.Status.ClassName, i.class.Name)
	}

	second := i.newClass(unique("class"))
	t.Cleanup(func() { i.forget(context.Background(), second) })
	i.edit(second, func() { second.Annotations = map[string]string{v1alpha1.AnnotationDefaultClass: "true"} })
	waiting := i.newVault("later")
	waiting.Spec.ClassName = ""
	i.create(waiting)
	i.await(waiting, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonSeveralDefaultClasses)
	i.anotherPass(vault)
	i.awaitReady(vault) // a bound vault does not mind

	i.edit(i.class, func() { i.class.Annotations = nil })
	i.awaitReady(waiting)
	if waiting.Status.ClassName != second.Name {
		t.Errorf("bound to %s, want %s", waiting.Status.ClassName, second.Name)
	}
	i.edit(second, func() { second.Annotations = nil })
	i.anotherPass(vault)
	i.awaitReady(vault)
	if vault.Status.ClassName != i.class.Name {
		t.Error("a changed default moved a bound vault")
	}
}

func TestAVaultOfAnotherInstallationIsLeftAlone(t *testing.T) {
	t.Parallel()
	i := install(t)
	other := install(t)
	other.start()
	vault := i.newVault("acme")
	i.create(vault)
	i.start()
	i.awaitReady(vault)
	if made := other.effects.since(0); strings.Contains(strings.Join(made, "\n"), vault.Namespace) {
		t.Errorf("the other installation made:\n%s", strings.Join(made, "\n"))
	}
}

func TestAClassWhoseAuthorityIsNoneIsNotAccepted(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.create(i.secret("ca", map[string]string{"ca.crt": "-----BEGIN NOTHING-----"}))
	i.edit(i.class, func() { i.class.Spec.ObjectStore.CASecretRef = &v1alpha1.SecretReference{Name: "ca"} })
	i.start()
	i.awaitClass(v1alpha1.ConditionAccepted, metav1.ConditionFalse, v1alpha1.ReasonInvalidSecret)
}

// What the operator could not try is not given to pods that serve.
func TestAnAuthorityThatCouldNotBeTriedIsNotRolledOut(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme")
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	i.create(i.secret("ca", map[string]string{"ca.crt": string(certificate)}))
	i.effects.setAway(storeServer, true)
	i.edit(i.class, func() { i.class.Spec.ObjectStore.CASecretRef = &v1alpha1.SecretReference{Name: "ca"} })
	i.await(vault, v1alpha1.ConditionBucketReady, metav1.ConditionUnknown, "")
	i.anotherPass(vault)
	api := &appsv1.Deployment{}
	i.get(api, vault.Namespace, "acme-api")
	if name := desired.CANameOf(api.Spec.Template.Spec); name != "" {
		t.Errorf("pods are given the authorities of %s", name)
	}
	i.await(vault, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonServing)
	i.effects.setAway(storeServer, false)
	i.awaitReady(vault)
	i.get(api, vault.Namespace, "acme-api")
	if desired.CANameOf(api.Spec.Template.Spec) == "" {
		t.Error("pods are given no authorities once the store answers")
	}
}
