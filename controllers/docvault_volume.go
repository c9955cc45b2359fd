package controllers

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
)

// growVolume asks for a larger Redis volume once the spec does. The StatefulSet's template cannot change, the claim that it made
// can. A storage class that lets no volume grow is no reason to call a vault that serves anything else than ready.
func (p *pass) growVolume(ctx context.Context) (time.Duration, error) {
	made := storageOf(p.observed.statefulSet(p.childName(v1alpha1.ComponentRedis)))
	wanted := p.vault.Spec.Redis.Storage.Size
	if made == nil || wanted == nil || wanted.Cmp(made.Size) <= 0 {
		return 0, nil
	}
	claim := &corev1.PersistentVolumeClaim{}
	err := p.live.Get(ctx, client.ObjectKey{Namespace: p.vault.Namespace, Name: p.claimName()}, claim)
	if apierrors.IsNotFound(err) {
		return patience, nil // the StatefulSet controller is about to make it
	}
	if err != nil {
		return 0, fmt.Errorf("read volume claim: %w", err)
	}
	if wanted.Cmp(claim.Spec.Resources.Requests[corev1.ResourceStorage]) <= 0 {
		return 0, nil
	}
	before := claim.DeepCopy()
	claim.Spec.Resources.Requests[corev1.ResourceStorage] = *wanted
	err = p.Patch(ctx, claim, client.MergeFrom(before))
	if apierrors.IsForbidden(err) {
		p.doing = fmt.Sprintf("volume claim %s should grow to %s and may not; "+
			"a storage class that lets volumes grow has allowVolumeExpansion: %v", claim.Name, wanted, err)
		return resync, nil
	}
	if err != nil {
		return 0, fmt.Errorf("grow volume claim: %w", err)
	}
	return 0, nil
}

// claimName is how the StatefulSet controller calls the claim of the vault's Redis.
func (p *pass) claimName() string { return "data-" + p.childName(v1alpha1.ComponentRedis) + "-0" }
