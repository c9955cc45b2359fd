// Package controllers reconciles DocVault and DocVaultClass: cluster -> observe -> desired -> apply -> status.
package controllers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/docvault/docvault/api/v1alpha1"
	"github.com/docvault/docvault/controllers/desired"
)

const (
	// resync is how often a settled vault is looked at again, give or take a quarter: this is what finds drift on the backends.
	resync = 10 * time.Minute
	// patience is how long a vault waits for something that no event tells of, such as a Secret that it only reads.
	patience = 15 * time.Second
	// overtaken is when a pass that looked at an old vault looks again: when the cache has caught up.
	overtaken = 200 * time.Millisecond
)

// DocVaultReconciler makes one vault what its spec says.
type DocVaultReconciler struct {
	client.Client
	live       client.Reader // the API server itself, for what the cache does not hold
	recorder   events.EventRecorder
	backends   *backends
	turns      *turns
	secrets    *secretWatch
	metrics    *metrics
	accounts   *accounts
	emptied    *tally
	replies    *replies
	claims     *adoptions
	ledgers    *versions
	vaults     *versions
	classes    *versions
	extensions *extensions
	// dialRedis connects to a vault's Redis; nil: as usual.
	dialRedis func(ctx context.Context, network, address string) (net.Conn, error)

	// Namespace is the operator's own: ledgers and admin Secrets are there.
	Namespace string
	// Installation is the UID of that namespace.
	Installation types.UID
	// ControllerName says which classes are this installation's.
	ControllerName string
}

// pass is one look at one vault: what was found, and the status that comes of it.
type pass struct {
	*DocVaultReconciler
	vault       *v1alpha1.DocVault // its status is filled in as the pass goes
	namespace   *corev1.Namespace
	identity    string
	ledger      *ledger                 // nil until the vault is bound
	class       *v1alpha1.DocVaultClass // nil while the vault is deleted
	observed    *observed               // nil until the cluster was looked at
	brought     brought                 // what the vault's owner brings
	input       desired.Input           // what the children follow from
	wanted      map[childKey]bool       // the children that the vault has now
	changed     map[childKey]bool       // those that this pass made or changed: what was observed of them is no more
	left        []part                  // what is left behind of a deleted vault
	damaged     *damagedLedgerError     // the ledger is there, and says what cannot be
	movedTo     string                  // the vault, namespace/name, that adopted the data of this one; empty: none
	adopting    bool                    // the ledger was another's until now
	adoptedFrom string                  // with it: that vault, namespace/name
	doing       string                  // what the vault is still waiting for, for people; empty: nothing
	cameToPods  bool                    // nothing before them refused the spec
	heldUp      string                  // why an update does not go on, for people; empty: it does
	rotationErr error                   // of what a rotation has to do, likewise
	backendErr  error                   // of backends that a serving vault can do without for now
	routeErr    error                   // of a route that cannot be made; the vault serves inside
	gone        bool                    // nothing holds the vault any more: it has no status
}

// step is one part of a pass. It ends the pass with an error (tried again with backoff; a refusal: when somebody changed something),
// or by waiting for a time.
type step func(context.Context) (wait time.Duration, err error)

// Reconcile implements reconcile.Reconciler.
func (r *DocVaultReconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	vault := &v1alpha1.DocVault{ObjectMeta: metav1.ObjectMeta{Namespace: request.Namespace, Name: request.Name}}
	if err := r.Get(ctx, request.NamespacedName, vault); err != nil {
		return ctrl.Result{}, r.noVault(vault, err)
	}
	if r.isOthers(ctx, vault) {
		return ctrl.Result{}, nil
	}
	if err := r.readLate(ctx, r.vaults, vault); err != nil {
		return ctrl.Result{}, r.noVault(vault, err)
	}
	p, err := r.newPass(ctx, vault)
	if err != nil {
		return ctrl.Result{}, err
	}
	if vault.Status.ObservedGeneration != vault.Generation {
		r.turns.edit(request.NamespacedName)
	}
	before := vault.DeepCopy()
	wait, err := p.run(ctx)
	if errors.Is(err, errOthers) {
		return ctrl.Result{}, nil
	}
	p.countFailedRotation()
	if !p.keepsTurn(err) {
		r.turns.end(request.NamespacedName)
	}
	statusErr := p.patchStatus(ctx, before, err)
	switch {
	case apierrors.IsConflict(statusErr):
		return ctrl.Result{RequeueAfter: overtaken}, nil
	case statusErr != nil:
		return ctrl.Result{}, errors.Join(err, statusErr)
	}
	result, err := resultOf(wait, err)
	if err != nil {
		return ctrl.Result{}, err
	}
	return p.wakeForRotation(result), nil
}

// noVault ends what was kept for a vault that is not there, which is no error.
func (r *DocVaultReconciler) noVault(vault *v1alpha1.DocVault, err error) error {
	r.turns.leave(client.ObjectKeyFromObject(vault))
	r.turns.end(client.ObjectKeyFromObject(vault))
	r.vaults.forget(vault)
	return client.IgnoreNotFound(err)
}

// readLate reads an object again that the cache may know late. A pass that began with a status from before the last one would take what
// that one said for unsaid: that a vault has settled would be said by none.
func (r *DocVaultReconciler) readLate(ctx context.Context, seen *versions, object client.Object) error {
	if seen.isLast(object) {
		return nil
	}
	if err := r.live.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
		return err
	}
	seen.saw(object)
	return nil
}

