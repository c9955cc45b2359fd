package controllers

import (
	"context"
	"errors"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
	"github.com/docvault/docvault/controllers/desired"
)

// verdict is what a condition says, apart from its type and generation.
type verdict struct {
	status  metav1.ConditionStatus
	reason  string
	message string
}

func isTrue(reason, message string) verdict { return verdict{metav1.ConditionTrue, reason, message} }

func isFalse(reason, message string) verdict { return verdict{metav1.ConditionFalse, reason, message} }

func unknown(reason, message string) verdict {
	return verdict{metav1.ConditionUnknown, reason, message}
}

// setCondition writes a verdict; the time of the last transition moves only with the status.
func setCondition(conditions *[]metav1.Condition, generation int64, kind string, v verdict) {
	meta.SetStatusCondition(conditions, metav1.Condition{
		Type: kind, Status: v.status, Reason: v.reason, Message: shortened(v.message), ObservedGeneration: generation,
	})
}

// maxMessage, in bytes, is enough for people, and far from the 32,768 letters beyond which the API server would refuse the whole status.
const maxMessage = 4096

// shortened cuts what quotes an absurdly long value.
func shortened(message string) string {
	if len(message) <= maxMessage {
		return message
	}
	return strings.ToValidUTF8(message[:maxMessage], "") + " [...]"
}

func (p *pass) set(kind string, v verdict) {
	setCondition(&p.vault.Status.Conditions, p.vault.Generation, kind, v)
}

func (p *pass) isTrue(kind string) bool {
	return meta.IsStatusConditionTrue(p.vault.Status.Conditions, kind)
}

// normalConditions are those that are true when all is well, in the order in which a vault comes up.
var normalConditions = []string{
	v1alpha1.ConditionDatabaseReady,
	v1alpha1.ConditionBucketReady,
	v1alpha1.ConditionRedisReady,
	v1alpha1.ConditionMigrated,
	v1alpha1.ConditionWorkerAvailable,
	v1alpha1.ConditionAPIAvailable,
}

// childConditions follow from the vault's objects alone.
var childConditions = []string{v1alpha1.ConditionRedisReady, v1alpha1.ConditionWorkerAvailable, v1alpha1.ConditionAPIAvailable}

// patchStatus writes what the pass found out, in one request, or none when it is what was there. passErr is how the pass ended. It
// writes under the resource version that the pass began with: a list of conditions is replaced as a whole, so a pass over a vault
// that the cache knew late would undo what the one before it had said. That is a conflict.
func (p *pass) patchStatus(ctx context.Context, before *v1alpha1.DocVault, passErr error) error {
	if p.gone {
		return nil
	}
	p.summarise(passErr)
	if equality.Semantic.DeepEqual(before.Status, p.vault.Status) {
		return nil
	}
	patched := p.vault.DeepCopy()
	base := patched.DeepCopy()
	base.Status = before.Status
	err := p.Status().Patch(ctx, patched, client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{}))
	if err := p.wrote(patched, err); err != nil {
		return client.IgnoreNotFound(fmt.Errorf("patch status: %w", err))
	}
	p.announce(before, passErr)
	return nil
}

// tell writes a part of the status that has to be known before the pass goes on.
func (p *pass) tell(ctx context.Context, change func(*v1alpha1.DocVaultStatus)) error {
	before := p.vault.DeepCopy()
	change(&p.vault.Status)
	patched := p.vault.DeepCopy()
	if err := p.wrote(patched, p.Status().Patch(ctx, patched, client.MergeFrom(before))); err != nil {
		return fmt.Errorf("patch status: %w", err)
	}
	return nil
}

// announce tells of a change of Ready as an event, once.
func (p *pass) announce(before *v1alpha1.DocVault, passErr error) {
	was := meta.FindStatusCondition(before.Status.Conditions, v1alpha1.ConditionReady)
	is := meta.FindStatusCondition(p.vault.Status.Conditions, v1alpha1.ConditionReady)
	if was != nil && was.Status == is.Status && was.Reason == is.Reason {
		return
	}
	kind := corev1.EventTypeNormal // parts of a vault that comes up are not there at first
	if is.Status != metav1.ConditionTrue && (passErr != nil || (was != nil && was.Status == metav1.ConditionTrue)) {
		kind = corev1.EventTypeWarning
	}
	p.event(kind, is.Reason, "Reconcile", is.Message)
}

