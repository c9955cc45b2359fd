package controllers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
	"github.com/docvault/docvault/controllers/desired"
	"github.com/docvault/docvault/runtime/config"
)

// external is recorded of a backend that the vault's owner brings, and shown where the name of one of ours would be.
const external = "external"

// brought is what the Secrets of the vault's owner say, read in this pass. Nothing of it is kept.
type brought struct {
	redis       *desired.ExternalRedis
	postgres    *desired.Postgres
	objectStore *desired.ObjectStore
	providerKey string

	redisErr error // why there is no redis although the spec names one
	taken    bool  // a pod found the mark of another vault in it
}

// externalPostgres tells whether the database is the owner's: nothing is made, rotated or dropped there.
func (l *ledger) externalPostgres() bool { return l.PostgresExternal == external }

// externalObjectStore tells the same of the bucket.
func (l *ledger) externalObjectStore() bool { return l.ObjectStoreExternal == external }

// externalRedis tells the same of Redis. A vault may change between the two.
func (l *ledger) externalRedis() bool { return l.RedisExternal == external }

// bring records in a new ledger what the vault's owner brings. What would be made instead has no name and no credentials then.
func (l *ledger) bring(spec v1alpha1.DocVaultSpec) {
	if spec.Postgres.External != nil {
		l.PostgresExternal = external
		l.Database, l.OwnerRole, l.AppRole = "", "", ""
		l.MigrateLogin, l.MigratePassword, l.AppLogin, l.AppPassword = "", "", "", ""
	}
	if spec.ObjectStore.External != nil {
		l.ObjectStoreExternal = external
		l.Bucket, l.StoreUser, l.UserSecret, l.AccessKey, l.StoreKey = "", "", "", "", ""
	}
}

// followBrought refuses a spec whose data is elsewhere, as after a deletion that kept it, and records which Redis is used.
// Errors: *refusal.
func (l *ledger) followBrought(spec v1alpha1.DocVaultSpec) error {
	for _, backend := range []struct {
		field       string
		named, made bool
	}{
		{"spec.postgres.external", spec.Postgres.External != nil, !l.externalPostgres()},
		{"spec.objectStore.external", spec.ObjectStore.External != nil, !l.externalObjectStore()},
	} {
		switch {
		case backend.named && backend.made:
			return refuse(v1alpha1.ReasonInvalidSpec,
				"the data of this vault is on the servers of class %s, and does not move: leave %s out", l.Class, backend.field)
		case !backend.named && !backend.made:
			return refuse(v1alpha1.ReasonInvalidSpec,
				"the data of this vault is on a server that its owner brought, and does not move: set %s again", backend.field)
		}
	}
	l.RedisExternal = ""
	if spec.Redis.External != nil {
		l.RedisExternal = external
	}
	return nil
}

// readBrought reads, live, what the vault's owner brings: the cache does not hold it. Without all of it the pass ends once the vault can
// be reached, and it serves on with what its pods have.
func (p *pass) readBrought(ctx context.Context) (time.Duration, error) {
	spec := p.vault.Spec
	if err := desired.CheckClassification(spec.Classification); err != nil {
		return 0, refuse(v1alpha1.ReasonInvalidSpec, "%v", err)
	}
	if len(secretsOf(p.vault)) == 0 {
		return 0, nil
	}
	if err := p.secrets.follow(); err != nil {
		return 0, err
	}
	err := p.readSecrets(ctx)
	if err != nil && p.observed.deployment(p.childName(v1alpha1.ComponentAPI)) != nil {
		err = errors.Join(err, p.keepReachable(ctx))
	}
	return 0, err
}

// readSecrets reads all of them: whoever mends one wants to know of the next.
func (p *pass) readSecrets(ctx context.Context) error {
	spec := p.vault.Spec
	redisErr := p.readRedis(ctx, spec.Redis.External)
	postgresErr := p.readPostgres(ctx, spec.Postgres.External)
	storeErr := p.readObjectStore(ctx, spec.ObjectStore.External)
	keyErr := p.readProviderKey(ctx, spec.Classification.APIKeySecretRef)
	return errors.Join(redisErr, postgresErr, storeErr, keyErr)
}

