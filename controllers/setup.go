package controllers

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/docvault/docvault/api/v1alpha1"
)

// Installation says which operator this is.
type Installation struct {
	// Namespace is the operator's own: ledgers and admin Secrets are there.
	Namespace string
	// ControllerName says which classes are this installation's.
	ControllerName string
	// Watched are the namespaces whose vaults are this installation's; none are all of them.
	Watched []string
	// ReadOnlyClasses has classes be read alone: nothing says how they are, nor holds those in use.
	ReadOnlyClasses bool
	// Workers is how many vaults are reconciled at a time.
	Workers int
	// Metrics is who tells of what the operator counts; nil is nobody.
	Metrics prometheus.Registerer
	// DialRedis connects to a vault's Redis; nil: as pods do, by its Service.
	DialRedis func(ctx context.Context, network, address string) (net.Conn, error)
}

const (
	// firstRetry and lastRetry bound the backoff after an error: a fault that passes in a moment costs no more, and a server
	// that is back after an hour is found within a minute.
	firstRetry = 200 * time.Millisecond
	lastRetry  = time.Minute
)

// Setup adds the controllers to a manager, whose cache should be made with CacheOptions.
func Setup(ctx context.Context, mgr ctrl.Manager, installation Installation) error {
	namespace := &corev1.Namespace{}
	if err := mgr.GetAPIReader().Get(ctx, client.ObjectKey{Name: installation.Namespace}, namespace); err != nil {
		return fmt.Errorf("read the operator's namespace: %w", err)
	}
	extensions, err := newExtensions(mgr)
	if err != nil {
		return err
	}
	counted := newMetrics()
	vaults := &DocVaultReconciler{
		Client:         mgr.GetClient(),
		live:           mgr.GetAPIReader(),
		recorder:       mgr.GetEventRecorder("docvault-operator"),
		backends:       newBackends(counted),
		metrics:        counted,
		accounts:       newAccounts(),
		emptied:        newTally(),
		replies:        newReplies(),
		claims:         &adoptions{},
		ledgers:        &versions{},
		vaults:         &versions{},
		classes:        &versions{},
		extensions:     extensions,
		turns:          newTurns(),
		dialRedis:      installation.DialRedis,
		Namespace:      installation.Namespace,
		Installation:   namespace.UID,
		ControllerName: installation.ControllerName,
	}
	if err := counted.register(installation.Metrics, &census{vaults, mgr.Elected()}); err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	if err := vaults.setup(ctx, mgr, installation); err != nil {
		return fmt.Errorf("set up the DocVault controller: %w", err)
	}
	if err := extensions.begin(ctx); err != nil {
		return fmt.Errorf("look for extensions: %w", err)
	}
	if installation.ReadOnlyClasses {
		return nil
	}
	if err := (&DocVaultClassReconciler{vaults}).setup(mgr); err != nil {
		return fmt.Errorf("set up the DocVaultClass controller: %w", err)
	}
	return nil
}

