package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/docvault/docvault/api/v1alpha1"
	"github.com/docvault/docvault/runtime/provision"
)

// classResync is how often the backends of a class are asked whether they are there, give or take a quarter.
const classResync = time.Minute

// DocVaultClassReconciler says of a class whether its backends answer and who uses it, and keeps one in use from going.
type DocVaultClassReconciler struct {
	*DocVaultReconciler
}

// Reconcile implements reconcile.Reconciler.
func (r *DocVaultClassReconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	class := &v1alpha1.DocVaultClass{ObjectMeta: metav1.ObjectMeta{Name: request.Name}}
	if err := r.Get(ctx, request.NamespacedName, class); err != nil {
		return ctrl.Result{}, r.noClass(class, err)
	}
	if class.Spec.ControllerName != r.ControllerName {
		return ctrl.Result{}, nil
	}
	if err := r.readLate(ctx, r.classes, class); err != nil {
		return ctrl.Result{}, r.noClass(class, err)
	}
	vaults, err := r.boundVaults(ctx, class)
	if err != nil {
		return ctrl.Result{}, err
	}
	if done, err := r.holdWhileUsed(ctx, class, vaults); done || err != nil {
		return ctrl.Result{}, err
	}
	before := class.DeepCopy()
	class.Status.ObservedGeneration = class.Generation
	class.Status.Vaults = int32(len(vaults)) //nolint:gosec // a cluster does not hold two thousand million vaults
	r.judgeBackends(ctx, class)
	setClass(class, v1alpha1.ConditionReady, classReady(class, vaults))
	return ctrl.Result{RequeueAfter: jitter(classRest(class))}, r.patchClassStatus(ctx, before, class)
}

// noClass ends what was kept for a class that is not there, which is no error.
func (r *DocVaultClassReconciler) noClass(class *v1alpha1.DocVaultClass, err error) error {
	if !apierrors.IsNotFound(err) {
		return fmt.Errorf("read class: %w", err)
	}
	r.backends.forget(class.Name)
	r.classes.forget(class)
	return nil
}

// classRest is how long a class is left alone: not long while vaults wait for it.
func classRest(class *v1alpha1.DocVaultClass) time.Duration {
	if meta.IsStatusConditionTrue(class.Status.Conditions, v1alpha1.ConditionReady) {
		return classResync
	}
	return patience
}

// boundVaults returns the vaults that use a class, as namespace/name, sorted. Of a class that is to go it asks the API server:
// one whose ledger the cache does not hold yet must not lose its class. A damaged ledger holds the class that it names, and no other.
func (r *DocVaultClassReconciler) boundVaults(ctx context.Context, class *v1alpha1.DocVaultClass) ([]string, error) {
	reader := client.Reader(r)
	if !class.DeletionTimestamp.IsZero() {
		reader = r.live
	}
	secrets := &corev1.SecretList{}
	if err := reader.List(ctx, secrets, client.InNamespace(r.Namespace), client.MatchingLabels(ledgerLabels())); err != nil {
		return nil, fmt.Errorf("list ledgers: %w", err)
	}
	var vaults []string
	for i := range secrets.Items {
		secret := &secrets.Items[i]
		l, err := decodeLedger(secret)
		switch {
		case err != nil && string(secret.Data["class"]) == class.Name:
			vaults = append(vaults, "damaged ledger "+secret.Name)
		case err == nil && l.Class == class.Name && l.State == stateBound:
			vaults = append(vaults, l.VaultNamespace+"/"+l.VaultName)
		}
	}
	slices.Sort(vaults)
	return vaults, nil
}

// holdWhileUsed has the finalizer on a class that vaults are bound to, and takes it off one that nobody uses and that is to go.
func (r *DocVaultClassReconciler) holdWhileUsed(
	ctx context.Context, class *v1alpha1.DocVaultClass, vaults []string,
) (done bool, err error) {
	before := class.DeepCopy()
	deleting := !class.DeletionTimestamp.IsZero()
	var changed bool
	switch {
	case deleting && len(vaults) == 0:
		changed, done = controllerutil.RemoveFinalizer(class, v1alpha1.Finalizer), true
	case !deleting:
		changed = controllerutil.AddFinalizer(class, v1alpha1.Finalizer)
	}
	if !changed {
		return done, nil
	}
	err = r.classes.wrote(class, r.Patch(ctx, class, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})))
	if err != nil {
		return done, client.IgnoreNotFound(fmt.Errorf("change finalizer: %w", err))
	}
	return done, nil
}

