package controllers_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/redis/go-redis/v9"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/docvault/docvault/api/v1alpha1"
)

var keyEnds = regexp.MustCompile(`"endsAt":"[^"]*"`)

// gracious gives a vault's old credentials a time after each rotation.
func gracious(period time.Duration) func(*v1alpha1.DocVault) {
	return func(vault *v1alpha1.DocVault) {
		vault.Spec.Rotation = &v1alpha1.RotationSpec{GracePeriod: &metav1.Duration{Duration: period}}
	}
}

// ask sets an annotation of a vault.
func (i *installation) ask(vault *v1alpha1.DocVault, annotation, value string) {
	i.t.Helper()
	i.get(vault, vault.Namespace, vault.Name)
	i.edit(vault, func() {
		if vault.Annotations == nil {
			vault.Annotations = map[string]string{}
		}
		vault.Annotations[annotation] = value
	})
}

// awaitRotation waits until a vault has had so many rotations, and its ledger is in one of the phases.
func (i *installation) awaitRotation(vault *v1alpha1.DocVault, generation int64, phases ...string) *corev1.Secret {
	i.t.Helper()
	var ledger *corev1.Secret
	i.awaitObject(vault, func() error {
		ledger = i.ledger(vault)
		phase := string(ledger.Data["rotationPhase"])
		if vault.Status.Rotation.Generation != generation || !slices.Contains(phases, phase) {
			return fmt.Errorf("rotation %d in phase %q, want %d in %q: %s",
				vault.Status.Rotation.Generation, phase, generation, phases, describe(vault.Status.Conditions))
		}
		return nil
	})
	return ledger
}

// editLedger changes what the operator remembers; an empty value is none.
func (i *installation) editLedger(vault *v1alpha1.DocVault, values map[string]string) {
	i.t.Helper()
	i.editSecret(i.ledger(vault), func(ledger *corev1.Secret) {
		for key, value := range values {
			delete(ledger.Data, key)
			if value != "" {
				ledger.Data[key] = []byte(value)
			}
		}
	})
}

func TestARotationGoesFromAToBAndBack(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme", gracious(0))
	first := i.ledger(vault)
	oldRedis := i.redisOf(vault)
	if err := oldRedis.Set(t.Context(), "kept", "yes", 0).Err(); err != nil {
		t.Fatal(err)
	}
	i.ask(vault, v1alpha1.AnnotationRotate, "1")
	second := i.awaitRotation(vault, 1, "ended")
	i.awaitReady(vault)
	mustWork(t, second)
	mustBeEnded(t, first)
	if key := keyAnswer(t, first); key != "" {
		t.Errorf("the old key, which links are signed with, is answered with %s", key)
	}
	for _, same := range []string{"token", "secretKey", "objectStoreUserSecret"} {
		if string(first.Data[same]) != string(second.Data[same]) {
			t.Errorf("%s was changed by a mere rotation", same)
		}
	}
	if got, err := i.redisOf(vault).Get(t.Context(), "kept").Result(); err != nil || got != "yes" {
		t.Errorf("Redis holds %q (%v): its data was lost", got, err)
	}
	eventually(t, patience, func(ctx context.Context) error { return refusedByRedis(ctx, oldRedis) })
	if vault.Status.Rotation.LastRotationTime == nil {
		t.Error("status.rotation has no time")
	}
	i.passTime(vault)
	if made := strings.Join(i.outside(vault), "\n"); !strings.Contains(made, "_app_b") || strings.Contains(made, "_app_a") ||
		!strings.Contains(made, "1 access keys") || keyAnswer(t, first) != "InvalidAccessKeyId" {
		t.Errorf("on the backends are\n%s", made)
	}
	i.mustBeSettled(vault)
	i.ask(vault, v1alpha1.AnnotationRotate, "2")
	third := i.awaitRotation(vault, 2, "ended")
	i.awaitReady(vault)
	mustWork(t, third)
	mustBeEnded(t, second)
	if login := string(third.Data["appLogin"]); login != string(first.Data["appLogin"]) {
		t.Errorf("after two rotations the login is %s", login)
	}
	for _, reason := range []string{"RotationStarted", "Rotated", "RotationGrace", "RotationEnded"} {
		i.awaitEvent(vault, reason, "")
	}
	i.mustCountRotations(map[string]float64{"request started": 2, "request served": 2, "request ended": 2})
}

// mustCountRotations compares the operator's metric with what is wanted, by cause and outcome; what is left out is 0, but failures: another
// try may have been needed on a busy machine.
func (i *installation) mustCountRotations(want map[string]float64) {
	i.t.Helper()
	for kind, is := range i.rotations() {
		if is != want[kind] && !strings.HasSuffix(kind, " failed") {
			i.t.Errorf("the operator counts %v rotations %s, want %v", is, kind, want[kind])
		}
	}
}

