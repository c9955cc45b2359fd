package provision_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/docvault/docvault/runtime/provision"
)

const schema = `
	CREATE TABLE notes (id serial PRIMARY KEY, n int GENERATED ALWAYS AS IDENTITY, text text);
	CREATE INDEX notes_text ON notes (text);
	CREATE FUNCTION shout(t text) RETURNS text LANGUAGE sql AS 'SELECT upper(t)'`

func TestTheAppReadsAndWritesRows(t *testing.T) {
	t.Parallel()
	eachPostgres(t, func(t *testing.T, admin provision.PostgresServer) {
		d := newVault(t, admin)
		ensure(t, open(t, admin), d)
		migrate := migrateLogin(t, admin, d)
		if who := query[string](t, migrate, "SELECT current_user::text"); who != d.OwnerRole {
			t.Errorf("the migration login acts as %q, want the owner", who)
		}
		exec(t, migrate, schema)
		app := appLogin(t, admin, d)
		for _, s := range []string{
			"INSERT INTO notes (text) VALUES ('a')",
			"SELECT nextval('notes_id_seq')",
			"UPDATE notes SET text = 'b'",
			"SELECT text FROM notes FOR UPDATE",
			"DELETE FROM notes",
		} {
			exec(t, app, s)
		}
		if owner := query[string](t, app, "SELECT tableowner::text FROM pg_tables WHERE tablename = 'notes'"); owner != d.OwnerRole {
			t.Errorf("the table belongs to %q, want the owner role", owner)
		}
	})
}

func TestTheDatabaseKnowsAllLetters(t *testing.T) {
	t.Parallel()
	eachPostgres(t, func(t *testing.T, admin provision.PostgresServer) {
		d := newVault(t, admin)
		ensure(t, open(t, admin), d)
		app := appLogin(t, admin, d)
		if got := query[string](t, app, "SELECT lower('ÄÉŁΩЖ') || upper('äéłωж')"); got != "äéłωжÄÉŁΩЖ" {
			t.Errorf("lower and upper give %s", got)
		}
		if !query[bool](t, app, "SELECT to_tsvector('simple', 'Ärger – Übung') = to_tsvector('simple', 'ärger übung')") {
			t.Error("text search does not tell letters from signs, or large from small ones")
		}
	})
}

func TestWhatTheAppMayNotDo(t *testing.T) {
	t.Parallel()
	eachPostgres(t, func(t *testing.T, admin provision.PostgresServer) {
		d := newVault(t, admin)
		ensure(t, open(t, admin), d)
		exec(t, migrateLogin(t, admin, d), schema)
		app := appLogin(t, admin, d)
		owner, role, database := quoted(d.OwnerRole), quoted(d.AppRole), quoted(d.Name)
		refuseAll(t, app, []string{
			"CREATE TABLE other (id int)",
			"CREATE TEMP TABLE other (id int)",
			"CREATE TABLE other AS SELECT 1",
			"CREATE SCHEMA other",
			"CREATE INDEX other ON notes (id)",
			"CREATE VIEW other AS SELECT 1",
			"CREATE SEQUENCE other",
			"CREATE FUNCTION other() RETURNS int LANGUAGE sql AS 'SELECT 1'",
			"CREATE EXTENSION hstore",
			"CREATE TRIGGER other BEFORE INSERT ON notes EXECUTE FUNCTION suppress_redundant_updates_trigger()",
			"ALTER TABLE notes ADD other int",
			"ALTER TABLE notes OWNER TO " + role,
			"ALTER TABLE notes DISABLE TRIGGER ALL",
			"ALTER SCHEMA public RENAME TO other",
			"DROP TABLE notes",
			"DROP INDEX notes_text",
			"DROP SCHEMA public CASCADE",
			"TRUNCATE notes",
			"SELECT setval('notes_id_seq', 1)",
			"SELECT shout('x')",
			"COMMENT ON TABLE notes IS 'mine'",
			"CREATE ROLE other",
			"DROP ROLE " + owner,
			"GRANT " + owner + " TO " + role,
			"SET ROLE " + owner,
			"CREATE DATABASE other",
			"ALTER DATABASE " + database + " RENAME TO other",
			"DROP DATABASE " + database,
			"COMMENT ON DATABASE " + database + " IS 'docvault:other'",
			"COMMENT ON ROLE " + owner + " IS 'docvault:other'",
			"COMMENT ON ROLE " + quoted(d.Logins[1].Name) + " IS 'docvault:other'",
			"COPY notes TO PROGRAM 'true'",
			"COPY notes TO '/tmp/other'",
			"SELECT pg_read_file('postgresql.conf')",
			"SELECT * FROM pg_authid",
		})
		// A grant by one who may not is a mere warning when it has any right of its own on the thing.
		_, _ = app.Exec(t.Context(), "GRANT CONNECT ON DATABASE "+database+" TO PUBLIC")
		_, _ = app.Exec(t.Context(), "GRANT SELECT ON notes TO PUBLIC")
		if query[bool](t, app, "SELECT has_database_privilege('public', current_database(), 'CONNECT') OR has_table_privilege('public', 'notes', 'SELECT')") {
			t.Error("the app let everyone in")
		}
	})
}

