package controllers

import (
	"cmp"
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/docvault/docvault/api/v1alpha1"
	"github.com/docvault/docvault/runtime/provision"
)

// goingDown is how long to wait for pods that end: nothing tells of each of them.
const goingDown = 2 * time.Second

// holdsVault ends a deletion that is none of ours: no finalizer, or a vault of another installation.
func (p *pass) holdsVault(ctx context.Context) (time.Duration, error) {
	if !controllerutil.ContainsFinalizer(p.vault, v1alpha1.Finalizer) {
		return 0, errOthers
	}
	name := cmp.Or(p.vault.Status.ClassName, p.vault.Spec.ClassName)
	if p.ledger != nil || name == "" {
		return 0, nil // ours, or nobody's: one that names no class has one in its status before anything is made for it
	}
	// Nothing outside was made by this installation. Whether by another, the class tells.
	class := &v1alpha1.DocVaultClass{}
	err := p.live.Get(ctx, client.ObjectKey{Name: name}, class)
	if client.IgnoreNotFound(err) != nil {
		return 0, fmt.Errorf("read class: %w", err)
	}
	if err == nil && class.Spec.ControllerName != p.ControllerName {
		return 0, errOthers
	}
	return 0, nil
}

// stopWorkloads removes the children first, pods included: what writes to the data must be gone before the data goes, and
// before another vault of this name finds it.
func (p *pass) stopWorkloads(ctx context.Context) (time.Duration, error) {
	p.doing = "pods are stopped"
	left := 0
	for key, child := range p.observed.children {
		if !p.owns(child) {
			continue
		}
		left++
		if !child.GetDeletionTimestamp().IsZero() {
			continue
		}
		if err := p.remove(ctx, child); err != nil {
			return 0, fmt.Errorf("remove %s %s: %w", key.kind, key.name, err)
		}
	}
	if left > 0 {
		return goingDown, nil
	}
	pods := &corev1.PodList{}
	if err := p.live.List(ctx, pods, client.InNamespace(p.vault.Namespace), vaultLabels(p.vault)); err != nil {
		return 0, fmt.Errorf("list pods: %w", err)
	}
	if len(pods.Items) > 0 {
		p.doing = fmt.Sprintf("pods are stopped: %d are left, such as %s", len(pods.Items), pods.Items[0].Name)
		return goingDown, nil
	}
	return 0, nil
}

// removeData does what the deletion policy says. It needs the ledger and the backends, not the class's later state. A vault
// that never had a ledger has nothing outside.
func (p *pass) removeData(ctx context.Context) (time.Duration, error) {
	if p.vault.Spec.DeletionPolicy != v1alpha1.DeletionDelete {
		return 0, nil
	}
	if err := p.ledgerLost(); err != nil {
		if err := p.giveUpOnLedger(err); err != nil {
			return 0, err
		}
		return 0, p.removeClaim(ctx)
	}
	if p.ledger == nil {
		return 0, nil
	}
	p.doing = "the data is removed"
	if wait, err := p.removeParts(ctx, p.parts()); wait > 0 || err != nil {
		return wait, err
	}
	return 0, p.removeClaim(ctx)
}

// followClass takes over, while the class is there, what its administrator has changed, such as the name of an admin Secret.
func (p *pass) followClass(ctx context.Context) error {
	class := &v1alpha1.DocVaultClass{}
	err := p.Get(ctx, client.ObjectKey{Name: p.ledger.Class}, class)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read class: %w", err)
	}
	// One that was made anew with other servers tells nothing: the ledger knows where the data are.
	if same := p.ledger.follow(class) == nil; same {
		return p.updateLedger(ctx, p.ledger)
	}
	return nil
}

func (p *pass) dropDatabase(ctx context.Context) (more bool, err error) {
	err = p.withPostgresOf(ctx, p.ledger, func(ctx context.Context, server *provision.Postgres, systemIdentifier string) error {
		if systemIdentifier != p.ledger.SystemIdentifier {
			return provision.ErrOtherServer
		}
		return server.DropDatabase(ctx, p.ledger.databaseWanted())
	})
	if err != nil {
		return false, fmt.Errorf("drop database: %w", p.explain(err, "database "+p.ledger.Database))
	}
	return false, nil
}

// removeBucket takes a step of the bucket's removal, and reports whether more are needed: a bucket of a million objects takes a
// thousand, and other vaults have their turn in between.
func (p *pass) removeBucket(ctx context.Context) (more bool, err error) {
	removed := 0
	err = p.withStoreOf(ctx, p.ledger, func(ctx context.Context, store *provision.ObjectStore) error {
		n, done, err := store.RemoveBucketStep(ctx, p.ledger.bucketWanted())
		removed, more = n, !done
		return err
	})
	if err != nil {
		return false, fmt.Errorf("remove bucket: %w", p.explain(err, "bucket "+p.ledger.Bucket))
	}
	if !more {
		p.emptied.forget(p.ledger.Identity)
		return false, nil
	}
	p.doing = fmt.Sprintf("the bucket is emptied: %d objects were removed so far", p.emptied.add(p.ledger.Identity, removed))
	return true, nil
}

// removeClaim removes the volume claim that the Redis StatefulSet made and left: found by its name, and ours by its labels.
func (p *pass) removeClaim(ctx context.Context) error {
	claims := &corev1.PersistentVolumeClaimList{}
	if err := p.live.List(ctx, claims, client.InNamespace(p.vault.Namespace), vaultLabels(p.vault)); err != nil {
		return fmt.Errorf("list volume claims: %w", err)
	}
	for i := range claims.Items {
		claim := &claims.Items[i]
		if claim.Name != p.claimName() {
			continue
		}
		if err := p.remove(ctx, claim); err != nil {
			return fmt.Errorf("remove volume claim %s: %w", claim.Name, err)
		}
	}
	return nil
}

// closeLedger comes after all that it lists is gone, is to be kept, or is left behind.
func (p *pass) closeLedger(ctx context.Context) (time.Duration, error) {
	switch {
	case len(p.left) > 0:
		return 0, p.abandon(ctx)
	case p.ledger == nil:
		return 0, nil
	case p.vault.Spec.DeletionPolicy != v1alpha1.DeletionDelete && p.ledger.State == stateAbandoned:
		return 0, nil // of an earlier vault of this name: none of it is worth keeping
	case p.vault.Spec.DeletionPolicy == v1alpha1.DeletionDelete:
		// First, or a pass that is cut off after the ledger's removal would take it for lost.
		if err := p.tell(ctx, func(s *v1alpha1.DocVaultStatus) { s.Database = v1alpha1.DatabaseStatus{} }); err != nil {
			return 0, err
		}
		p.ledgers.forget(p.ledger.secret)
		if err := p.remove(ctx, p.ledger.secret); err != nil {
			return 0, fmt.Errorf("remove ledger: %w", err)
		}
		return 0, nil
	}
	p.ledger.State = stateReleased
	return 0, p.updateLedger(ctx, p.ledger)
}

// letGo lets the vault disappear.
func (p *pass) letGo(ctx context.Context) (time.Duration, error) {
	before := p.vault.DeepCopy()
	controllerutil.RemoveFinalizer(p.vault, v1alpha1.Finalizer)
	if err := p.patchMetadata(ctx, before); client.IgnoreNotFound(err) != nil {
		return 0, fmt.Errorf("remove finalizer: %w", err)
	}
	if p.ledger != nil {
		p.accounts.forget(p.ledger.Identity)
	}
	p.accounts.forget(p.identity)
	p.gone = true
	return 0, nil
}