// summarise fills in all of the status that follows from what was observed and how the pass ended.
func (p *pass) summarise(passErr error) {
	status := &p.vault.Status
	status.ObservedGeneration = p.vault.Generation
	if p.observed != nil {
		p.summariseChildren()
	}
	for _, kind := range normalConditions {
		p.keepOrStart(kind)
	}
	if meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionRouteReady) != nil {
		p.keepOrStart(v1alpha1.ConditionRouteReady)
	}
	p.set(v1alpha1.ConditionStalled, p.stalled(passErr))
	p.set(v1alpha1.ConditionReconciling, p.reconciling(passErr))
	p.set(v1alpha1.ConditionReady, p.ready(passErr))
}

func (p *pass) summariseChildren() {
	api := p.observed.deployment(p.childName(v1alpha1.ComponentAPI))
	worker := p.observed.deployment(p.childName(v1alpha1.ComponentWorker))
	p.set(v1alpha1.ConditionRedisReady, p.redisReady(worker))
	p.set(v1alpha1.ConditionWorkerAvailable, p.workersAvailable(worker))
	p.set(v1alpha1.ConditionAPIAvailable, p.serving(api))
	if p.vault.Spec.Suspend {
		p.suspendedChildren()
	}
	if worker != nil {
		p.vault.Status.Worker.Replicas = worker.Status.Replicas
		p.vault.Status.Worker.Selector = metav1.FormatLabelSelector(worker.Spec.Selector)
	}
	if p.isTrue(v1alpha1.ConditionAPIAvailable) {
		p.vault.Status.URL = p.url()
	}
	if api != nil && rolledOut(api) {
		p.vault.Status.Version = desired.Version(api.Spec.Template.Spec.Containers[0].Image)
	}
}

// suspendedChildren gives the reason of what is not there because it is not wanted.
func (p *pass) suspendedChildren() {
	for _, kind := range childConditions {
		if !p.isTrue(kind) {
			p.set(kind, isFalse(v1alpha1.ReasonSuspended, "the vault is suspended: set spec.suspend to false"))
		}
	}
}

// keepOrStart carries a condition that this pass did not come to over to this generation.
func (p *pass) keepOrStart(kind string) {
	known := meta.FindStatusCondition(p.vault.Status.Conditions, kind)
	if known == nil {
		p.set(kind, isFalse(v1alpha1.ReasonNotStarted, "waits for what comes before it"))
		return
	}
	p.set(kind, verdict{known.Status, known.Reason, known.Message})
}

func (p *pass) stalled(passErr error) verdict {
	var refused *refusal
	if errors.As(passErr, &refused) && refused.editable() {
		return isTrue(refused.reason, refused.message)
	}
	if refused != nil {
		return isFalse(refused.reason, "goes on by itself once this is mended: "+refused.message)
	}
	return isFalse(v1alpha1.ReasonSettled, "nobody has to change anything")
}

func (p *pass) reconciling(passErr error) verdict {
	switch {
	case !p.vault.DeletionTimestamp.IsZero():
		return isTrue(v1alpha1.ReasonDeleting, p.doing)
	case p.isTrue(v1alpha1.ConditionStalled):
		return isFalse(v1alpha1.ReasonUnavailable, "waits for a change; see Stalled")
	case passErr != nil:
		return isTrue(reasonOf(passErr), passErr.Error())
	case p.doing != "":
		return isTrue(v1alpha1.ReasonProgressing, p.doing)
	}
	return isFalse(v1alpha1.ReasonSettled, "the vault is what its spec says")
}