func TestWhatTheMigrationLoginMayNotDo(t *testing.T) {
	t.Parallel()
	eachPostgres(t, func(t *testing.T, admin provision.PostgresServer) {
		d := newVault(t, admin)
		ensure(t, open(t, admin), d)
		migrate := migrateLogin(t, admin, d)
		database := quoted(d.Name)
		refuseAll(t, migrate, []string{
			"COMMENT ON DATABASE " + database + " IS 'docvault:other'",
			"COMMENT ON ROLE " + quoted(d.OwnerRole) + " IS 'docvault:other'",
			"ALTER DATABASE " + database + " RENAME TO other",
			"DROP DATABASE " + database,
			"CREATE DATABASE other",
			"CREATE ROLE other",
			"GRANT " + quoted(d.OwnerRole) + " TO " + quoted(d.Logins[1].Name),
		})
		// Again a mere warning.
		_, _ = migrate.Exec(t.Context(), "GRANT CONNECT ON DATABASE "+database+" TO PUBLIC")
		if query[bool](t, migrate, "SELECT has_database_privilege('public', current_database(), 'CONNECT')") {
			t.Error("the migration login let everyone in")
		}
	})
}

func TestNobodyEntersANeighboursDatabase(t *testing.T) {
	t.Parallel()
	eachPostgres(t, func(t *testing.T, admin provision.PostgresServer) {
		p := open(t, admin)
		mine, yours := newVault(t, admin), newVault(t, admin)
		ensure(t, p, mine)
		ensure(t, p, yours)
		for _, l := range mine.Logins {
			conn, err := dial(admin, l.Name, l.Password, yours.Name)
			if err == nil {
				_ = conn.Close(t.Context())
				t.Errorf("%s got in", l.Name)
			} else if !contains(err, "permission denied for database") {
				t.Errorf("%s: %v", l.Name, err)
			}
		}
	})
}

func TestAPasswordIsSetOnlyWhenItDiffers(t *testing.T) {
	t.Parallel()
	eachPostgres(t, func(t *testing.T, admin provision.PostgresServer) {
		d := newVault(t, admin)
		p := open(t, admin)
		ensure(t, p, d)
		old := d.Logins[1].Password
		app := appLogin(t, admin, d)
		exec(t, app, "ALTER ROLE CURRENT_USER PASSWORD 'stolen'") // every role may do that to itself
		ensure(t, p, d)
		appLogin(t, admin, d)
		d.Logins[1].Password = "new " + old
		ensure(t, p, d)
		appLogin(t, admin, d)
		if conn, err := dial(admin, d.Logins[1].Name, old, d.Name); err == nil {
			_ = conn.Close(t.Context())
			t.Error("the old password still works")
		}
	})
}

func TestTheConnectionLimitHolds(t *testing.T) {
	t.Parallel()
	admin := superuser(t, "17")
	d := newVault(t, admin)
	p := open(t, admin)
	ensure(t, p, d)
	for range d.ConnectionLimit {
		appLogin(t, admin, d)
	}
	if conn, err := dial(admin, d.Logins[1].Name, d.Logins[1].Password, d.Name); err == nil {
		_ = conn.Close(t.Context())
		t.Error("one connection more than the limit")
	}
	ensure(t, p, d) // a login that is full does not fail a pass
}