// rotations are what the operator counts, by cause and outcome.
func (i *installation) rotations() map[string]float64 {
	i.t.Helper()
	families, err := i.metrics.Gather()
	if err != nil {
		i.t.Fatal(err)
	}
	counts := map[string]float64{}
	for _, family := range families {
		if family.GetName() != "docvault_operator_rotations_total" {
			continue
		}
		for _, m := range family.GetMetric() {
			counts[m.GetLabel()[0].GetValue()+" "+m.GetLabel()[1].GetValue()] = m.GetCounter().GetValue()
		}
	}
	if len(counts) != 15 { // three causes, five outcomes, from the beginning
		i.t.Fatalf("of rotations the operator tells %v", counts)
	}
	return counts
}

// passTime lets everything that a rotation left come to its end.
func (i *installation) passTime(vault *v1alpha1.DocVault) {
	i.t.Helper()
	past := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
	eventually(i.t, patience, func(context.Context) error {
		data := i.ledger(vault).Data
		phase, keys := string(data["rotationPhase"]), string(data["oldSecretKeys"])
		if len(phase)+len(keys) == 0 {
			return nil
		}
		due := keyEnds.ReplaceAllString(keys, `"endsAt":"`+past+`"`)
		if (phase != "" && string(data["rotationEndsAt"]) != past) || due != keys { // each phase has an end of its own
			i.editLedger(vault, map[string]string{"rotationEndsAt": past, "oldSecretKeys": due})
		}
		return fmt.Errorf("the ledger is in phase %q and has old keys: %t", phase, keys != "")
	})
}

// mustBeSettled makes sure that a vault is written to no more.
func (i *installation) mustBeSettled(vault *v1alpha1.DocVault) {
	i.t.Helper()
	i.awaitReady(vault)
	i.poke(vault)
	effects := i.effects.count()
	for range 3 {
		i.poke(vault)
	}
	if made := i.effects.since(effects); len(made) > 0 {
		i.t.Errorf("three passes over a settled vault made:\n%s", strings.Join(made, "\n"))
	}
}

// poke has the operator look at a vault once more, and leaves the annotations that it acts on.
func (i *installation) poke(vault *v1alpha1.DocVault) {
	i.t.Helper()
	before, _ := i.effects.seen()
	i.ask(vault, "test.docvault.io/poke", unique("poke"))
	eventually(i.t, patience, func(context.Context) error {
		if now, _ := i.effects.seen(); now == before {
			return fmt.Errorf("the operator has not looked at the vault")
		}
		return nil
	})
}

func TestALeakEndsEverythingOldAtOnce(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme") // with the usual grace of an hour
	first := i.ledger(vault)
	oldRedis := i.redisOf(vault)
	session, err := openSession(t, first, "app")
	if err != nil {
		t.Fatal(err)
	}
	i.ask(vault, v1alpha1.AnnotationRotateNow, "leak-1")
	second := i.awaitRotation(vault, 1, "ended")
	i.awaitReady(vault)
	mustWork(t, second)
	mustBeEnded(t, first)
	if session.Ping(t.Context()) == nil {
		t.Error("a session of the old login lives on")
	}
	if key := keyAnswer(t, first); key != "InvalidAccessKeyId" {
		t.Errorf("the leaked key is answered with %q", key)
	}
	eventually(t, patience, func(ctx context.Context) error { return refusedByRedis(ctx, oldRedis) })
	for _, changed := range []string{"token", "secretKey"} {
		if string(first.Data[changed]) == string(second.Data[changed]) {
			t.Errorf("%s is still the leaked one", changed)
		}
	}
	runtime, access := &corev1.Secret{}, &corev1.Secret{}
	i.get(runtime, vault.Namespace, "acme-runtime")
	i.get(access, vault.Namespace, "acme-access")
	if string(runtime.Data["SECRET_KEYS_PREVIOUS"]) != string(first.Data["secretKey"]) {
		t.Error("what was sealed before cannot be opened any more")
	}
	if string(access.Data["token"]) != string(second.Data["token"]) {
		t.Error("the access Secret holds another token")
	}
	i.mustCountRotations(map[string]float64{"leak started": 1, "leak served": 1, "leak ended": 1})
	i.ask(vault, v1alpha1.AnnotationRotate, "then-a-mere-rotation")
	i.awaitRotation(vault, 2, "grace", "ended")
}

// While the old credentials still work, a second request ends them first.
func TestASecondRequestEndsTheGraceOfTheFirst(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme", gracious(time.Hour))
	first := i.ledger(vault)
	i.ask(vault, v1alpha1.AnnotationRotate, "1")
	second := i.awaitRotation(vault, 1, "grace")
	i.awaitReady(vault)
	mustWork(t, first)
	mustWork(t, second)
	i.mustBeSettled(vault)
	i.ask(vault, v1alpha1.AnnotationRotate, "2")
	third := i.awaitRotation(vault, 2, "grace")
	mustBeEnded(t, first)
	mustWork(t, second)
	mustWork(t, third)
	for _, ledger := range []*corev1.Secret{first, second} {
		if answer := keyAnswer(t, ledger); answer != "" {
			t.Errorf("a key that links are signed with is answered with %s", answer)
		}
	}
}