// ready is true while the API serves at the spec's version, or an update towards it goes on. A migration that failed is no update that
// goes on, as is a rollout that passed its deadline. What went wrong behind it shows only when nothing serves, or when the
// spec cannot be followed.
func (p *pass) ready(passErr error) verdict {
	var refused *refusal
	switch {
	case !p.vault.DeletionTimestamp.IsZero():
		return isFalse(v1alpha1.ReasonDeleting, p.doing)
	case p.vault.Spec.Suspend:
		return isFalse(v1alpha1.ReasonSuspended, "the vault is suspended: set spec.suspend to false")
	case p.isTrue(v1alpha1.ConditionStalled) && errors.As(passErr, &refused):
		return isFalse(refused.reason, refused.message)
	case p.retriesMigration():
		return isFalse(v1alpha1.ReasonMigrationRetrying, "the new version's migration failed and is tried again; see Migrated")
	case p.heldUp != "":
		return isFalse(v1alpha1.ReasonUnavailable, p.heldUp)
	case errors.As(passErr, &refused) && p.cannotFollow():
		return isFalse(refused.reason, refused.message)
	case p.isTrue(v1alpha1.ConditionAPIAvailable):
		return isTrue(v1alpha1.ReasonServing, "the API serves at "+p.vault.Status.URL)
	case p.observed == nil:
		return unknown(v1alpha1.ReasonUnobserved, "the vault's objects could not be read; it is tried again")
	case passErr != nil:
		return isFalse(reasonOf(passErr), passErr.Error())
	}
	for _, kind := range normalConditions {
		if c := meta.FindStatusCondition(p.vault.Status.Conditions, kind); c.Status != metav1.ConditionTrue {
			return isFalse(c.Reason, kind+": "+c.Message)
		}
	}
	return isFalse(v1alpha1.ReasonProgressing, "starting")
}

// cannotFollow reports of a pass that was refused that the API runs another image than the spec, or the class, says by now.
func (p *pass) cannotFollow() bool {
	if p.cameToPods || p.observed == nil {
		return false // the refusal is of a backend's, and holds up no update
	}
	image := p.vault.Spec.Image
	if p.class != nil {
		image = desired.Image(p.vault, p.class)
	}
	api := p.observed.deployment(p.childName(v1alpha1.ComponentAPI))
	return api != nil && image != "" && imageOf(api) != image
}

func (p *pass) retriesMigration() bool {
	c := meta.FindStatusCondition(p.vault.Status.Conditions, v1alpha1.ConditionMigrated)
	return c.Reason == v1alpha1.ReasonMigrationRetrying
}

// reasonOf names an error that ends a pass.
func reasonOf(err error) string {
	var refused *refusal
	var away *unreachableError
	switch {
	case errors.As(err, &refused):
		return refused.reason
	case errors.As(err, &away):
		return away.reason
	case errors.Is(err, errNotOurs):
		return v1alpha1.ReasonNotOwned
	case errors.Is(err, errBusy):
		return v1alpha1.ReasonProgressing
	}
	return v1alpha1.ReasonApplyFailed
}

// setBackend judges a backend, unless the vault's turn has not come yet: then what is known of it stays.
func (p *pass) setBackend(kind string, err error, done string) {
	if !errors.Is(err, errBusy) {
		p.set(kind, provisioned(err, done))
	}
}

// provisioned judges one backend by the error of making it agree with the ledger.
func provisioned(err error, done string) verdict {
	var refused *refusal
	var away *unreachableError
	switch {
	case err == nil:
		return isTrue(v1alpha1.ReasonProvisioned, done)
	case errors.As(err, &refused):
		return isFalse(refused.reason, refused.message)
	case errors.As(err, &away):
		return unknown(away.reason, away.Error()+"; it is tried again")
	}
	return isFalse(v1alpha1.ReasonProvisioningFailed, err.Error()+"; it is tried again")
}

func (p *pass) redisReady(worker *appsv1.Deployment) verdict {
	if p.vault.Spec.Redis.External != nil {
		return p.externalRedisReady(worker)
	}
	return redisReady(p.observed.statefulSet(p.childName(v1alpha1.ComponentRedis)))
}