// Whatever an administrator does by hand to what is ours is put right, and told.
func TestDriftIsMended(t *testing.T) {
	t.Parallel()
	eachPostgres(t, func(t *testing.T, admin provision.PostgresServer) {
		d := newVault(t, admin)
		p := open(t, admin)
		ensure(t, p, d)
		exec(t, migrateLogin(t, admin, d), schema)
		d.Made = true
		owner, app, login, table := quoted(d.OwnerRole), quoted(d.AppRole), quoted(d.Logins[1].Name), "rights on table public.notes differed"
		memberOf := func(role string) string { return "role " + d.Logins[1].Name + " was a member of " + role }
		byHand := connect(t, admin, admin.User, admin.Password, d.Name)
		other := "dv-" + d.Identity + "_other"
		exec(t, byHand, "CREATE ROLE "+quoted(other))
		exec(t, byHand, "COMMENT ON ROLE "+quoted(other)+" IS 'docvault:"+d.Identity+"'") // so that it is dropped with the rest
		cases := []struct{ harm, told string }{
			{"ALTER ROLE " + login + " CREATEDB CREATEROLE CONNECTION LIMIT 1", "was not NOCREATEDB NOCREATEROLE"},
			{"ALTER ROLE " + login + " NOINHERIT", "was not INHERIT"},
			{"ALTER ROLE " + login + " VALID UNTIL '2020-01-01'", "VALID UNTIL"},
			{"ALTER ROLE " + login + " NOLOGIN", "could not log in"},
			{"ALTER ROLE " + login + " PASSWORD 'another'", "the password of login " + d.Logins[1].Name + " was another"},
			{"ALTER ROLE " + app + " LOGIN", "role " + d.AppRole + " could log in"},
			{"ALTER ROLE " + quoted(d.Logins[0].Name) + " RESET role", "acted as"},
			{"GRANT " + owner + " TO " + login, memberOf(d.OwnerRole)},
			{"GRANT " + quoted(other) + " TO " + login, memberOf(other)},
			{"REVOKE " + app + " FROM " + login, "was no member of " + d.AppRole},
			{"DROP ROLE " + login, "login " + d.Logins[1].Name + " was missing"},
			{"GRANT ALL ON DATABASE " + quoted(d.Name) + " TO PUBLIC", "rights on database"},
			{"REVOKE CONNECT ON DATABASE " + quoted(d.Name) + " FROM " + app, "rights on database"},
			{"GRANT ALL ON SCHEMA public TO PUBLIC", "rights on schema public"},
			{"GRANT ALL ON SCHEMA extensions TO PUBLIC, " + app, "rights on schema extensions"},
			{"REVOKE USAGE ON SCHEMA extensions FROM " + owner, "rights on schema extensions"},
			{"DROP EXTENSION pg_trgm", "extension pg_trgm was missing"},
			{"REVOKE ALL ON notes FROM " + app, table},
			{"GRANT TRUNCATE, SELECT ON notes TO " + app, table},
			{"GRANT TRUNCATE ON notes TO " + login, table},
			{"GRANT SELECT ON notes TO PUBLIC", table},
			{"GRANT SELECT ON notes TO " + app + " WITH GRANT OPTION", table},
			{"REVOKE ALL ON SEQUENCE notes_id_seq FROM " + app, "rights on sequence public.notes_id_seq differed"},
			{"GRANT UPDATE ON SEQUENCE notes_id_seq TO PUBLIC", "rights on sequence public.notes_id_seq differed"},
			{"ALTER DEFAULT PRIVILEGES FOR ROLE " + owner + " GRANT ALL ON TABLES TO PUBLIC", "default privileges"},
			{"ALTER DEFAULT PRIVILEGES FOR ROLE " + owner + " GRANT EXECUTE ON FUNCTIONS TO PUBLIC", "default privileges"},
			{"ALTER DEFAULT PRIVILEGES FOR ROLE " + owner + " REVOKE ALL ON SEQUENCES FROM " + app, "default privileges"},
		}
		for _, tc := range cases {
			exec(t, byHand, tc.harm)
			repaired, err := p.EnsureDatabase(t.Context(), d)
			if err != nil || !strings.Contains(strings.Join(repaired, "; "), tc.told) {
				t.Errorf("%s: told %q, want %q; %v", tc.harm, repaired, tc.told, err)
			}
			if again, err := p.EnsureDatabase(t.Context(), d); err != nil || len(again) > 0 {
				t.Errorf("%s: a second run tells %q, %v", tc.harm, again, err)
			}
		}
		checkRights(t, admin, d)
		for _, tc := range cases { // and all at once
			if !strings.HasPrefix(tc.harm, "DROP ROLE") {
				exec(t, byHand, tc.harm)
			}
		}
		ensure(t, p, d)
		checkRights(t, admin, d)
	})
}