func setClass(class *v1alpha1.DocVaultClass, kind string, v verdict) {
	setCondition(&class.Status.Conditions, class.Generation, kind, v)
}

// judgeBackends asks both servers, with the admin credentials, whether they are there.
func (r *DocVaultClassReconciler) judgeBackends(ctx context.Context, class *v1alpha1.DocVaultClass) {
	place := &ledger{}
	place.settle(class)
	postgresErr := r.withPostgresOf(ctx, place, func(context.Context, *provision.Postgres, string) error { return nil })
	storeErr := r.withStoreOf(ctx, place, func(ctx context.Context, store *provision.ObjectStore) error { return store.Check(ctx) })
	setReachable(class, v1alpha1.ConditionPostgresReachable, postgresErr)
	setReachable(class, v1alpha1.ConditionObjectStoreReachable, storeErr)
	setClass(class, v1alpha1.ConditionAccepted, accepted(class, postgresErr, storeErr))
}

// accepted is false when the class itself has to be changed, or its Secrets.
func accepted(class *v1alpha1.DocVaultClass, errs ...error) verdict {
	if _, err := metav1.LabelSelectorAsSelector(class.Spec.NamespaceSelector); err != nil {
		return isFalse(v1alpha1.ReasonInvalidSpec, fmt.Sprintf("spec.namespaceSelector is not valid: %v", err))
	}
	for _, err := range errs {
		var refused *refusal
		if errors.As(err, &refused) {
			return isFalse(refused.reason, refused.message)
		}
	}
	return isTrue(v1alpha1.ReasonAccepted, "the class can be used")
}

// setReachable judges a server, unless it was not the class's turn to ask: then what is known of it stays.
func setReachable(class *v1alpha1.DocVaultClass, kind string, err error) {
	known := meta.FindStatusCondition(class.Status.Conditions, kind)
	if known != nil && errors.Is(err, errBusy) {
		setClass(class, kind, verdict{known.Status, known.Reason, known.Message})
		return
	}
	setClass(class, kind, reachable(err))
}

func reachable(err error) verdict {
	var refused *refusal
	var away *unreachableError
	switch {
	case err == nil:
		return isTrue(v1alpha1.ReasonReachable, "the server answers its admin")
	case errors.As(err, &refused):
		return isFalse(refused.reason, refused.message)
	case errors.As(err, &away):
		return isFalse(away.reason, away.Error())
	case errors.Is(err, errBusy):
		return unknown(v1alpha1.ReasonProgressing, err.Error()+"; it is tried again")
	case errors.Is(err, provision.ErrInsecureServer):
		return isFalse(v1alpha1.ReasonInsecureServer, err.Error())
	}
	return isFalse(v1alpha1.ReasonProvisioningFailed, err.Error())
}

func classReady(class *v1alpha1.DocVaultClass, vaults []string) verdict {
	if !class.DeletionTimestamp.IsZero() {
		return isFalse(v1alpha1.ReasonInUse, "the class goes when these vaults are gone: "+someOf(vaults))
	}
	for _, kind := range []string{
		v1alpha1.ConditionAccepted, v1alpha1.ConditionPostgresReachable, v1alpha1.ConditionObjectStoreReachable,
	} {
		if c := meta.FindStatusCondition(class.Status.Conditions, kind); c.Status != metav1.ConditionTrue {
			return isFalse(c.Reason, c.Message)
		}
	}
	return isTrue(v1alpha1.ReasonAccepted, "vaults can be made in this class")
}

// someOf names up to ten vaults: a condition's message has its limits.
func someOf(vaults []string) string {
	const most = 10
	if len(vaults) <= most {
		return strings.Join(vaults, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(vaults[:most], ", "), len(vaults)-most)
}

func (r *DocVaultClassReconciler) patchClassStatus(ctx context.Context, before, class *v1alpha1.DocVaultClass) error {
	if equality.Semantic.DeepEqual(before.Status, class.Status) {
		return nil
	}
	base := class.DeepCopy()
	base.Status = before.Status
	if err := r.classes.wrote(class, r.Status().Patch(ctx, class, client.MergeFrom(base))); err != nil {
		return client.IgnoreNotFound(fmt.Errorf("patch status: %w", err))
	}
	return nil
}