// keepReachable puts right, of a vault that serves, how it is reached: none of it follows from what its owner brings. The rest does: the
// pods by the hash of their environment and their authorities, autoscalers by the pods, network policies by the servers' addresses.
func (p *pass) keepReachable(ctx context.Context) error {
	if p.input.Vault == nil { // readBrought did not come so far
		if _, err := p.gather(ctx); err != nil {
			return err
		}
	}
	var errs []error
	if p.ledger.Phase != phaseRolling { // else the pods may still take the token before
		errs = append(errs, p.apply(ctx, desired.AccessSecret(p.input)))
	}
	if !p.ledger.externalRedis() {
		errs = append(errs, p.apply(ctx, desired.RedisService(p.input)))
	}
	_, routeErr := p.applyRoute(ctx)
	return errors.Join(append(errs, p.applyAPIService(ctx), routeErr)...)
}

func (p *pass) readRedis(ctx context.Context, ref *v1alpha1.ExternalBackend) error {
	if ref == nil {
		return nil
	}
	redis, err := readSecret(ctx, p, ref.SecretRef.Name, desired.ExternalRedisOf)
	p.brought.redis, p.brought.redisErr = &redis, err
	return err
}

func (p *pass) readPostgres(ctx context.Context, ref *v1alpha1.ExternalBackend) error {
	if ref == nil {
		return nil
	}
	database, err := readSecret(ctx, p, ref.SecretRef.Name, desired.ExternalPostgresOf)
	p.brought.postgres = &database
	p.set(v1alpha1.ConditionDatabaseReady, broughtVerdict(err, "the database", ref))
	return err
}

func (p *pass) readObjectStore(ctx context.Context, ref *v1alpha1.ExternalBackend) error {
	if ref == nil {
		return nil
	}
	bucket, err := readSecret(ctx, p, ref.SecretRef.Name, desired.ExternalObjectStoreOf)
	p.brought.objectStore = &bucket
	p.set(v1alpha1.ConditionBucketReady, broughtVerdict(err, "the bucket", ref))
	return err
}

func (p *pass) readProviderKey(ctx context.Context, ref *v1alpha1.SecretKeyReference) error {
	if ref == nil || ref.Name == "" {
		return nil
	}
	key, err := readSecret(ctx, p, ref.Name, func(data map[string][]byte) (string, error) {
		return desired.ProviderKeyOf(data, ref.Key)
	})
	p.brought.providerKey = key
	return err
}

// broughtVerdict says of a backend no more than what its Secret is worth: the operator never connects to what a tenant names.
func broughtVerdict(err error, what string, ref *v1alpha1.ExternalBackend) verdict {
	var refused *refusal
	switch {
	case err == nil:
		return isTrue(v1alpha1.ReasonExternal, fmt.Sprintf(
			"%s in Secret %s is the owner's: nothing is made there; the vault's pods and its /health tell whether it answers",
			what, ref.SecretRef.Name))
	case errors.As(err, &refused):
		return isFalse(refused.reason, refused.message)
	}
	return unknown(v1alpha1.ReasonUnobserved, "Secret "+ref.SecretRef.Name+" could not be read; it is tried again")
}

// readSecret reads a Secret in the vault's namespace.
// Errors: *refusal.
func readSecret[T any](ctx context.Context, p *pass, name string, parse func(map[string][]byte) (T, error)) (T, error) {
	secret := &corev1.Secret{}
	err := p.live.Get(ctx, client.ObjectKey{Namespace: p.vault.Namespace, Name: name}, secret)
	if apierrors.IsNotFound(err) {
		var none T
		return none, refuse(v1alpha1.ReasonSecretNotFound, "Secret %s does not exist in namespace %s: create it", name, p.vault.Namespace)
	}
	if err != nil {
		var none T
		return none, fmt.Errorf("read Secret %s: %w", name, err)
	}
	value, err := parse(secret.Data)
	var wrong *desired.SecretError
	switch {
	case errors.As(err, &wrong) && len(wrong.Missing) > 0:
		return value, refuse(v1alpha1.ReasonSecretNotFound, "Secret %s: %v", name, wrong)
	case err != nil:
		return value, refuse(v1alpha1.ReasonInvalidSecret, "Secret %s: %v", name, err)
	}
	return value, nil
}

