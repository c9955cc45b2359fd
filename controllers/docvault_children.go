package controllers

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/docvault/docvault/api/v1alpha1"
	"github.com/docvault/docvault/controllers/desired"
)

// retryMigration is how long a migration that gave up is left alone before it is tried again: its Job has already tried for
// some minutes, and an outage is waited for here.
const retryMigration = time.Minute

func (p *pass) childName(component string) string { return p.vault.Name + "-" + component }

// applyRedis comes first of the pods: it has the longest way to go.
func (p *pass) applyRedis(ctx context.Context) (time.Duration, error) {
	if err := p.gatherInput(ctx); err != nil {
		return 0, err
	}
	if p.ledger.externalRedis() {
		return 0, nil
	}
	return 0, p.apply(ctx,
		desired.RedisSecret(p.input),
		desired.RedisService(p.input),
		desired.RedisStatefulSet(p.input),
	)
}

// gatherInput collects what the children follow from.
func (p *pass) gatherInput(ctx context.Context) error {
	view := p.ledger.view()
	var err error
	if !p.ledger.externalPostgres() {
		if view.Postgres.CA, err = p.authorities(ctx, p.ledger.PostgresCASecret); err != nil {
			return err
		}
	}
	if !p.ledger.externalObjectStore() {
		if view.ObjectStore.CA, err = p.authorities(ctx, p.ledger.ObjectStoreCASecret); err != nil {
			return err
		}
	}
	p.brought.into(&view)
	p.input = desired.Input{Vault: p.vault, Class: p.class, Ledger: view, Observed: desired.Observed{
		RedisStorage: storageOf(p.observed.statefulSet(p.childName(v1alpha1.ComponentRedis))),
	}}
	return nil
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
		Redis:     []desired.RedisUser{{Name: l.RedisUser, Password: l.RedisPassword}},
		SecretKey: l.SecretKey,
		Token:     l.Token,
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

// migrate lets the pods of the spec's image start only when the schema is theirs. Those that run go on meanwhile.
func (p *pass) migrate(ctx context.Context) (time.Duration, error) {
	wanted := desired.MigrationJob(p.input)
	name := *wanted.Name
	job := p.observed.job(name)
	p.wanted[childKeyOf(wanted)] = true
	switch {
	case p.ledger.MigratedJob == name:
		p.set(v1alpha1.ConditionMigrated, isTrue(v1alpha1.ReasonMigrationSucceeded, "the schema is the one that the image wants"))
		return 0, nil
	case job == nil:
		p.doing = "the migration runs"
		p.set(v1alpha1.ConditionMigrated, p.migrationRuns("Job "+name+" was started"))
		return patience, p.apply(ctx, wanted)
	}
	if err := p.mustOwn(job); err != nil {
		return 0, fmt.Errorf("migrate: Job %s: %w", name, err)
	}
	return p.followMigration(ctx, job)
}

// followMigration acts on how far a migration Job has come. Its success is recorded before it is gone after its TTL.
func (p *pass) followMigration(ctx context.Context, job *batchv1.Job) (time.Duration, error) {
	failed := jobCondition(job, batchv1.JobFailed)
	switch {
	case jobCondition(job, batchv1.JobComplete) != nil:
		p.ledger.MigratedJob = job.Name
		if err := p.updateLedger(ctx, p.ledger); err != nil {
			return 0, err
		}
		p.set(v1alpha1.ConditionMigrated, isTrue(v1alpha1.ReasonMigrationSucceeded, "the schema is the one that the image wants"))
		return 0, nil
	case failed == nil:
		p.doing = "the migration runs"
		p.set(v1alpha1.ConditionMigrated, p.migrationRuns("Job "+job.Name+" runs"))
		return patience, nil
	case failed.Reason == batchv1.JobReasonPodFailurePolicy:
		gaveUp := refuse(v1alpha1.ReasonMigrationFailed,
			"the migration found its configuration wrong: see `kubectl logs job/%s`, "+
				"then change the spec, or delete the Job to try again", job.Name)
		p.set(v1alpha1.ConditionMigrated, isFalse(gaveUp.reason, gaveUp.message))
		return 0, gaveUp
	}
	return p.retryMigration(ctx, job, failed.LastTransitionTime.Time)
}

// migrationRuns tells a migration's first try from those after a failure.
func (p *pass) migrationRuns(message string) verdict {
	known := meta.FindStatusCondition(p.vault.Status.Conditions, v1alpha1.ConditionMigrated)
	if known != nil && known.Reason == v1alpha1.ReasonMigrationRetrying && known.ObservedGeneration == p.vault.Generation {
		return isFalse(v1alpha1.ReasonMigrationRetrying, message+", after one that failed")
	}
	return isFalse(v1alpha1.ReasonMigrationRunning, message)
}

func (p *pass) retryMigration(ctx context.Context, job *batchv1.Job, failedAt time.Time) (time.Duration, error) {
	p.doing = "the migration failed and is tried again"
	p.set(v1alpha1.ConditionMigrated, isFalse(v1alpha1.ReasonMigrationRetrying,
		fmt.Sprintf("Job %s failed and is tried again within %s: see `kubectl logs job/%s`", job.Name, retryMigration, job.Name)))
	if rest := time.Until(failedAt.Add(retryMigration)); rest > 0 {
		return rest, nil
	}
	if err := p.remove(ctx, job); err != nil {
		return 0, fmt.Errorf("remove the failed migration: %w", err)
	}
	return time.Second, nil
}

func jobCondition(job *batchv1.Job, kind batchv1.JobConditionType) *batchv1.JobCondition {
	for i := range job.Status.Conditions {
		if c := &job.Status.Conditions[i]; c.Type == kind && c.Status == corev1.ConditionTrue {
			return c
		}
	}
	return nil
}

// applyWorker waits for Redis the first time only: later the pods that run must not be held up by it.
func (p *pass) applyWorker(ctx context.Context) (time.Duration, error) {
	redis := redisReady(p.observed.statefulSet(p.childName(v1alpha1.ComponentRedis)))
	first := p.observed.deployment(p.childName(v1alpha1.ComponentAPI)) == nil
	if first && !p.ledger.externalRedis() && redis.reason != v1alpha1.ReasonAvailable {
		p.doing = "Redis starts"
		return patience, nil
	}
	return 0, p.apply(ctx, desired.Deployment(p.input, desired.Worker(p.input)))
}

func (p *pass) applyAPI(ctx context.Context) (time.Duration, error) {
	return 0, p.apply(ctx,
		desired.Deployment(p.input, desired.API(p.input)),
		desired.APIService(p.input),
	)
}

// tidy removes what older versions of the vault left, once no pod of theirs is there to read it.
func (p *pass) tidy(ctx context.Context) (time.Duration, error) {
	for _, component := range []string{v1alpha1.ComponentWorker, v1alpha1.ComponentAPI} {
		if !p.isRolledOut(component) {
			p.doing = component + " pods are rolled out"
		}
	}
	if p.doing != "" {
		return patience, p.backendErr
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

// reportBackends ends the pass of a vault that serves, but whose backends could not be asserted.
func (p *pass) reportBackends(context.Context) (time.Duration, error) {
	return 0, p.backendErr
}
