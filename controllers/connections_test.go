package controllers_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/docvault/docvault/api/v1alpha1"
	"github.com/docvault/docvault/runtime/config"
)

// leastConnections is what a vault of one API pod and one worker holds with the smallest pools.
const leastConnections = 2*3 + 2*2 + 3

func (i *installation) setBudget(connections int32) {
	i.t.Helper()
	i.edit(i.class, func() { i.class.Spec.Postgres.ConnectionBudget = connections })
}

func TestFurtherVaultsWaitForConnections(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.setBudget(2*leastConnections + 1)
	i.start()
	first := i.readyVault("acme")
	i.readyVault("acme")
	third := i.newVault("acme")
	i.create(third)
	i.await(third, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonConnectionsExhausted)
	if made := i.outside(third); len(made) > 0 || len(i.ledgers(third)) > 0 {
		t.Errorf("a vault that waits has %q", made)
	}
	// One that has its part cannot take that of others, and serves on.
	i.edit(first, func() { first.Spec.Worker.Replicas = new(int32(5)) })
	i.await(first, v1alpha1.ConditionReconciling, metav1.ConditionTrue, v1alpha1.ReasonConnectionsExhausted)
	i.await(first, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonServing)
	i.edit(first, func() { first.Spec.Worker.Replicas = nil })
	i.awaitReady(first)

	i.remove(first)
	i.awaitReady(third)
	// Another operator adds up the same.
	i.stop()
	i.start()
	fourth := i.newVault("acme")
	i.create(fourth)
	i.await(fourth, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonConnectionsExhausted)
	i.setBudget(3 * leastConnections)
	i.awaitReady(fourth)
}

func TestPoolsShrinkWithTheirNumberAndGrowAgain(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.setBudget(59)
	i.start()
	first := i.readyVault("acme")
	i.awaitPool(first, 10, 2*11+2*10+3)
	second := i.readyVault("acme")
	i.awaitPool(second, 5, 2*6+2*5+3)
	i.awaitPool(first, 5, 2*6+2*5+3)
	// Settled, it costs no write.
	i.anotherPass(first)
	before := i.effects.count()
	i.anotherPass(first)
	if made := i.effects.since(before); len(made) > 0 {
		t.Errorf("a pass over a settled vault made %q", made)
	}
	i.remove(second)
	i.anotherPass(first)
	i.awaitReady(first)
	i.awaitPool(first, 5, 2*6+2*5+3) // of 59 connections 45 leave no quarter free
	i.setBudget(0)
	i.awaitPool(first, 10, 2*11+2*10+3) // by what the server takes, as a new one's
	i.setBudget(59)
	i.awaitPool(first, 10, 2*11+2*10+3)
	i.awaitPool(first, 10, 2*11+2*10+3)
}

// awaitPool waits until a vault's pods have a pool size and its logins a limit. It pokes the vault: else that comes with its resync.
func (i *installation) awaitPool(vault *v1alpha1.DocVault, size, limit int) {
	i.t.Helper()
	admin := postgresAdmin(i.t)
	eventually(i.t, patience, func(context.Context) error {
		i.anotherPass(vault)
		runtime := &corev1.Secret{}
		i.get(runtime, vault.Namespace, "acme-runtime")
		got := parseURL(i.t, string(runtime.Data[config.DatabaseURL])).Query().Get("pool_max_conns")
		if want := strconv.Itoa(size); got != want && (got != "" || size != 10) {
			return fmt.Errorf("the pool is %q, want %s", got, want)
		}
		var is int
		login := string(i.ledger(vault).Data["appLogin"])
		err := admin.QueryRow(i.t.Context(), "SELECT rolconnlimit FROM pg_roles WHERE rolname = $1", login).Scan(&is)
		if errors.Is(err, pgx.ErrNoRows) || err == nil && is != limit {
			return fmt.Errorf("the limit of %s is %d, want %d", login, is, limit)
		}
		return err
	})
	i.awaitReady(vault)
}
