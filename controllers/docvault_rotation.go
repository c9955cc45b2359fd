package controllers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
	"github.com/docvault/docvault/controllers/desired"
	"github.com/docvault/docvault/runtime/provision"
)

const (
	// defaultGrace is how long old credentials go on when the spec does not say.
	defaultGrace = time.Hour
	// longestLink is how long a download link may last: 1,440 minutes. It is signed with a key, and ends with it.
	longestLink = 24 * time.Hour
	// leakPatience is how long leaked credentials outlive new ones whose pods do not come up.
	leakPatience = 5 * time.Minute
	// maxOldKeys bounds the keys of the object store that one vault has beside the current one. It is more than the shortest period, an
	// hour less a tenth, makes in the time of a link.
	maxOldKeys = 32
)

// rotationAsked returns what for new credentials are wanted now, empty when they are not: by an annotation whose value was not acted on
// yet, or by the period. A period leaves the grace of the rotation before alone.
func (p *pass) rotationAsked(now time.Time) (cause string) {
	l, annotations := p.ledger, p.vault.Annotations
	rotate, rotateNow := annotations[v1alpha1.AnnotationRotate], annotations[v1alpha1.AnnotationRotateNow]
	switch {
	case rotateNow != "" && rotateNow != l.RotateNowSeen:
		return leaked
	case rotate != "" && rotate != l.RotateSeen:
		return requested
	case p.periodEnds(now) && (l.Phase == "" || l.Phase == phaseEnded):
		return periodic
	}
	return ""
}

// periodEnds reports whether the credentials are as old as spec.rotation.period says, less up to a tenth: vaults that were made
// together do not rotate together.
func (p *pass) periodEnds(now time.Time) bool {
	spec := p.vault.Spec.Rotation
	if spec == nil || spec.Period == nil || spec.Period.Duration <= 0 {
		return false
	}
	since := p.ledger.secret.CreationTimestamp.Time
	if p.ledger.RotatedAt != "" {
		since = timeOf(p.ledger.RotatedAt)
	}
	h := fnv.New32a()
	_, _ = fmt.Fprint(h, p.identity, p.ledger.Generation) // a hash takes everything
	early := spec.Period.Duration / 10 * time.Duration(h.Sum32()%100) / 100
	return !now.Before(since.Add(spec.Period.Duration - early))
}

// startRotation writes new credentials into the ledger before anything is made with them. A vault that is suspended, or has never
// been up, is left alone; a request waits until the roll of the one before is through, and ends its grace.
func (p *pass) startRotation(ctx context.Context) (time.Duration, error) {
	now, l := time.Now(), p.ledger
	cause := p.rotationAsked(now)
	if cause == "" || p.vault.Spec.Suspend || l.MigratedJob == "" {
		return 0, nil
	}
	switch l.Phase {
	case phaseMaking, phaseRolling:
		if cause == leaked {
			p.hasten(now)
		}
		return 0, p.updateLedger(ctx, l)
	case phaseGrace:
		l.EndsAt = now.UTC().Format(time.RFC3339)
		if err := p.endOld(ctx, now); err != nil || l.Phase == phaseGrace {
			return 0, err
		}
	}
	l.startRotation(cause)
	l.EndsAt = now.Add(redisPatience).UTC().Format(time.RFC3339)
	p.sawRequests(cause)
	if err := p.updateLedger(ctx, l); err != nil {
		return 0, err
	}
	p.metrics.rotated(cause, rotationStarted)
	p.event(corev1.EventTypeNormal, v1alpha1.EventRotationStarted, "Rotate", "new credentials are made")
	return 0, nil
}

// hasten makes a rotation that goes on one for a leak. What serves already may be what leaked: then another one follows.
func (p *pass) hasten(now time.Time) {
	l := p.ledger
	if l.Phase == phaseMaking {
		if l.Other.SecretKey == l.SecretKey {
			l.Other.renewShared()
		}
		p.sawRequests(leaked)
	} else if !l.isLeak() {
		l.EndsAt = now.Add(leakPatience).UTC().Format(time.RFC3339)
	}
	l.Cause = leaked
}

