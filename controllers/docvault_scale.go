package controllers

import (
	"context"
	"fmt"

	appsac "k8s.io/client-go/applyconfigurations/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/controllers/desired"
)

// scaleOwner holds the count of a Deployment's pods from when the operator lets go of it until an autoscaler takes it.
const scaleOwner = FieldOwner + "-scale"

// autoscalers are the kinds that choose how many pods a Deployment has. Two at once would fight.
var autoscalers = []string{"HorizontalPodAutoscaler", scaledObject.Kind}

func (p *pass) applyScaledAPI(ctx context.Context) error {
	var scalers []applyConfiguration
	if scaler := desired.APIAutoscaler(p.input); scaler != nil {
		scalers = append(scalers, scaler)
	}
	return p.applyScaled(ctx, desired.API(p.input), desired.LeastAPI(p.input), scalers)
}

func (p *pass) applyScaledWorker(ctx context.Context) error {
	var scalers []applyConfiguration
	if scaler := desired.WorkerAutoscaler(p.input); scaler != nil {
		scalers = append(scalers, scaler)
	}
	if scaler := desired.WorkerScaledObject(p.input); scaler != nil {
		scalers = append(scalers, desired.MetricsService(p.input), custom{scaler})
	}
	return p.applyScaled(ctx, desired.Worker(p.input), desired.LeastWorkers(p.input), scalers)
}

// applyScaled applies a Deployment and who chooses how many pods it has. Whoever chose before goes first, or it would undo what the
// spec says; whoever chooses from now on comes last.
func (p *pass) applyScaled(ctx context.Context, role desired.Role, least int32, scalers []applyConfiguration) error {
	component, wanted := role.Component(), desired.Deployment(p.input, role)
	for _, scaler := range scalers {
		p.wanted[childKeyOf(scaler)] = true
	}
	if err := p.retire(ctx, component, autoscalers...); err != nil {
		return err
	}
	if err := p.handOver(ctx, wanted, least); err != nil {
		return fmt.Errorf("hand over the count of %s pods: %w", component, err)
	}
	if err := p.apply(ctx, wanted); err != nil {
		return err
	}
	return p.apply(ctx, scalers...)
}

// handOver keeps the count of a Deployment's pods when it is left to an autoscaler. A field that its last owner leaves out goes back
// to its default, one pod, so another owner has it first. Of no pods, which a suspended vault has, autoscalers by CPU make
// nothing: they get the least that they may have.
func (p *pass) handOver(ctx context.Context, wanted *appsac.DeploymentApplyConfiguration, least int32) error {
	live := p.observed.deployment(*wanted.Name)
	if wanted.Spec.Replicas != nil || live == nil || live.Spec.Replicas == nil {
		return nil
	}
	if err := p.mustOwn(live); err != nil {
		return err
	}
	owned, err := appsac.ExtractDeployment(live, FieldOwner)
	if err != nil {
		return fmt.Errorf("read the owned fields: %w", err)
	}
	ours := owned.Spec != nil && owned.Spec.Replicas != nil
	count := *live.Spec.Replicas
	if stopped := count == 0 && least > 0; !ours && !stopped {
		return nil
	}
	kept := appsac.Deployment(*wanted.Name, *wanted.Namespace).WithSpec(appsac.DeploymentSpec().WithReplicas(max(count, least)))
	return p.Apply(ctx, kept, client.FieldOwner(scaleOwner), client.ForceOwnership)
}