func TestForeignThingsAreLeftAlone(t *testing.T) {
	t.Parallel()
	eachPostgres(t, func(t *testing.T, admin provision.PostgresServer) {
		p := open(t, admin)
		byHand := connect(t, admin, admin.User, admin.Password, "postgres")
		for name, foreign := range map[string]struct{ make, drop string }{
			"database without mark": {"CREATE DATABASE %[1]s", "DROP DATABASE %[1]s"},
			"role without mark":     {"CREATE ROLE %[2]s", "DROP ROLE %[2]s"},
			"role of another":       {"CREATE ROLE %[3]s; COMMENT ON ROLE %[3]s IS 'docvault:other'", "DROP ROLE %[3]s"},
		} {
			t.Run(name, func(t *testing.T) {
				d := newVault(t, admin)
				names := []any{quoted(d.Name), quoted(d.OwnerRole), quoted(d.Logins[1].Name)}
				exec(t, byHand, fmt.Sprintf(foreign.make+"%[4]s", append(names, "")...))
				t.Cleanup(func() { exec(t, byHand, fmt.Sprintf(foreign.drop+"%[4]s", append(names, "")...)) })
				before := fingerprint(t, byHand, d)
				if err := ensured(p.EnsureDatabase(t.Context(), d)); !errors.Is(err, provision.ErrForeign) {
					t.Errorf("ensure: %v, want ErrForeign", err)
				}
				if err := p.DropDatabase(t.Context(), d); !errors.Is(err, provision.ErrForeign) {
					t.Errorf("drop: %v, want ErrForeign", err)
				}
				if after := fingerprint(t, byHand, d); after != before {
					t.Errorf("touched:\n%s\n%s", before, after)
				}
			})
		}
	})
}

// fingerprint is all that the shared catalogs say of a vault's names.
func fingerprint(t *testing.T, conn *pgx.Conn, d provision.Database) string {
	t.Helper()
	return query[string](t, conn, `
		SELECT coalesce((SELECT string_agg(r::text, ' ' ORDER BY r.oid) FROM pg_roles r WHERE strpos(rolname, $1) > 0), '') ||
		       coalesce((SELECT string_agg(d::text, ' ' ORDER BY d.oid) FROM pg_database d WHERE strpos(datname, $1) > 0), '')`, d.Identity)
}

func TestTwoProvisionersAtOnce(t *testing.T) {
	t.Parallel()
	eachPostgres(t, func(t *testing.T, admin provision.PostgresServer) {
		d := newVault(t, admin)
		failures := make(chan error)
		for range 4 {
			p := open(t, admin)
			go func() { failures <- ensured(p.EnsureDatabase(t.Context(), d)) }()
		}
		for range 4 {
			if err := <-failures; err != nil {
				t.Error(err)
			}
		}
		checkRights(t, admin, d)
	})
}

