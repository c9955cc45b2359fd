package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
)

// growVolume asks for a larger Redis volume once the spec does, or where an older vault of the name left a smaller one. The
// StatefulSet's template cannot change, the claim that it made can. A storage class that lets no volume grow is no reason to call a vault
// that serves anything else than ready.
func (p *pass) growVolume(ctx context.Context) (time.Duration, error) {
	wanted := p.vault.Spec.Redis.Storage.Size
	if wanted == nil || p.ledger.externalRedis() || p.ledger.RedisVolume == wanted.String() {
		return 0, nil
	}
	claim := &corev1.PersistentVolumeClaim{}
	err := p.live.Get(ctx, client.ObjectKey{Namespace: p.vault.Namespace, Name: p.claimName()}, claim)
	if apierrors.IsNotFound(err) {
		p.doing = "volume claim " + p.claimName() + " is made" // by the StatefulSet controller
		return patience, errors.Join(p.backendErr, p.rotationErr, p.routeErr)
	}
	if err != nil {
		return 0, fmt.Errorf("read volume claim: %w", err)
	}
	if wanted.Cmp(claim.Spec.Resources.Requests[corev1.ResourceStorage]) <= 0 {
		return 0, p.recordVolume(ctx, wanted)
	}
	before := claim.DeepCopy()
	claim.Spec.Resources.Requests[corev1.ResourceStorage] = *wanted
	err = p.Patch(ctx, claim, client.MergeFrom(before))
	if apierrors.IsForbidden(err) {
		p.doing = fmt.Sprintf("volume claim %s should grow to %s and may not; "+
			"a storage class that lets volumes grow has allowVolumeExpansion: %v", claim.Name, wanted, err)
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("grow volume claim: %w", err)
	}
	return 0, p.recordVolume(ctx, wanted)
}

// recordVolume spares a settled vault the reading of its claim.
func (p *pass) recordVolume(ctx context.Context, size *resource.Quantity) error {
	p.ledger.RedisVolume = size.String()
	return p.updateLedger(ctx, p.ledger)
}

// claimName is how the StatefulSet controller calls the claim of the vault's Redis.
func (p *pass) claimName() string { return "data-" + p.childName(v1alpha1.ComponentRedis) + "-0" }
