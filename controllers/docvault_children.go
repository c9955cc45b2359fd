package controllers

import (
	"context"
	"errors"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/docvault/docvault/api/v1alpha1"
	"github.com/docvault/docvault/controllers/desired"
)

func (p *pass) childName(component string) string { return p.vault.Name + "-" + component }

// applyRedisUsers comes before any waiting: a user that is to end waits for nobody's turn.
func (p *pass) applyRedisUsers(ctx context.Context) (time.Duration, error) {
	if p.ledger.externalRedis() {
		return 0, nil
	}
	return 0, p.apply(ctx, desired.RedisSecret(p.input))
}

// applyRedis comes first of the pods: it has the longest way to go.
func (p *pass) applyRedis(ctx context.Context) (time.Duration, error) {
	if p.ledger.externalRedis() {
		return 0, nil
	}
	return 0, p.apply(ctx,
		desired.RedisService(p.input),
		desired.RedisStatefulSet(p.input),
	)
}

// gather collects what the children follow from.
func (p *pass) gather(ctx context.Context) (time.Duration, error) {
	view := p.ledger.view()
	if err := p.trust(ctx, &view); err != nil {
		return 0, err
	}
	p.brought.into(&view)
	set := p.observed.statefulSet(p.childName(v1alpha1.ComponentRedis))
	p.input = desired.Input{
		Vault: p.vault, Class: p.class, Ledger: view, Operator: desired.Operator{Namespace: p.Namespace},
		Observed: desired.Observed{
			RedisStorage: storageOf(set),
			KEDA:         p.observed.installed[scaledObject],
			GatewayAPI:   p.observed.installed[httpRoute],
		},
	}
	if set != nil {
		p.input.Observed.RedisPodManagement = set.Spec.PodManagementPolicy
	}
	return 0, nil
}

// trust gives the view the authorities of the class's servers. Those that the operator itself could not connect with are not given to pods
// that serve with others.
func (p *pass) trust(ctx context.Context, view *desired.Ledger) error {
	api := p.observed.deployment(p.childName(v1alpha1.ComponentAPI))
	if p.backendErr != nil && api != nil {
		name := desired.CANameOf(api.Spec.Template.Spec)
		if name == "" {
			return nil
		}
		if served, found := p.observed.children[childKey{kind: "ConfigMap", name: name}].(*corev1.ConfigMap); found {
			view.Postgres.CA, view.ObjectStore.CA = desired.AuthoritiesOf(served)
			return nil
		}
	}
	var err error
	if !p.ledger.externalPostgres() {
		if view.Postgres.CA, err = p.authorities(ctx, p.ledger.PostgresCASecret); err != nil {
			return err
		}
	}
	if !p.ledger.externalObjectStore() {
		view.ObjectStore.CA, err = p.authorities(ctx, p.ledger.ObjectStoreCASecret)
	}
	return err
}

// view is what the builders need of the ledger.
func (l *ledger) view() desired.Ledger {
	return desired.Ledger{
		Identity: l.Identity,
		Postgres: desired.Postgres{
			Host: l.PostgresHost, Port: l.PostgresPort, SSLMode: v1alpha1.SSLMode(l.PostgresSSLMode), Database: l.Database,
			PoolSize: l.poolSize(),
			AppLogin: l.AppLogin, AppPassword: l.AppPassword, MigrateLogin: l.MigrateLogin, MigratePassword: l.MigratePassword,
		},
		ObjectStore: desired.ObjectStore{
			Endpoint: l.ObjectStoreEndpoint, PublicEndpoint: l.ObjectStorePublic, Region: l.ObjectStoreRegion,
			Bucket: l.Bucket, AccessKey: l.AccessKey, SecretKey: l.StoreKey,
		},
		Redis:              l.redisUsers(),
		RedisAdminPassword: l.RedisAdmin,
		RedisRestarted:     l.RedisRestarted,
		SecretKey:          l.SecretKey,
		SecretKeysPrevious: l.previousSecretKeys(),
		Token:              l.Token,
	}
}