// into puts what the owner brings where the builders look for it.
func (b *brought) into(view *desired.Ledger) {
	if b.postgres != nil {
		view.Postgres, view.ExternalPostgres = *b.postgres, true
	}
	if b.objectStore != nil {
		view.ObjectStore = *b.objectStore
	}
	view.ExternalRedis = b.redis
	view.ProviderKey = b.providerKey
}

// askPods finds out, of a vault that does not come up, whether its Redis is another's. Only its pods can tell.
func (p *pass) askPods(ctx context.Context) (time.Duration, error) {
	if p.brought.redis == nil || (p.isRolledOut(v1alpha1.ComponentWorker) && p.isRolledOut(v1alpha1.ComponentAPI)) {
		return 0, nil
	}
	pods := &corev1.PodList{}
	if err := p.live.List(ctx, pods, client.InNamespace(p.vault.Namespace), vaultLabels(p.vault)); err != nil {
		return 0, fmt.Errorf("list pods: %w", err)
	}
	for i := range pods.Items {
		p.brought.taken = p.brought.taken || foundMark(&pods.Items[i])
	}
	return 0, nil
}

// foundMark tells by what a container said last whether it gave up because of another vault's mark.
func foundMark(pod *corev1.Pod) bool {
	for _, status := range pod.Status.ContainerStatuses {
		if status.Ready {
			continue // it has the Redis by now
		}
		for _, state := range []corev1.ContainerState{status.State, status.LastTerminationState} {
			ended := state.Terminated
			if ended != nil && ended.ExitCode == desired.ExitBadConfiguration && strings.Contains(ended.Message, config.RedisTaken) {
				return true
			}
		}
	}
	return false
}

// externalRedisReady judges a Redis that only the pods reach: a worker is ready while it has it, marked as the vault's.
func (p *pass) externalRedisReady(worker *appsv1.Deployment) verdict {
	secret := "the Redis in Secret " + p.vault.Spec.Redis.External.SecretRef.Name
	var refused *refusal
	switch {
	case errors.As(p.brought.redisErr, &refused):
		return isFalse(refused.reason, refused.message)
	case p.brought.taken:
		return isFalse(v1alpha1.ReasonNotOwned, secret+" bears the mark of another vault: two in one would take each other's tasks. "+
			"Name another; or, if that vault is gone, remove its key "+config.RedisMarkKey)
	case worker == nil:
		return isFalse(v1alpha1.ReasonNotStarted, "waits for what comes before it")
	case wantedReplicas(worker) == 0:
		return p.lastKnown(v1alpha1.ConditionRedisReady, secret+" was not tried: no worker is wanted")
	case worker.Status.AvailableReplicas == 0:
		return unknown(v1alpha1.ReasonProgressing,
			"no worker has found "+secret+" to answer: see `kubectl logs deployment/"+worker.Name+"`")
	}
	answers := isTrue(v1alpha1.ReasonExternal, secret+" answers the workers")
	known := meta.FindStatusCondition(p.vault.Status.Conditions, v1alpha1.ConditionRedisReady)
	tried := rolledOut(worker) && p.cameToPods && !p.changed[childKey{kind: "Deployment", name: worker.Name}]
	switch {
	case tried, known != nil && known.Message == answers.message:
		return answers
	case gaveUp(worker):
		return isFalse(v1alpha1.ReasonUnavailable, secret+" was not found to answer: "+newPodsMissing(worker, "worker"))
	}
	return unknown(v1alpha1.ReasonProgressing, secret+" was not tried yet: worker pods are rolled out")
}

// lastKnown keeps a verdict that nobody can renew.
func (p *pass) lastKnown(kind, otherwise string) verdict {
	if c := meta.FindStatusCondition(p.vault.Status.Conditions, kind); c != nil && c.Status == metav1.ConditionTrue {
		return verdict{c.Status, c.Reason, c.Message}
	}
	return unknown(v1alpha1.ReasonUnobserved, otherwise)
}
