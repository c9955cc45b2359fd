package runtimetest

import (
	"net/url"
	"strings"
	"testing"

	"github.com/docvault/docvault/runtime/provision"
	"github.com/docvault/docvault/runtime/store"
)

// Database is a vault's database with its logins' URLs.
type Database struct {
	Name         string
	App, Migrate string
	Admin        string // a superuser in the same database
}

// NewDatabase provisions a database of the test's own, without a schema.
func NewDatabase(t testing.TB) Database {
	t.Helper()
	return newDatabase(t, Env(t, "TEST_POSTGRES_URL"))
}

func newDatabase(t testing.TB, super string) Database {
	t.Helper()
	admin, _, err := provision.ParsePostgresURL(super)
	if err != nil {
		t.Fatal(err)
	}
	server, err := provision.OpenPostgres(t.Context(), admin)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	name := strings.ReplaceAll(randomName(), "-", "_")
	wanted := provision.Database{
		Identity: name, Name: name, OwnerRole: name + "_owner", AppRole: name + "_app",
		Logins: []provision.Login{
			{Name: name + "_migrate_a", Password: "migrate-" + name, Role: provision.Migrate},
			{Name: name + "_app_a", Password: "app-" + name, Role: provision.App},
		},
	}
	if _, err := server.EnsureDatabase(t.Context(), wanted); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := cleanupContext(t)
		defer cancel()
		if err := server.DropDatabase(ctx, wanted); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
	})
	return Database{
		Name: name, Admin: as(t, super, name, nil),
		Migrate: as(t, super, name, url.UserPassword(wanted.Logins[0].Name, wanted.Logins[0].Password)),
		App:     as(t, super, name, url.UserPassword(wanted.Logins[1].Name, wanted.Logins[1].Password)),
	}
}

// NewMigrated provisions a database with the schema in it.
func NewMigrated(t testing.TB) Database {
	t.Helper()
	return migrated(t, NewDatabase(t))
}

func migrated(t testing.TB, d Database) Database {
	t.Helper()
	if _, err := store.Migrate(t.Context(), d.Migrate, NewLog(t).Logger()); err != nil {
		t.Fatal(err)
	}
	return d
}

// OpenStore opens a migrated database as its app login.
func OpenStore(t testing.TB, url string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func as(t testing.TB, server, database string, login *url.Userinfo) string {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + database
	if login != nil {
		u.User = login
	}
	return u.String()
}
