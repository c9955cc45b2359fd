package controllers_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/docvault/docvault/api/v1alpha1"
)

// The operator dies after each effect of a rotation in turn, of a leak's too. What the pods would start with works at that moment, and
// another operator brings the rotation to its end. A vault is rotated again and again: making vaults is cut off elsewhere.
func TestRotationCutOffAfterEachEffect(t *testing.T) {
	t.Parallel()
	for _, annotation := range []string{v1alpha1.AnnotationRotate, v1alpha1.AnnotationRotateNow} {
		made := effectsOfARotation(t, annotation)
		t.Logf("%s takes %d effects:\n%s", annotation, len(made), strings.Join(made, "\n"))
		if len(made) < 12 {
			t.Fatal("these are too few to be all: the proxies do not see everything")
		}
		const vaults = 3
		for first := 1; first <= vaults; first++ {
			t.Run(fmt.Sprintf("%s, from effect %d", annotation, first), func(t *testing.T) {
				t.Parallel()
				i := install(t)
				i.start()
				vault, generation := i.readyVault("acme", gracious(0)), int64(0)
				for n := first; n <= len(made); n += vaults {
					generation++
					i.cutRotation(vault, annotation, generation, n)
				}
			})
		}
	}
}

func effectsOfARotation(t *testing.T, annotation string) []string {
	t.Helper()
	i := install(t)
	i.start()
	vault := i.readyVault("acme", gracious(0))
	i.poke(vault)
	i.effects.restart(0)
	i.ask(vault, annotation, "1")
	i.awaitRotation(vault, 1, "ended")
	i.awaitReady(vault)
	return i.effects.since(0)
}

// cutRotation rotates a vault for the given time; its operator dies after its nth effect, and another one goes on.
func (i *installation) cutRotation(vault *v1alpha1.DocVault, annotation string, generation int64, n int) {
	i.t.Helper()
	i.poke(vault)
	before := i.ledger(vault)
	i.effects.restart(n)
	i.ask(vault, annotation, fmt.Sprint(generation))
	i.awaitCut(func(context.Context) error {
		i.get(vault, vault.Namespace, vault.Name)
		if vault.Status.Rotation.Generation != generation ||
			meta.IsStatusConditionTrue(vault.Status.Conditions, v1alpha1.ConditionReconciling) {
			return errors.New("neither cut off nor done")
		}
		return nil
	})
	i.stop()
	if err := i.podsWouldWork(vault); err != nil {
		i.t.Errorf("after effect %d: %v", n, err)
	}
	i.effects.restart(0)
	i.start()
	after := i.awaitRotation(vault, generation, "ended", "")
	i.awaitReady(vault)
	mustWork(i.t, after)
	mustBeEnded(i.t, before)
	if err := i.podsWouldWork(vault); err != nil {
		i.t.Errorf("after effect %d and the rotation's end: %v", n, err)
	}
	if made := strings.Join(i.outside(vault), "\n"); strings.Count(made, "_app_") != 1 || strings.Count(made, "_migrate_") != 1 {
		i.t.Errorf("on the backends are\n%s", made)
	}
}

// podsWouldWork tries what pods that start now are given.
func (i *installation) podsWouldWork(vault *v1alpha1.DocVault) error {
	i.t.Helper()
	runtime, migrate := &corev1.Secret{}, &corev1.Secret{}
	i.get(runtime, vault.Namespace, vault.Name+"-runtime")
	i.get(migrate, vault.Namespace, vault.Name+"-migrate")
	for _, text := range []string{string(runtime.Data["DATABASE_URL"]), string(migrate.Data["DATABASE_MIGRATE_URL"])} {
		u := parseURL(i.t, text)
		u.Host = parseURL(i.t, need(i.t, "TEST_POSTGRES_URL")).Host // past the effects, which are cut off
		u.RawQuery = url.Values{"sslmode": {"disable"}}.Encode()
		conn, err := pgx.Connect(i.t.Context(), u.String())
		if err != nil {
			return fmt.Errorf("the login in the Secrets does not work: %w", err)
		}
		_ = conn.Close(i.t.Context())
	}
	key := storeClient(i.t, string(runtime.Data["MINIO_ACCESS_KEY"]), string(runtime.Data["MINIO_SECRET_KEY"]))
	if _, err := key.ListBuckets(i.t.Context()); err != nil {
		return fmt.Errorf("the key in the Secret does not work: %w", err)
	}
	if err := i.redisOf(vault).Set(i.t.Context(), "x", "y", 0).Err(); err != nil {
		return fmt.Errorf("the user of Redis in the Secret does not work: %w", err)
	}
	return nil
}
