package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	appsac "k8s.io/client-go/applyconfigurations/apps/v1"
	coreac "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
	"github.com/docvault/docvault/controllers/desired"
)

// serveOn looks after a vault that serves while something holds its next version back.
func (p *pass) serveOn(ctx context.Context) error {
	if p.observed.deployment(p.childName(v1alpha1.ComponentAPI)) == nil {
		return nil
	}
	doing := p.doing // what holds it back says more than what is put right meanwhile
	defer func() { p.doing = doing }()
	return errors.Join(p.keepReachable(ctx), p.rollCredentials(ctx))
}

// rollCredentials has the pods that serve take what the runtime Secret holds by now, at the image that they run: those that it held before
// may end any time. A mere rotation waits for the next version, as its old credentials do.
func (p *pass) rollCredentials(ctx context.Context) error {
	if p.ledger.Phase == phaseRolling && !p.ledger.isLeak() {
		return nil
	}
	hash, all := desired.RuntimeSecretHash(p.input), true
	for _, component := range []string{v1alpha1.ComponentWorker, v1alpha1.ComponentAPI} {
		live := p.observed.deployment(p.childName(component))
		if live != nil && live.Spec.Template.Annotations[v1alpha1.AnnotationRuntimeSecret] == hash {
			all = all && rolledOut(live)
			continue
		}
		all = false
		key := childKey{kind: "Deployment", name: p.childName(component)}
		if live == nil || p.wanted[key] { // none, or this pass has applied it as it is to be
			continue
		}
		p.wanted[key] = true
		err := p.change(ctx, live, func(owned *appsac.DeploymentSpecApplyConfiguration) {
			owned.Template.WithAnnotations(map[string]string{v1alpha1.AnnotationRuntimeSecret: hash})
		})
		if err != nil {
			return fmt.Errorf("roll Deployment %s: %w", live.Name, err)
		}
	}
	if !all || !p.ledger.isLeak() {
		return nil
	}
	_, err := p.followRotation(ctx)
	return err
}

// change applies to a Deployment what the operator owns of it, with a difference: the rest stays whatever the spec says by now.
func (p *pass) change(ctx context.Context, live *appsv1.Deployment, difference func(*appsac.DeploymentSpecApplyConfiguration)) error {
	if err := p.mustOwn(live); err != nil {
		return err
	}
	owned, err := appsac.ExtractDeployment(live, FieldOwner)
	if err != nil {
		return fmt.Errorf("read the owned fields: %w", err)
	}
	if owned.Spec == nil {
		owned.WithSpec(appsac.DeploymentSpec())
	}
	if owned.Spec.Template == nil {
		owned.Spec.WithTemplate(coreac.PodTemplateSpec())
	}
	difference(owned.Spec)
	return p.Apply(ctx, owned, client.FieldOwner(FieldOwner), client.ForceOwnership)
}

// rotateAllTheSame goes on with the rotation after a leak although the pass ended with a refusal: it needs the ledger, the backends and
// the pods that run, not the spec as it is now. Redis is told of ended users, whatever the rotation was for.
func (p *pass) rotateAllTheSame(ctx context.Context, passErr error) {
	var refused *refusal
	l := p.ledger
	if !errors.As(passErr, &refused) || l == nil || l.State != stateBound || l.MigratedJob == "" || p.adopting || p.vault.Spec.Suspend {
		return
	}
	asked := p.rotationAsked(time.Now()) == leaked
	if !asked && !l.isLeak() && l.Phase != phaseEnded {
		return
	}
	if err := p.rotateHeld(ctx, asked); err != nil {
		p.rotationErr = errors.Join(p.rotationErr, fmt.Errorf("rotate: %w", err))
	}
}

func (p *pass) rotateHeld(ctx context.Context, asked bool) error {
	spec, l := p.vault.Spec, p.ledger
	if (spec.Redis.External != nil) != l.externalRedis() || (spec.Postgres.External != nil) != l.externalPostgres() ||
		(spec.ObjectStore.External != nil) != l.externalObjectStore() {
		return nil // the Secrets would follow a spec that was refused
	}
	if asked {
		if _, err := p.startRotation(ctx); err != nil {
			return err
		}
	}
	if l.Phase == phaseMaking {
		if _, err := p.provision(ctx); err != nil {
			return err
		}
	}
	if err := p.readSecrets(ctx); err != nil {
		return err
	}
	if err := p.tellHeldRedis(ctx); err != nil {
		return err
	}
	err := p.apply(ctx, desired.AccessSecret(p.input), desired.MigrateSecret(p.input), desired.RuntimeSecret(p.input))
	if err != nil {
		return err
	}
	if err := p.rollCredentials(ctx); err != nil || l.Phase != phaseEnded {
		return err
	}
	return p.tellHeldRedis(ctx)
}

func (p *pass) tellHeldRedis(ctx context.Context) error {
	if _, err := p.gather(ctx); err != nil {
		return err
	}
	if _, err := p.applyRedisUsers(ctx); err != nil {
		return err
	}
	_, err := p.changeRedisUsers(ctx)
	return err
}