// sawRequests records the annotations that are acted on. What is done for a leak does for a mere rotation too.
func (p *pass) sawRequests(cause string) {
	p.ledger.RotateSeen = cmp.Or(p.vault.Annotations[v1alpha1.AnnotationRotate], p.ledger.RotateSeen)
	if cause == leaked {
		p.ledger.RotateNowSeen = p.vault.Annotations[v1alpha1.AnnotationRotateNow]
	}
}

// serveNewCredentials lets the new credentials serve once they work on every backend.
func (p *pass) serveNewCredentials(ctx context.Context) error {
	p.ledger.serveNew(time.Now())
	if err := p.updateLedger(ctx, p.ledger); err != nil {
		return err
	}
	p.tellRotation()
	p.metrics.rotated(p.ledger.cause(), rotationServed)
	p.event(corev1.EventTypeNormal, v1alpha1.EventRotated, "Rotate",
		fmt.Sprintf("the credentials of rotation %s serve; worker and API pods are replaced", p.ledger.Generation))
	_, err := p.gather(ctx)
	return err
}

// tellRotation fills in what the status says of it.
func (p *pass) tellRotation() {
	status := v1alpha1.RotationStatus{Generation: p.ledger.generation()}
	if p.ledger.RotatedAt != "" {
		at := metav1.NewTime(timeOf(p.ledger.RotatedAt))
		status.LastRotationTime = &at
	}
	p.vault.Status.Rotation = status
}

// followRotation comes when worker and API are rolled out. Grace begins when the last pod that holds the old credentials is gone;
// after a leak nothing waits for pods that end.
func (p *pass) followRotation(ctx context.Context) (time.Duration, error) {
	l := p.ledger
	if l.Phase != phaseRolling {
		return 0, nil
	}
	if !l.isLeak() {
		left, err := p.podsOfOldCredentials(ctx)
		if err != nil {
			return 0, err
		}
		if left > 0 {
			p.doing = fmt.Sprintf("%d pods with the old credentials end", left)
			return goingDown, nil
		}
	}
	now := time.Now()
	if err := l.startGrace(now, p.grace()); err != nil {
		return 0, err
	}
	if err := p.updateLedger(ctx, l); err != nil {
		return 0, err
	}
	p.event(corev1.EventTypeNormal, v1alpha1.EventRotationGrace, "Rotate",
		fmt.Sprintf("no pod of the vault uses the old credentials any more; they work until %s", l.EndsAt))
	if err := p.endOld(ctx, now); err != nil {
		return 0, err
	}
	if l.Phase == phaseEnded {
		return time.Second, nil // Redis is told at the next pass
	}
	return 0, nil
}

func (p *pass) grace() time.Duration {
	if spec := p.vault.Spec.Rotation; spec != nil && spec.GracePeriod != nil {
		return spec.GracePeriod.Duration
	}
	return defaultGrace
}

// podsOfOldCredentials counts the pods of worker and API that run, or still end, with another environment than the present one.
func (p *pass) podsOfOldCredentials(ctx context.Context) (int, error) {
	current := desired.RuntimeSecretHash(p.input)
	pods := &corev1.PodList{}
	if err := p.live.List(ctx, pods, client.InNamespace(p.vault.Namespace), vaultLabels(p.vault)); err != nil {
		return 0, fmt.Errorf("list pods: %w", err)
	}
	left := 0
	for _, pod := range pods.Items {
		over := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
		hash, holds := pod.Annotations[v1alpha1.AnnotationRuntimeSecret]
		if holds && !over && hash != current {
			left++
		}
	}
	return left, nil
}

// endOldCredentials ends what is due. It comes early in a pass, and needs the ledger and the backends alone: what is wrong with spec,
// class or pods keeps no old credential alive.
func (p *pass) endOldCredentials(ctx context.Context) (time.Duration, error) {
	now, l := time.Now(), p.ledger
	if l == nil || l.State != stateBound || p.adopting { // an adoption is stored whole, by bind
		return 0, nil
	}
	forced := l.Phase == phaseRolling && l.isLeak() && l.due(now)
	if forced {
		if err := l.startGrace(now, 0); err != nil {
			return 0, err
		}
	}
	if err := p.endOld(ctx, now); err != nil {
		return 0, err
	}
	if forced {
		p.event(corev1.EventTypeWarning, v1alpha1.EventRotationGrace, "Rotate",
			"the pods with new credentials do not come up; the old credentials are ended all the same, since they leaked")
		p.metrics.rotated(leaked, rotationForced)
	}
	return 0, nil
}