// setup watches what a vault follows from. Only the vault itself is looked at for edits alone (its generation, or an annotation):
// of its children every change counts, as their status is what a pass waits for; but for those whose status nobody waits for, and
// autoscalers write theirs every few seconds.
func (r *DocVaultReconciler) setup(ctx context.Context, mgr ctrl.Manager, installation Installation) error {
	edited := predicate.Or(predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{})
	vaults, err := r.extensions.woken(ctrl.NewControllerManagedBy(mgr)).
		For(&v1alpha1.DocVault{}, builder.WithPredicates(edited)).
		Owns(&corev1.Secret{}).
		Owns(&corev1.ConfigMap{}).
		Owns(&corev1.Service{}).
		Owns(&appsv1.StatefulSet{}).
		Owns(&appsv1.Deployment{}).
		Owns(&batchv1.Job{}).
		Owns(&autoscalingv2.HorizontalPodAutoscaler{}, builder.WithPredicates(ownedChanged())).
		Owns(&policyv1.PodDisruptionBudget{}, builder.WithPredicates(ownedChanged())).
		Owns(&networkingv1.NetworkPolicy{}, builder.WithPredicates(ownedChanged())).
		Owns(&networkingv1.Ingress{}, builder.WithPredicates(ownedChanged())).
		Watches(&corev1.Secret{}, handler.EnqueueRequestsFromMapFunc(r.vaultOfLedger)).
		WatchesRawSource(source.Channel(r.turns.next, &handler.EnqueueRequestForObject{})).
		Watches(&v1alpha1.DocVaultClass{}, handler.EnqueueRequestsFromMapFunc(r.vaultsOfClass),
			builder.WithPredicates(predicate.Or(edited, backendsBack()))).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: installation.Workers,
			RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](firstRetry, lastRetry),
		}).
		Build(r)
	if err != nil {
		return err
	}
	r.extensions.controller = vaults
	r.secrets, err = r.newSecretWatch(ctx, mgr, vaults, installation.Watched)
	return err
}

// ownedChanged lets changes through of what the operator owns of an object, and of nothing else in it.
func ownedChanged() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, beforeErr := ownedFields(e.ObjectOld)
		after, afterErr := ownedFields(e.ObjectNew)
		return beforeErr != nil || afterErr != nil || !equality.Semantic.DeepEqual(before, after)
	}}
}

func (r *DocVaultClassReconciler) setup(mgr ctrl.Manager) error {
	edited := predicate.Or(predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{})
	return ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.DocVaultClass{}, builder.WithPredicates(edited)).
		Watches(&corev1.Secret{}, handler.EnqueueRequestsFromMapFunc(r.classOfLedger)).
		Complete(r)
}

// backendsBack wakes the vaults of a class whose backends answer again: none has to wait for its own next try.
func backendsBack() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, was := e.ObjectOld.(*v1alpha1.DocVaultClass)
		after, is := e.ObjectNew.(*v1alpha1.DocVaultClass)
		return was && is && !meta.IsStatusConditionTrue(before.Status.Conditions, v1alpha1.ConditionReady) &&
			meta.IsStatusConditionTrue(after.Status.Conditions, v1alpha1.ConditionReady)
	}}
}

// vaultOfLedger wakes a vault whose ledger was touched.
func (r *DocVaultReconciler) vaultOfLedger(_ context.Context, secret client.Object) []reconcile.Request {
	l := r.asLedger(secret)
	if l == nil {
		return nil
	}
	return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: l.VaultNamespace, Name: l.VaultName}}}
}

// classOfLedger wakes a class when a vault was bound to it, or released.
func (r *DocVaultClassReconciler) classOfLedger(_ context.Context, secret client.Object) []reconcile.Request {
	l := r.asLedger(secret)
	if l == nil {
		return nil
	}
	return []reconcile.Request{{NamespacedName: types.NamespacedName{Name: l.Class}}}
}

func (r *DocVaultReconciler) asLedger(object client.Object) *ledger {
	secret, ok := object.(*corev1.Secret)
	if !ok || secret.Namespace != r.Namespace {
		return nil
	}
	l := fieldsOf(secret)
	if l.Identity == "" {
		return nil
	}
	return l // a damaged one, too: whom it holds has to know
}

// vaultsOfClass wakes the vaults that live in a class, name it, or name none.
func (r *DocVaultReconciler) vaultsOfClass(ctx context.Context, class client.Object) []reconcile.Request {
	vaults := &v1alpha1.DocVaultList{}
	if err := r.List(ctx, vaults); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "list vaults of a changed class", "class", class.GetName())
		return nil
	}
	var requests []reconcile.Request
	for _, vault := range vaults.Items {
		if name := class.GetName(); vault.Status.ClassName == name || vault.Spec.ClassName == name ||
			(vault.Spec.ClassName == "" && vault.Status.ClassName == "") {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&vault)})
		}
	}
	return requests
}
