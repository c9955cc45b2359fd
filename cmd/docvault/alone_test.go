package main

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/docvault/docvault/runtime/config"
	"github.com/docvault/docvault/runtime/runtimetest"
)

// TestASecondVaultInARedisIsTurnedAway has two vaults be given one Redis. The first goes on; the second ends with exit code 2 and one line
// that says what to do, and takes no task.
func TestASecondVaultInARedisIsTurnedAway(t *testing.T) {
	t.Parallel()
	first := newInstallation(t).with(config.VaultIdentity, "first")
	api := first.start(t, "api", "api", "metrics")
	worker := first.start(t, "worker", "metrics")
	becomesReady(t, worker, "the worker to mark the Redis", http.StatusOK)

	second := newInstallation(t).with(config.VaultIdentity, "second").with(config.RedisURL, first.environment[config.RedisURL])
	for _, command := range []string{"worker", "api"} {
		exit, out := second.run(t, command)
		lines := strings.Split(strings.TrimSpace(out), "\n")
		last := lines[len(lines)-1]
		said := strings.HasPrefix(last, config.RedisURL+": "+config.RedisTaken) && strings.Contains(last, config.RedisMarkKey)
		if exit != exitUsage || !said {
			t.Errorf("%s: exit code %d:\n%s", command, exit, out)
		}
		if strings.Contains(out, "worker started") {
			t.Errorf("the worker took tasks of another vault:\n%s", out)
		}
	}
	becomesReady(t, worker, "the first vault's worker to go on", http.StatusOK)
	if status, _ := ask(t, "http://"+api.addresses["api"]+"/health"); status != http.StatusOK {
		t.Errorf("the first vault's API answers %d", status)
	}

	// Emptied, it is marked again before long; and once the mark is taken away with its vault, another may have it.
	ctx := t.Context()
	first.redis.Client.FlushAll(ctx)
	runtimetest.Wait(t, 30*time.Second, "the mark to come back", func() bool {
		return first.redis.Client.Get(ctx, config.RedisMarkKey).Val() == "first"
	})
	if api.stop(t)+worker.stop(t) != 0 {
		t.Error("the first vault did not end well")
	}
	first.redis.Client.Del(ctx, config.RedisMarkKey)
	becomesReady(t, second.start(t, "worker", "metrics"), "the second vault's worker to start", http.StatusOK)
}

// TestAWorkerOfABroughtRedisIsReadyWhileItAnswers is how its owner learns that it does not.
func TestAWorkerOfABroughtRedisIsReadyWhileItAnswers(t *testing.T) {
	t.Parallel()
	i := newInstallation(t).with(config.VaultIdentity, "mine")
	i.redis.Kill(t)
	worker := i.start(t, "worker", "metrics")
	becomesReady(t, worker, "the worker to miss Redis", http.StatusServiceUnavailable)
	i.redis.Start(t)
	becomesReady(t, worker, "the worker to find Redis", http.StatusOK)
	i.redis.Kill(t)
	becomesReady(t, worker, "the worker to miss Redis again", http.StatusServiceUnavailable)
	i.redis.Start(t)
	becomesReady(t, worker, "the worker to find Redis again", http.StatusOK)
}

func becomesReady(t *testing.T, p *process, why string, want int) {
	t.Helper()
	runtimetest.Wait(t, 30*time.Second, why, func() bool {
		status, _ := ask(t, "http://"+p.addresses["metrics"]+"/readyz")
		return status == want
	})
}

// TestADatabaseThatSomebodyBrought has no default privileges, and a table of somebody else's. It is one vault's alone.
func TestADatabaseThatSomebodyBrought(t *testing.T) {
	t.Parallel()
	database, login := broughtDatabase(t)
	migrating := func(identity string) installation {
		return installation{database: database, environment: map[string]string{
			config.DatabaseMigrateURL: database.Migrate, config.DatabaseAppLogin: login, config.VaultIdentity: identity,
		}}
	}
	for range 2 {
		if exit, out := migrating("first").run(t, "migrate"); exit != 0 {
			t.Fatalf("exit code %d:\n%s", exit, out)
		}
	}
	exit, out := migrating("second").run(t, "migrate")
	if exit != exitUsage || strings.Count(out, "\n") != 1 || !strings.Contains(out, "vault_mark") {
		t.Errorf("exit code %d:\n%s", exit, out)
	}
	i := newInstallation(t).with(config.DatabaseURL, database.App)
	i.database = database
	api := i.start(t, "api", "api", "metrics")
	becomesReady(t, api, "the API to find the schema", http.StatusOK)
	if status, said := ask(t, "http://"+api.addresses["api"]+"/api/documents"); status != http.StatusOK {
		t.Errorf("the app login: %d %s", status, said)
	}
	rows(t, i, "WITH gone AS (DELETE FROM vault_mark RETURNING 1) SELECT count(*) FROM gone")
	if exit, out := migrating("second").run(t, "migrate"); exit != 0 {
		t.Errorf("without the mark: exit code %d:\n%s", exit, out)
	}
}

// broughtDatabase makes a database as an owner would, by hand: one login that owns it, one that has no rights yet, and a table that is
// neither's.
func broughtDatabase(t *testing.T) (d runtimetest.Database, appLogin string) {
	t.Helper()
	server := runtimetest.Env(t, "TEST_POSTGRES_URL")
	d.Name = "brought_" + strings.ToLower(rand.Text()[:10])
	owner, app := d.Name+`_"owner"`, d.Name+"_app"
	quoted := func(name string) string { return pgx.Identifier{name}.Sanitize() }
	execute(t, server, "CREATE ROLE "+quoted(owner)+" LOGIN PASSWORD 'brought-password'",
		"CREATE ROLE "+quoted(app)+" LOGIN PASSWORD 'brought-password'",
		"CREATE DATABASE "+quoted(d.Name)+" OWNER "+quoted(owner))
	t.Cleanup(func() {
		execute(t, server, "DROP DATABASE "+quoted(d.Name)+" WITH (FORCE)", "DROP ROLE "+quoted(owner), "DROP ROLE "+quoted(app))
	})
	login := func(user *url.Userinfo) string {
		u, err := url.Parse(server)
		if err != nil {
			t.Fatal(err)
		}
		if u.Path = "/" + d.Name; user != nil {
			u.User = user
		}
		return u.String()
	}
	d.Admin = login(nil)
	d.Migrate, d.App = login(url.UserPassword(owner, "brought-password")), login(url.UserPassword(app, "brought-password"))
	execute(t, d.Admin, "CREATE TABLE theirs (x int)")
	return d, app
}

func execute(t *testing.T, server string, statements ...string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}
