package controllers_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
)

// The operator dies after each of its effects in turn, of making a vault and of removing it, and another takes its place: objects
// of the API server, SQL statements and calls to the object store alike. What it made must be found, used and removed.
func TestCutOffAfterEachEffect(t *testing.T) {
	t.Parallel()
	creation, deletion := effectsOfALife(t)
	t.Logf("making a vault takes %d effects, removing it %d:\n%s", len(creation), len(deletion),
		strings.Join(slices.Concat(creation, []string{""}, deletion), "\n"))
	if len(creation) < 20 || len(deletion) < 10 {
		t.Fatal("these are too few to be all: the proxies do not see everything")
	}
	for n := 1; n <= max(len(creation), len(deletion)); n++ {
		t.Run(fmt.Sprintf("effect %d", n), func(t *testing.T) {
			t.Parallel()
			i := install(t)
			vault := i.cutCreation(n)
			i.cutDeletion(vault, n)
		})
	}
}

// effectsOfALife returns what a vault's making and removing do when nothing goes wrong.
func effectsOfALife(t testing.TB) (creation, deletion []string) {
	t.Helper()
	i := install(t)
	i.start()
	i.awaitClass(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAccepted)
	i.effects.restart(0)
	vault := i.readyVault("acme", deletable)
	creation = i.effects.since(0)
	i.effects.restart(0)
	i.remove(vault)
	return creation, i.effects.since(0)
}

func deletable(vault *v1alpha1.DocVault) { vault.Spec.DeletionPolicy = v1alpha1.DeletionDelete }

// cutCreation makes a vault whose operator dies after its nth effect, and leaves it Ready with another operator.
func (i *installation) cutCreation(n int) *v1alpha1.DocVault {
	i.t.Helper()
	i.start()
	i.awaitClass(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAccepted)
	i.effects.restart(n)
	vault := i.newVault("acme")
	deletable(vault)
	i.create(vault)
	i.awaitCutOrReady(vault)
	i.stop()
	before := i.ledgers(vault)

	i.effects.restart(0)
	i.start()
	i.awaitReady(vault)
	after := i.ledger(vault)
	if len(before) > 0 {
		if err := sameCredentials(&before[0], after); err != nil {
			i.t.Error(err)
		}
	}
	mustWork(i.t, after)
	if made, want := i.outside(vault), everythingOutside(i.identityOf(vault)); !slices.Equal(made, want) {
		i.t.Errorf("on the backends are %q, want %q", made, want)
	}
	return vault
}

// cutDeletion removes a vault; its operator dies after its nth effect, and another one goes on.
func (i *installation) cutDeletion(vault *v1alpha1.DocVault, n int) {
	i.t.Helper()
	ledger := i.ledger(vault)
	i.effects.restart(n)
	if err := i.kube.Delete(i.t.Context(), vault); err != nil {
		i.t.Fatal(err)
	}
	i.awaitCut(func(ctx context.Context) error {
		err := i.kube.Get(ctx, client.ObjectKeyFromObject(vault), &v1alpha1.DocVault{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return errors.Join(err, errors.New("not gone yet"))
	})
	i.stop()

	i.effects.restart(0)
	i.start()
	i.awaitGone(vault.DeepCopy())
	i.mustBeGone(vault, ledger)
	i.mustLeaveClass()
}

// awaitCut waits until the operator is cut off, or done before it came to that.
func (i *installation) awaitCut(done func(context.Context) error) {
	i.t.Helper()
	eventually(i.t, patience, func(ctx context.Context) error {
		if i.effects.isCut() {
			return nil
		}
		return done(ctx)
	})
}

// awaitCutOrReady waits until the operator is cut off, or the vault was Ready before it came to that.
func (i *installation) awaitCutOrReady(vault *v1alpha1.DocVault) {
	i.t.Helper()
	i.awaitCut(func(ctx context.Context) error {
		if err := i.kube.Get(ctx, client.ObjectKeyFromObject(vault), vault); err != nil {
			return err
		}
		if !meta.IsStatusConditionTrue(vault.Status.Conditions, v1alpha1.ConditionReady) {
			return errors.New("not Ready yet")
		}
		return nil
	})
}

// mustLeaveClass makes sure that no Secret but the admins' is left with the operator.
func (i *installation) mustLeaveClass() {
	i.t.Helper()
	secrets := &corev1.SecretList{}
	if err := i.kube.List(i.t.Context(), secrets, client.InNamespace(i.namespace)); err != nil {
		i.t.Fatal(err)
	}
	if len(secrets.Items) != 2 {
		i.t.Errorf("%d Secrets are left in the operator's namespace, want the two of the admins", len(secrets.Items))
	}
}
