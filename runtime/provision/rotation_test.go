package provision_test

import (
	"context"
	"slices"
	"testing"

	"github.com/minio/minio-go/v7"

	"github.com/docvault/docvault/runtime/provision"
)

func TestEndedLoginsAreGoneAndTheirTablesAreNot(t *testing.T) {
	t.Parallel()
	eachPostgres(t, func(t *testing.T, admin provision.PostgresServer) {
		d := newVault(t, admin)
		p := open(t, admin)
		old := d
		d.Logins = []provision.Login{
			{Name: "dv-" + d.Identity + "_migrate_b", Password: "mb", Role: provision.Migrate},
			{Name: "dv-" + d.Identity + "_app_b", Password: "ab", Role: provision.App},
		}
		both := d
		both.Logins = slices.Concat(old.Logins, d.Logins)
		ensure(t, p, both)
		migrate, app := migrateLogin(t, admin, old), appLogin(t, admin, old)
		exec(t, migrate, schema)
		exec(t, migrate, "SET ROLE NONE; CREATE TABLE own (id int)") // as the login itself, not as the owner
		stray := connect(t, admin, old.Logins[1].Name, old.Logins[1].Password, "postgres")
		exec(t, stray, "SELECT lo_create(0)")
		serving := appLogin(t, admin, d)
		for range 2 { // what is gone already is no error
			if err := p.EndLogins(t.Context(), d, old.Logins[0].Name, old.Logins[1].Name, d.Logins[0].Name, admin.User); err != nil {
				t.Fatal(err)
			}
		}
		if migrate.Ping(context.Background()) == nil || app.Ping(context.Background()) == nil || stray.Ping(context.Background()) == nil {
			t.Error("a session of an ended login lives on")
		}
		for _, l := range old.Logins {
			if conn, err := dial(admin, l.Name, l.Password, d.Name); err == nil {
				_ = conn.Close(t.Context())
				t.Errorf("%s still gets in", l.Name)
			}
		}
		exec(t, serving, "INSERT INTO notes (text) VALUES ('x')")
		if owner := query[string](t, serving, "SELECT tableowner::text FROM pg_tables WHERE tablename = 'own'"); owner != d.OwnerRole {
			t.Errorf("the login's table belongs to %q, want the owner role", owner)
		}
		migrateLogin(t, admin, d)
		d.Made = true
		repaired, err := p.EnsureDatabase(t.Context(), d)
		if err != nil || len(repaired) != 1 || repaired[0] != "rights on table public.own differed" {
			t.Errorf("after it %q is repaired, %v", repaired, err)
		}
	})
}

func TestEndLoginsAfterACrashAnywhere(t *testing.T) {
	t.Parallel()
	eachPostgres(t, func(t *testing.T, admin provision.PostgresServer) {
		for n := 0; ; n++ {
			d := newVault(t, admin)
			p := open(t, admin)
			ensure(t, p, d)
			ended := d.Logins[1]
			d.Logins = d.Logins[:1]
			f := newFuse(t, address(admin), sqlEffect, n)
			done := attempt(f, admin, func(p *provision.Postgres) error { return p.EndLogins(t.Context(), d, ended.Name) })
			if err := p.EndLogins(t.Context(), d, ended.Name); err != nil {
				t.Fatalf("after a crash at message %d: %v", n, err)
			}
			if _, err := dial(admin, ended.Name, ended.Password, d.Name); err == nil {
				t.Errorf("after a crash at message %d the login gets in", n)
			}
			p.Close()
			if done {
				expectCrashes(t, n, 2) // closed, dropped
				return
			}
		}
	})
}

func TestAnEndedKeyIsRefusedAndTheOtherWorks(t *testing.T) {
	t.Parallel()
	s := minioServer(t)
	o := openStore(t, s)
	for what, harm := range map[string]func(b *provision.Bucket){
		"all as it should be":   func(*provision.Bucket) {},
		"another user's secret": func(b *provision.Bucket) { b.UserSecret = "another one" },
	} {
		t.Run(what, func(t *testing.T) {
			b, theirs := newBucket(t, s), newBucket(t, s)
			ensureBucket(t, s, b)
			ensureBucket(t, s, theirs)
			ended := b.Keys[1]
			b.Keys = b.Keys[:1]
			harm(&b)
			for range 2 {
				if err := o.EndKey(t.Context(), b, ended.AccessKey); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := s3(t, s, ended).ListBuckets(t.Context()); minio.ToErrorResponse(err).Code != minio.InvalidAccessKeyID {
				t.Errorf("the ended key is answered with %v", err)
			}
			checkKey(t, s, b, b.Keys[0])
			_ = o.EndKey(t.Context(), b, theirs.Keys[0].AccessKey)
			checkKey(t, s, theirs, theirs.Keys[0])
		})
	}
}