func redisReady(set *appsv1.StatefulSet) verdict {
	switch {
	case set == nil:
		return isFalse(v1alpha1.ReasonNotStarted, "waits for what comes before it")
	case set.Status.ReadyReplicas < 1:
		return isFalse(v1alpha1.ReasonUnavailable,
			"no Redis pod is ready: see `kubectl describe pod "+set.Name+"-0` (a volume claim that is not bound is a usual cause)")
	}
	return isTrue(v1alpha1.ReasonAvailable, "Redis answers its probe")
}

func available(d *appsv1.Deployment, part string) verdict {
	switch {
	case d == nil:
		return isFalse(v1alpha1.ReasonNotStarted, "waits for what comes before it")
	case wantedReplicas(d) == 0:
		return isTrue(v1alpha1.ReasonAvailable, "no "+part+" is wanted")
	case d.Status.AvailableReplicas < wantedReplicas(d):
		return isFalse(v1alpha1.ReasonUnavailable, fmt.Sprintf("%d of %d %s pods are available: see `kubectl describe deployment %s`",
			d.Status.AvailableReplicas, wantedReplicas(d), part, d.Name))
	case gaveUp(d):
		return isFalse(v1alpha1.ReasonUnavailable, newPodsMissing(d, part))
	}
	return isTrue(v1alpha1.ReasonAvailable, fmt.Sprintf("%d %s pods are available", d.Status.AvailableReplicas, part))
}

// newPodsMissing tells of an update whose pods do not come up.
func newPodsMissing(d *appsv1.Deployment, part string) string {
	return "the new " + part + " pods do not come up, the old ones go on: see `kubectl describe deployment " + d.Name + "`"
}

// workersAvailable says also why workers that are scaled never come down to none where the spec would have them.
func (p *pass) workersAvailable(d *appsv1.Deployment) verdict {
	v := available(d, "worker")
	if d != nil && p.vault.Spec.Worker.Autoscaling != nil && !p.vault.Spec.Suspend && !p.observed.installed[scaledObject] {
		v.message += "; KEDA is not installed, so their CPU decides how many there are, and one stays at least"
	}
	return v
}

// serving is true when at least one API replica serves at the spec's version, or a rolling update towards it goes on.
func (p *pass) serving(d *appsv1.Deployment) verdict {
	replicas := p.vault.Spec.API.Replicas
	switch {
	case d == nil:
		return isFalse(v1alpha1.ReasonNotStarted, "waits for what comes before it")
	case wantedReplicas(d) == 0 && (replicas == nil || *replicas > 0):
		return isFalse(v1alpha1.ReasonProgressing, "the API pods are about to be started")
	case wantedReplicas(d) == 0:
		return isFalse(v1alpha1.ReasonUnavailable, "no API replica is wanted: raise spec.api.replicas")
	case d.Status.AvailableReplicas == 0:
		return isFalse(v1alpha1.ReasonUnavailable, "no API pod is available: see `kubectl describe deployment "+d.Name+"`")
	case gaveUp(d):
		return isFalse(v1alpha1.ReasonUnavailable, newPodsMissing(d, "API"))
	}
	return isTrue(v1alpha1.ReasonAvailable, fmt.Sprintf("%d API pods are available", d.Status.AvailableReplicas))
}

func wantedReplicas(d *appsv1.Deployment) int32 {
	if d.Spec.Replicas == nil {
		return 1
	}
	return *d.Spec.Replicas
}

// gaveUp reports that a rolling update passed its deadline.
func gaveUp(d *appsv1.Deployment) bool {
	for _, c := range d.Status.Conditions {
		if c.Type == appsv1.DeploymentProgressing && c.Status == corev1.ConditionFalse {
			return true
		}
	}
	return false
}

// rolledOut reports that all pods, and no others, are of the current template and available.
func rolledOut(d *appsv1.Deployment) bool {
	s := d.Status
	return s.ObservedGeneration >= d.Generation && s.UpdatedReplicas == wantedReplicas(d) &&
		s.Replicas == s.UpdatedReplicas && s.AvailableReplicas == s.UpdatedReplicas
}
