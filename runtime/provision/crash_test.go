package provision_test

import (
	"context"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/docvault/docvault/runtime/provision"
)

// unlimited is more messages than any call sends.
const unlimited = 1 << 30

func through(f *fuse, admin provision.PostgresServer) provision.PostgresServer {
	admin.Host, admin.Port = "127.0.0.1", f.port()
	return admin
}

func address(s provision.PostgresServer) string {
	return net.JoinHostPort(s.Host, strconv.Itoa(s.Port))
}

// attempt runs a call on a fresh client through the fuse, and reports whether it came to its end.
func attempt(f *fuse, admin provision.PostgresServer, call func(p *provision.Postgres) error) (finished bool) {
	p, err := provision.OpenPostgres(context.Background(), through(f, admin))
	if err != nil {
		return false
	}
	defer p.Close()
	return call(p) == nil && !f.hasBlown()
}

func TestASettledVaultIsNotWrittenTo(t *testing.T) {
	t.Parallel()
	eachPostgres(t, func(t *testing.T, admin provision.PostgresServer) {
		d := newVault(t, admin)
		ensure(t, open(t, admin), d)
		exec(t, migrateLogin(t, admin, d), schema)
		f := newFuse(t, address(admin), sqlEffect, unlimited)
		if !attempt(f, admin, func(p *provision.Postgres) error { return ensured(p.EnsureDatabase(t.Context(), d)) }) {
			t.Fatal("a second run failed")
		}
		if writes := sqlEffect.FindAllString(f.sent(), -1); writes != nil {
			t.Errorf("a second run sent %q", writes)
		}
		if !strings.Contains(f.sent(), "FROM pg_roles") {
			t.Error("the proxy saw no query: this test proves nothing")
		}
	})
}

func TestEnsureDatabaseAfterACrashAnywhere(t *testing.T) {
	t.Parallel()
	eachPostgres(t, func(t *testing.T, admin provision.PostgresServer) {
		for n := 0; ; n++ {
			d := newVault(t, admin)
			f := newFuse(t, address(admin), sqlEffect, n)
			done := attempt(f, admin, func(p *provision.Postgres) error { return ensured(p.EnsureDatabase(t.Context(), d)) })
			p := open(t, admin)
			ensure(t, p, d)
			checkRights(t, admin, d)
			p.Close()
			if done {
				expectCrashes(t, n, 4) // roles, CREATE DATABASE, its mark and name, rights inside
				return
			}
		}
	})
}

// expectCrashes fails a test that saw fewer crash points than there are effects: it would prove nothing.
func expectCrashes(t *testing.T, saw, atLeast int) {
	t.Helper()
	if saw < atLeast {
		t.Errorf("%d crash points, want %d or more", saw, atLeast)
	}
}

func TestDropDatabaseAfterACrashAnywhere(t *testing.T) {
	t.Parallel()
	eachPostgres(t, func(t *testing.T, admin provision.PostgresServer) {
		byHand := connect(t, admin, admin.User, admin.Password, "postgres")
		for n := 0; ; n++ {
			d := newVault(t, admin)
			p := open(t, admin)
			ensure(t, p, d)
			f := newFuse(t, address(admin), sqlEffect, n)
			done := attempt(f, admin, func(p *provision.Postgres) error { return p.DropDatabase(t.Context(), d) })
			if err := p.DropDatabase(t.Context(), d); err != nil {
				t.Fatalf("drop after a crash at message %d: %v", n, err)
			}
			if left := countOf(t, byHand, d); left != 0 {
				t.Fatalf("after a crash at message %d: %d roles and databases are left", n, left)
			}
			p.Close()
			if done {
				expectCrashes(t, n, 4) // logins closed, sessions ended, DROP DATABASE, DROP ROLE
				return
			}
		}
	})
}