// The user of Redis that comes next has the name of the one before the last: its sessions end, too.
func TestALeakDuringTheGraceEndsSessionsOfRedis(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme") // with the usual grace of an hour
	session := i.redisOf(vault).Conn()
	if err := session.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	i.ask(vault, v1alpha1.AnnotationRotate, "1")
	i.awaitRotation(vault, 1, "grace")
	if err := session.Ping(t.Context()).Err(); err != nil {
		t.Fatalf("during the grace: %v", err)
	}
	i.ask(vault, v1alpha1.AnnotationRotateNow, "leak-1")
	i.awaitRotation(vault, 2, "ended")
	i.awaitReady(vault)
	if session.Ping(t.Context()).Err() == nil {
		t.Error("a session of the first user of Redis lives on")
	}
	if err := i.redisOf(vault).Ping(t.Context()).Err(); err != nil {
		t.Errorf("the new user of Redis: %v", err)
	}
}

func TestASuspendedVaultIsNotRotatedUntilItWakes(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme", gracious(0))
	i.edit(vault, func() { vault.Spec.Suspend = true })
	i.await(vault, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonSuspended)
	i.ask(vault, v1alpha1.AnnotationRotate, "1")
	i.poke(vault)
	i.poke(vault)
	if phase := i.ledger(vault).Data["rotationPhase"]; len(phase) > 0 {
		t.Errorf("a suspended vault is in phase %s of a rotation", phase)
	}
	i.edit(vault, func() { vault.Spec.Suspend = false })
	i.awaitRotation(vault, 1, "ended")
}

func TestAPeriodRotates(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme", func(v *v1alpha1.DocVault) {
		v.Spec.Rotation = &v1alpha1.RotationSpec{Period: &metav1.Duration{Duration: 2 * time.Hour}}
	})
	i.poke(vault)
	if generation := vault.Status.Rotation.Generation; generation != 0 {
		t.Fatalf("rotation %d before the period is over", generation)
	}
	i.editLedger(vault, map[string]string{"rotatedAt": time.Now().Add(-2 * time.Hour).UTC().Format(time.RFC3339)})
	i.awaitRotation(vault, 1, "grace")
	i.mustCountRotations(map[string]float64{"period started": 1, "period served": 1})
}

// A vault from before there was a user who may change users gets there by a restart of its Redis, which keeps its data.
func TestARedisThatDoesNotKnowTheOperatorIsRestarted(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme", gracious(0))
	i.redis.startOld(vault)
	if err := i.redisOf(vault).Set(t.Context(), "kept", "yes", 0).Err(); err != nil {
		t.Fatal(err)
	}
	i.ask(vault, v1alpha1.AnnotationRotate, "1")
	i.awaitRotation(vault, 1, "ended")
	i.awaitReady(vault)
	if got, err := i.redisOf(vault).Get(t.Context(), "kept").Result(); err != nil || got != "yes" {
		t.Errorf("Redis holds %q (%v)", got, err)
	}
}

func TestARotationWaitsForRedisAndTheOldCredentialsServe(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme", gracious(0))
	first := i.ledger(vault)
	i.redis.setAway(true)
	i.ask(vault, v1alpha1.AnnotationRotate, "1")
	i.await(vault, v1alpha1.ConditionReconciling, metav1.ConditionTrue, v1alpha1.ReasonRedisUnreachable)
	i.await(vault, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonServing)
	if err := sameCredentials(first, i.ledger(vault)); err != nil {
		t.Error(err)
	}
	if failed := i.rotations()["request failed"]; failed < 1 {
		t.Error("the operator counts no failed rotation")
	}
	i.redis.setAway(false)
	mustWork(t, i.awaitRotation(vault, 1, "ended"))
}

// mustBeEnded makes sure that the logins of an old ledger get in no more.
func mustBeEnded(t testing.TB, ledger *corev1.Secret) {
	t.Helper()
	for _, login := range []string{"app", "migrate"} {
		if logIn(t, ledger, login) == nil {
			t.Errorf("the %s login of an old ledger still works", login)
		}
	}
}

// keyAnswer returns the error code that the key of a ledger gets, empty when it works.
func keyAnswer(t testing.TB, ledger *corev1.Secret) string {
	t.Helper()
	store := storeClient(t, string(ledger.Data["accessKey"]), string(ledger.Data["secretAccessKey"]))
	_, err := store.ListBuckets(t.Context())
	return minio.ToErrorResponse(err).Code
}

func refusedByRedis(ctx context.Context, c *redis.Client) error {
	err := c.Get(ctx, "kept").Err()
	if err == nil {
		return errors.New("the old user of Redis is let in")
	}
	if !strings.Contains(err.Error(), "WRONGPASS") {
		return fmt.Errorf("the old user of Redis is answered with %w", err)
	}
	return nil
}