// isOthers reports that a vault is of another installation's class. It asks the cache alone, so that the vaults of a neighbour
// cost no request; what it does not know is found out later in the pass.
func (r *DocVaultReconciler) isOthers(ctx context.Context, vault *v1alpha1.DocVault) bool {
	class := &v1alpha1.DocVaultClass{}
	err := r.Get(ctx, client.ObjectKey{Name: cmp.Or(vault.Status.ClassName, vault.Spec.ClassName)}, class)
	return err == nil && class.Spec.ControllerName != r.ControllerName
}

func (r *DocVaultReconciler) newPass(ctx context.Context, vault *v1alpha1.DocVault) (*pass, error) {
	// Read live: the identity of a namespace that was deleted and made again must not come from a late cache.
	namespace := &corev1.Namespace{}
	if err := r.live.Get(ctx, client.ObjectKey{Name: vault.Namespace}, namespace); err != nil {
		return nil, fmt.Errorf("read namespace: %w", err)
	}
	p := &pass{
		DocVaultReconciler: r, vault: vault, namespace: namespace, wanted: map[childKey]bool{}, changed: map[childKey]bool{},
		identity: identity(r.Installation, namespace.UID, vault.Name),
	}
	err := p.recallLedger(ctx)
	if errors.As(err, &p.damaged) {
		p.ledger, err = nil, nil // told where one that is lost is
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

func (p *pass) run(ctx context.Context) (time.Duration, error) {
	if !p.vault.DeletionTimestamp.IsZero() {
		return p.runSteps(ctx, p.holdsVault, p.observe, p.stopWorkloads, p.removeData, p.closeLedger, p.letGo)
	}
	wait, err := p.runSteps(ctx,
		p.observe,
		p.stopSuspended,
		p.findAdoption,
		p.endOldCredentials,
		p.findClass,
		p.hold,
		p.clearAbandoned,
		p.bind,
		p.startRotation,
		p.provision,
		p.readBrought,
		p.gather,
		p.applyRedisUsers,
		p.changeRedisUsers,
		p.awaitTurn,
		p.applyRedis,
		p.applyNetworkPolicies,
		p.applyProjections,
		p.migrate,
		p.applyWorker,
		p.applyAPI,
		p.applyRoute,
		p.askPods,
		p.tidy,
		p.followRotation,
		p.growVolume,
		p.reportLater,
	)
	p.rotateAllTheSame(ctx, err)
	return wait, err
}

func (p *pass) runSteps(ctx context.Context, steps ...step) (time.Duration, error) {
	for _, step := range steps {
		if wait, err := p.metrics.run(ctx, step); err != nil || wait > 0 {
			return wait, err
		}
	}
	return 0, nil
}

// resultOf turns how a pass ended into one of three outcomes: come back for the resync (settled, or refused until an edit, and what a
// vault has goes on being looked after), waiting, and an error that is tried again.
func resultOf(wait time.Duration, err error) (ctrl.Result, error) {
	var refused *refusal
	switch {
	case errors.As(err, &refused) && refused.editable():
		return ctrl.Result{RequeueAfter: jitter(resync)}, nil
	case errors.As(err, &refused):
		return ctrl.Result{RequeueAfter: patience}, nil
	case errors.Is(err, errBusy):
		return ctrl.Result{RequeueAfter: jitter(turnAfter)}, nil
	case err != nil:
		return ctrl.Result{}, err
	case wait > 0:
		return ctrl.Result{RequeueAfter: wait}, nil
	}
	return ctrl.Result{RequeueAfter: jitter(resync)}, nil
}

// jitter spreads passes over a quarter to either side, so that vaults which settled together do not come back together.
func jitter(d time.Duration) time.Duration {
	return d*3/4 + rand.N(d/2) //nolint:gosec // spreads load, guards nothing
}

// errOthers says that the vault is none of this installation's.
var errOthers = errors.New("the vault is of another installation")

// findClass finds out where the vault lives, or is going to, and whether it may.
func (p *pass) findClass(ctx context.Context) (time.Duration, error) {
	bound := p.ledger
	if p.adopting && p.vault.Spec.ClassName != "" || bound != nil && bound.State == stateAbandoned {
		bound = nil // an administrator may bring the data to another class; and what was left behind binds no other vault of the name
	}
	name, err := p.classNameOf(ctx, p.vault, bound)
	if err != nil {
		return 0, err
	}
	class, err := p.readClass(ctx, name)
	if err != nil {
		return 0, err
	}
	if class.Spec.ControllerName != p.ControllerName {
		return 0, errOthers
	}
	if bound := p.ledger != nil && p.ledger.State == stateBound; !bound && !class.DeletionTimestamp.IsZero() {
		return 0, refuse(v1alpha1.ReasonClassNotReady, "class %s is being deleted: name another", class.Name)
	}
	p.class = class
	return 0, admits(class, p.vault, p.namespace)
}

// hold keeps the vault from going before what is made for it is gone, or kept on purpose.
func (p *pass) hold(ctx context.Context) (time.Duration, error) {
	before := p.vault.DeepCopy()
	if !controllerutil.AddFinalizer(p.vault, v1alpha1.Finalizer) {
		return 0, nil
	}
	if err := p.patchMetadata(ctx, before); err != nil {
		return 0, fmt.Errorf("add finalizer: %w", err)
	}
	return 0, nil
}

// patchMetadata sends what changed in the vault's metadata since before, under its resource version: a list of finalizers is
// replaced as a whole. The status as filled in so far stays.
func (p *pass) patchMetadata(ctx context.Context, before *v1alpha1.DocVault) error {
	patched := p.vault.DeepCopy()
	return p.wrote(patched, p.Patch(ctx, patched, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})))
}

// wrote takes over the version that the vault has now.
func (p *pass) wrote(patched *v1alpha1.DocVault, err error) error {
	if err := p.vaults.wrote(patched, err); err != nil {
		return err
	}
	p.vault.ObjectMeta = patched.ObjectMeta
	return nil
}