// storageOf returns the volume that a Redis StatefulSet was made with.
func storageOf(set *appsv1.StatefulSet) *desired.RedisStorage {
	if set == nil || len(set.Spec.VolumeClaimTemplates) == 0 {
		return nil
	}
	claim := set.Spec.VolumeClaimTemplates[0].Spec
	return &desired.RedisStorage{
		Size:             claim.Resources.Requests[corev1.ResourceStorage],
		StorageClassName: claim.StorageClassName,
	}
}

// applyProjections writes what the pods read: the ledger's credentials and the addresses.
func (p *pass) applyProjections(ctx context.Context) (time.Duration, error) {
	projections := []applyConfiguration{
		desired.AccessSecret(p.input),
		desired.MigrateSecret(p.input),
		desired.RuntimeSecret(p.input),
		desired.RuntimeConfigMap(p.input),
	}
	if authorities := desired.CAConfigMap(p.input); authorities != nil {
		projections = append(projections, authorities)
	}
	return 0, p.apply(ctx, projections...)
}

// applyWorker waits for Redis the first time only: later the pods that run must not be held up by it.
func (p *pass) applyWorker(ctx context.Context) (time.Duration, error) {
	p.cameToPods = true
	if p.keepsImage(v1alpha1.ComponentWorker) {
		return 0, nil
	}
	redis := redisReady(p.observed.statefulSet(p.childName(v1alpha1.ComponentRedis)))
	first := p.observed.deployment(p.childName(v1alpha1.ComponentAPI)) == nil
	if first && !p.ledger.externalRedis() && redis.reason != v1alpha1.ReasonAvailable {
		p.doing = "Redis starts"
		return patience, nil
	}
	return 0, p.applyScaledWorker(ctx)
}

// applyAPI has the API serve another version only once the workers of that version are there: what it accepts must find one that reads
// it, and a version that does not come up shows where nobody notices.
func (p *pass) applyAPI(ctx context.Context) (time.Duration, error) {
	if p.keepsImage(v1alpha1.ComponentAPI) {
		return 0, p.applyAPIService(ctx)
	}
	if p.workersComeFirst() {
		return patience, p.serveOn(ctx)
	}
	if err := p.applyScaledAPI(ctx); err != nil {
		return 0, err
	}
	return 0, p.applyAPIService(ctx)
}

// applyAPIService has the API be reached, while pods go as well.
func (p *pass) applyAPIService(ctx context.Context) error {
	parts := []applyConfiguration{desired.APIService(p.input)}
	if budget := desired.APIDisruptionBudget(p.input); budget != nil {
		parts = append(parts, budget)
	}
	return p.apply(ctx, parts...)
}

// tidy removes what older versions of the vault left, once no pod of theirs is there to read it.
func (p *pass) tidy(ctx context.Context) (time.Duration, error) {
	for _, component := range []string{v1alpha1.ComponentWorker, v1alpha1.ComponentAPI} {
		p.followRollout(component)
	}
	set := p.observed.statefulSet(p.childName(v1alpha1.ComponentRedis))
	if set != nil && !p.ledger.externalRedis() && set.Status.CurrentRevision != set.Status.UpdateRevision {
		p.doing = "the pod of Redis is replaced"
	}
	if p.doing != "" {
		return patience, errors.Join(p.backendErr, p.rotationErr)
	}
	if err := p.prune(ctx); err != nil {
		return 0, err
	}
	return 0, p.settleConnections(ctx)
}

func (p *pass) isRolledOut(component string) bool {
	d := p.observed.deployment(p.childName(component))
	return d != nil && rolledOut(d)
}

// followRollout says what is waited for until all pods of a component are new.
func (p *pass) followRollout(component string) {
	d := p.observed.deployment(p.childName(component))
	switch {
	case d != nil && rolledOut(d):
	case d != nil && gaveUp(d):
		p.heldUp = newPodsMissing(d, component)
		p.doing = p.heldUp
	default:
		p.doing = component + " pods are rolled out"
	}
}

// reportLater ends the pass of a vault that serves with what did not hold it up: backends that could not be asserted, or a route that
// cannot be made.
func (p *pass) reportLater(context.Context) (time.Duration, error) {
	if err := errors.Join(p.backendErr, p.rotationErr); err != nil {
		return 0, err
	}
	return 0, p.routeErr
}
