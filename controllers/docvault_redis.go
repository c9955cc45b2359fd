package controllers

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/docvault/docvault/api/v1alpha1"
	"github.com/docvault/docvault/controllers/desired"
	"github.com/docvault/docvault/runtime/provision"
)

// redisPatience is how long the operator tries to change the users of a Redis that runs, before it has it start again and read them; and
// how long after a change a Redis that starts again may still read an old list: kubelets bring Secrets into volumes within two minutes.
const redisPatience = 2 * time.Minute

// redisUsers are who may use the vault's Redis, the one that serves first.
func (l *ledger) redisUsers() []desired.RedisUser {
	users := []desired.RedisUser{{Name: l.RedisUser, Password: l.RedisPassword}}
	if l.Other.RedisUser != "" {
		users = append(users, desired.RedisUser{Name: l.Other.RedisUser, Password: l.Other.RedisPassword})
	}
	return users
}

// changeRedisUsers has the Redis that runs let in whom its Secret lists, at each pass while a rotation goes on; then, of new
// credentials, lets them serve. A Redis that the operator cannot reach, or that does not know the operator yet, is restarted: its
// data is on a volume, and it reads the Secret when it starts.
func (p *pass) changeRedisUsers(ctx context.Context) (time.Duration, error) {
	l := p.ledger
	if l.Phase == "" {
		return 0, nil
	}
	if l.Phase == phaseMaking {
		p.doing = "new credentials are made"
	}
	if !p.ledger.externalRedis() && !p.redisHasReadUsers() {
		if err := p.tellRedis(ctx); err != nil {
			return p.withoutRedis(ctx, err)
		}
	}
	switch {
	case l.Phase == phaseMaking && p.backendErr == nil && p.rotationErr == nil:
		return 0, p.serveNewCredentials(ctx)
	case l.Phase == phaseEnded && l.due(time.Now()):
		l.Phase, l.EndsAt = "", ""
		return 0, p.updateLedger(ctx, l)
	}
	return 0, nil
}

// withoutRedis goes on when Redis could not be told. Only making and ending wait for it; a Redis that runs through the phases between has
// been told already.
func (p *pass) withoutRedis(ctx context.Context, cause error) (time.Duration, error) {
	making := p.ledger.Phase == phaseMaking
	mustRead := p.ledger.due(time.Now()) || errors.Is(cause, provision.ErrRedisRefused)
	switch {
	case mustRead && (making || p.ledger.Phase == phaseEnded):
		return p.restartRedis(ctx)
	case making:
		p.rotationErr = errors.Join(p.rotationErr, &unreachableError{
			reason: v1alpha1.ReasonRedisUnreachable, server: "Redis at " + desired.RedisAddress(p.input), err: cause,
		})
	}
	return 0, nil
}

// tellRedis changes the users of the Redis that runs.
func (p *pass) tellRedis(ctx context.Context) error {
	var users []provision.RedisUser
	for _, rule := range desired.RedisRules(p.input) {
		users = append(users, provision.RedisUser{Name: rule.User, Rules: rule.Rules})
	}
	return provision.EnsureRedisUsers(ctx, provision.RedisServer{
		Address: desired.RedisAddress(p.input), User: desired.RedisAdminUser, Password: p.ledger.RedisAdmin, Dial: p.dialRedis,
	}, users)
}

// redisHasReadUsers reports that Redis was restarted for just this list of users, and is up again.
func (p *pass) redisHasReadUsers() bool {
	set := p.observed.statefulSet(p.childName(v1alpha1.ComponentRedis))
	return p.ledger.RedisRestarted != "" && p.ledger.RedisRestarted == p.redisUsersMark() && set != nil &&
		set.Spec.Template.Annotations[v1alpha1.AnnotationRestarted] == p.ledger.RedisRestarted && rolled(set)
}

// redisUsersMark changes with the list of users.
func (p *pass) redisUsersMark() string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(fmt.Sprint(desired.RedisRules(p.input)))))[:16]
}

// restartRedis comes after its Secret was applied.
func (p *pass) restartRedis(ctx context.Context) (time.Duration, error) {
	p.doing = "Redis is restarted to read its users"
	if p.class == nil {
		return 0, nil // it follows from the class: see rotateAllTheSame
	}
	if p.ledger.RedisRestarted != p.redisUsersMark() {
		p.ledger.RedisRestarted = p.redisUsersMark()
		if err := p.updateLedger(ctx, p.ledger); err != nil {
			return 0, err
		}
		if _, err := p.gather(ctx); err != nil {
			return 0, err
		}
		if err := p.apply(ctx, desired.RedisStatefulSet(p.input)); err != nil {
			return 0, err
		}
	}
	return 0, nil
}

// rolled reports that a StatefulSet's pod is of the current template and ready.
func rolled(set *appsv1.StatefulSet) bool {
	s := set.Status
	return s.ObservedGeneration >= set.Generation && s.UpdatedReplicas == s.Replicas && s.ReadyReplicas == s.Replicas && s.Replicas > 0
}