func TestDropEndsSessionsAndLeavesNothing(t *testing.T) {
	t.Parallel()
	eachPostgres(t, func(t *testing.T, admin provision.PostgresServer) {
		d := newVault(t, admin)
		p := open(t, admin)
		ensure(t, p, d)
		rotated := d
		rotated.Logins = append(rotated.Logins, provision.Login{Name: "dv-" + d.Identity + "_app_b", Password: "b", Role: provision.App})
		ensure(t, p, rotated)
		app := appLogin(t, admin, d)
		stray := connect(t, admin, d.Logins[1].Name, d.Logins[1].Password, "postgres")
		exec(t, stray, "SELECT lo_create(0)") // everyone may do that in a database that lets everyone in
		if err := p.DropDatabase(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		if err := app.Ping(context.Background()); err == nil {
			t.Error("a session of the app lives on")
		}
		byHand := connect(t, admin, admin.User, admin.Password, "postgres")
		if n := countOf(t, byHand, d); n != 0 {
			t.Errorf("%d roles and databases are left", n)
		}
		if err := p.DropDatabase(t.Context(), d); err != nil {
			t.Errorf("drop again: %v", err)
		}
	})
}

func TestParsePostgresURL(t *testing.T) {
	t.Parallel()
	s, database, err := provision.ParsePostgresURL("postgresql+psycopg://us%40er:p%2Fw@[::1]:6543/db%20name?sslmode=require&sslrootcert=/etc/passwd")
	if err != nil || database != "db name" || s.User != "us@er" || s.Password != "p/w" || s.Host != "::1" || s.Port != 6543 || s.SSLMode != "require" {
		t.Errorf("%+v %q %v", s, database, err)
	}
	for _, bad := range []string{"", "mysql://u:secret@h/d", "postgres://u:secret@/d", "postgres://h/d", "postgres://u:secret@h", "postgres://u:secret@h:x/d"} {
		if _, _, err := provision.ParsePostgresURL(bad); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// checkRights tries what the contract says of the logins, on a vault that is all there.
func checkRights(t *testing.T, admin provision.PostgresServer, d provision.Database) {
	t.Helper()
	migrate, app := migrateLogin(t, admin, d), appLogin(t, admin, d)
	for _, login := range []*pgx.Conn{migrate, app} {
		if query[string](t, login, "SELECT extensions.unaccent('é') || extensions.similarity('a', 'a')") != "e1" {
			t.Error("the extensions do not work")
		}
		refuseAll(t, login, []string{
			"CREATE TABLE extensions.other (id int)", "DROP EXTENSION unaccent", "ALTER SCHEMA extensions RENAME TO other",
			"CREATE OR REPLACE FUNCTION extensions.unaccent(text) RETURNS text LANGUAGE sql AS 'SELECT 1'",
		})
	}
	exec(t, migrate, "CREATE TABLE checked (id serial)")
	exec(t, app, "INSERT INTO checked DEFAULT VALUES")
	if query[bool](t, app, "SELECT to_regclass('notes') IS NOT NULL") {
		exec(t, app, "INSERT INTO notes (text) VALUES ('x')")
		refuseAll(t, app, []string{"TRUNCATE notes"})
	}
	refuseAll(t, app, []string{
		"TRUNCATE checked", "DROP TABLE checked", "CREATE TABLE other (id int)", "CREATE SCHEMA other", "CREATE ROLE other", "CREATE DATABASE other",
		"CREATE TEMP TABLE other (id int)", "SET ROLE " + quoted(d.OwnerRole),
	})
	exec(t, migrate, "DROP TABLE checked")
	if who := query[string](t, migrate, "SELECT current_user::text"); who != d.OwnerRole {
		t.Errorf("the migration login acts as %q", who)
	}
	for check, statement := range map[string]string{
		"PUBLIC gets in":              "SELECT has_database_privilege('public', current_database(), 'CONNECT')",
		"PUBLIC uses the schema":      "SELECT has_schema_privilege('public', 'public', 'USAGE')",
		"PUBLIC uses the extensions":  "SELECT has_schema_privilege('public', 'extensions', 'USAGE')",
		"a group role may log in":     fmt.Sprintf("SELECT bool_or(rolcanlogin) FROM pg_roles WHERE rolname IN ('%s', '%s')", strings.ReplaceAll(d.OwnerRole, "'", "''"), d.AppRole),
		"another limit than wanted":   fmt.Sprintf("SELECT rolconnlimit <> %d FROM pg_roles WHERE rolname = '%s'", d.ConnectionLimit, d.Logins[1].Name),
		"the vault owns its database": "SELECT pg_has_role(datdba, 'USAGE') FROM pg_database WHERE datname = current_database()",
	} {
		if query[bool](t, app, statement) {
			t.Error(check)
		}
	}
}

// refuseAll expects each statement to fail for want of rights, not for any other reason.
func refuseAll(t *testing.T, conn *pgx.Conn, statements []string) {
	t.Helper()
	for _, s := range statements {
		_, err := conn.Exec(t.Context(), s)
		var answer *pgconn.PgError
		if !errors.As(err, &answer) || answer.Code != "42501" {
			t.Errorf("%s: %v, want a refusal", s, err)
		}
	}
}

func TestALockThatSomebodyHoldsIsNotWaitedForLong(t *testing.T) {
	t.Parallel()
	admin := superuser(t, "17")
	d := newVault(t, admin)
	p := open(t, admin)
	ensure(t, p, d)
	holder := connect(t, admin, d.Logins[1].Name, d.Logins[1].Password, "postgres")
	exec(t, holder, "SELECT pg_advisory_lock(hashtextextended('docvault:"+d.Identity+"', 0))")
	if err := ensured(p.EnsureDatabase(t.Context(), d)); !errors.Is(err, provision.ErrBusy) {
		t.Errorf("%v, want ErrBusy", err)
	}
	exec(t, holder, "SELECT pg_advisory_unlock_all()")
	ensure(t, p, d)
}