// endOld ends logins and keys whose time has come. A backend that is away is no reason to stop the pass: it is tried again. Redis is told
// after its list of users was changed, see changeRedisUsers.
func (p *pass) endOld(ctx context.Context, now time.Time) error {
	l := p.ledger
	var loginsErr error
	cause, ended := l.cause(), false
	if l.Phase == phaseGrace && l.due(now) {
		if loginsErr = p.endLogins(ctx); loginsErr == nil {
			l.Phase, l.Cause, l.EndsAt = phaseEnded, "", now.Add(redisPatience).UTC().Format(time.RFC3339)
			l.Other = credentials{}
			ended = true
		}
	}
	keysEnded, keysErr := p.endKeys(ctx, now)
	p.rotationErr = errors.Join(loginsErr, keysErr)
	if err := p.updateLedger(ctx, l); err != nil {
		return err
	}
	if ended {
		p.metrics.rotated(cause, rotationEnded)
		p.event(corev1.EventTypeNormal, v1alpha1.EventRotationEnded, "Rotate", "the old logins are gone, their sessions were terminated")
	}
	if keysEnded > 0 {
		p.event(corev1.EventTypeNormal, v1alpha1.EventRotationEnded, "Rotate",
			fmt.Sprintf("%d old keys of the object store are gone, and download links signed with them", keysEnded))
	}
	return nil
}

func (p *pass) endLogins(ctx context.Context) error {
	if p.ledger.externalPostgres() {
		return nil
	}
	wanted := p.ledger.databaseWanted()
	wanted.Logins = wanted.Logins[:2] // the current ones
	err := p.withPostgresOf(ctx, p.ledger, func(ctx context.Context, server *provision.Postgres, systemIdentifier string) error {
		if systemIdentifier != p.ledger.SystemIdentifier {
			return provision.ErrOtherServer
		}
		return server.EndLogins(ctx, wanted, p.ledger.Other.MigrateLogin, p.ledger.Other.AppLogin)
	})
	if err != nil {
		return fmt.Errorf("end the old logins: %w", p.explain(err, "database "+p.ledger.Database))
	}
	return nil
}

// endKeys ends the old keys that are due and returns how many.
func (p *pass) endKeys(ctx context.Context, now time.Time) (int, error) {
	due, rest, err := p.ledger.dueKeys(now)
	if err != nil || len(due) == 0 || p.ledger.externalObjectStore() {
		return 0, err
	}
	wanted := p.ledger.bucketWanted()
	wanted.Keys = wanted.Keys[:1] // the current one
	err = p.withStoreOf(ctx, p.ledger, func(ctx context.Context, store *provision.ObjectStore) error {
		for _, key := range due {
			if err := store.EndKey(ctx, wanted, key.AccessKey); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("end old keys: %w", p.explain(err, "bucket "+p.ledger.Bucket))
	}
	return len(due), p.ledger.setOldKeys(rest)
}

// countFailedRotation counts a pass in which something that a rotation has to do was tried in vain.
func (p *pass) countFailedRotation() {
	inVain := func(err error) bool { return err != nil && !errors.Is(err, errBusy) }
	making := p.ledger != nil && p.ledger.Phase == phaseMaking
	if inVain(p.rotationErr) || (making && inVain(p.backendErr)) {
		p.metrics.rotated(p.ledger.cause(), rotationFailed)
	}
}

// wakeForRotation has a vault looked at when something of its rotation is due, whatever else it waits for.
func (p *pass) wakeForRotation(result ctrl.Result) ctrl.Result {
	if p.ledger == nil || p.gone {
		return result
	}
	at := p.ledger.wakesAt()
	if at.IsZero() {
		return result
	}
	wait := time.Until(at)
	if wait <= 0 || p.rotationErr != nil {
		wait = patience
	}
	if result.RequeueAfter > wait {
		result.RequeueAfter = wait
	}
	return result
}
