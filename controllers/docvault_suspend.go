package controllers

import (
	"context"
	"fmt"
	"time"

	appsac "k8s.io/client-go/applyconfigurations/apps/v1"

	"github.com/docvault/docvault/api/v1alpha1"
	"github.com/docvault/docvault/controllers/desired"
)

// stopSuspended comes first: a suspended vault has no pods, whatever becomes of the rest of the pass. Autoscalers go before, or they would
// start some again. A vault without a ledger may be another installation's.
func (p *pass) stopSuspended(ctx context.Context) (time.Duration, error) {
	if !p.vault.Spec.Suspend || p.ledger == nil {
		return 0, nil
	}
	for _, component := range []string{v1alpha1.ComponentAPI, v1alpha1.ComponentWorker} {
		if err := p.retire(ctx, component, autoscalers...); err != nil {
			return 0, err
		}
		live := p.observed.deployment(p.childName(component))
		if live == nil || wantedReplicas(live) == 0 || p.mustOwn(live) != nil {
			continue
		}
		p.doing = component + " pods are stopped"
		err := p.change(ctx, live, func(owned *appsac.DeploymentSpecApplyConfiguration) { owned.WithReplicas(0) })
		if err != nil {
			return 0, fmt.Errorf("stop Deployment %s: %w", live.Name, err)
		}
	}
	return 0, nil
}

// keepsImage reports a Deployment of a suspended vault that has run another image than is wanted now. It stays so until the vault wakes:
// then the new one comes as always, the migration first, then the workers, then the API.
func (p *pass) keepsImage(component string) bool {
	live := p.observed.deployment(p.childName(component))
	if !p.vault.Spec.Suspend || live == nil || imageOf(live) == desired.Image(p.vault, p.class) {
		return false
	}
	p.wanted[childKey{kind: "Deployment", name: live.Name}] = true
	return true
}
