package provision_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/docvault/docvault/runtime/provision"
)

// env returns a variable that the test services set.
func env(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set: run the tests with `make test`, which starts the servers", name)
	}
	return value
}

func random(t *testing.T) string {
	t.Helper()
	b := make([]byte, 6)
	if _, err := rand.Read(b); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(b)
}

// eachPostgres runs a test on every supported version, as a superuser and as an admin who may just make databases and roles.
func eachPostgres(t *testing.T, test func(t *testing.T, admin provision.PostgresServer)) {
	for _, version := range []string{"15", "16", "17"} {
		super := superuser(t, version)
		t.Run(version+"/superuser", func(t *testing.T) {
			t.Parallel()
			test(t, super)
		})
		t.Run(version+"/plain", func(t *testing.T) {
			t.Parallel()
			test(t, plainAdmin(t, super))
		})
	}
}

func superuser(t *testing.T, version string) provision.PostgresServer {
	t.Helper()
	s, _, err := provision.ParsePostgresURL(env(t, "TEST_POSTGRES_"+version+"_URL"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// plainAdmin makes an admin without superuser. It goes when the test ends: by then the test must have dropped what it made.
func plainAdmin(t *testing.T, super provision.PostgresServer) provision.PostgresServer {
	t.Helper()
	admin := super
	admin.User, admin.Password = "admin_"+random(t), "plain "+random(t)
	root := connect(t, super, super.User, super.Password, "postgres")
	exec(t, root, fmt.Sprintf("CREATE ROLE %s LOGIN CREATEDB CREATEROLE PASSWORD '%s'", admin.User, admin.Password))
	t.Cleanup(func() {
		exec(t, root, "DROP OWNED BY "+admin.User)
		exec(t, root, "DROP ROLE "+admin.User)
	})
	return admin
}

func open(t *testing.T, s provision.PostgresServer) *provision.Postgres {
	t.Helper()
	p, err := provision.OpenPostgres(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// connect opens a connection that outlives the test's cleanups.
func connect(t *testing.T, s provision.PostgresServer, user, password, database string) *pgx.Conn {
	t.Helper()
	conn, err := dial(s, user, password, database)
	if err != nil {
		t.Fatalf("connect to %s as %s: %v", database, user, err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func dial(s provision.PostgresServer, user, password, database string) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig("sslmode=disable host=" + s.Host)
	if err != nil {
		return nil, err
	}
	config.Port, config.User, config.Password, config.Database = uint16(s.Port), user, password, database
	return pgx.ConnectConfig(context.Background(), config)
}

func exec(t *testing.T, conn *pgx.Conn, statement string) {
	t.Helper()
	if _, err := conn.Exec(context.Background(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func query[T any](t *testing.T, conn *pgx.Conn, statement string, args ...any) T {
	t.Helper()
	var value T
	if err := conn.QueryRow(context.Background(), statement, args...).Scan(&value); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return value
}

// newVault names a vault that no other test knows. Its names need quoting. What is made of it is dropped when the test ends.
func newVault(t *testing.T, admin provision.PostgresServer) provision.Database {
	t.Helper()
	id := random(t)
	d := provision.Database{
		Identity:  id,
		Name:      `dv "` + id + `"`,
		OwnerRole: "dv-" + id + `_owner's`,
		AppRole:   "dv-" + id + "_app",
		Logins: []provision.Login{
			{Name: "dv-" + id + "_migrate_a", Password: `m'"\` + id, Role: provision.Migrate},
			{Name: "dv-" + id + "_app_a", Password: `pä$$` + id, Role: provision.App},
		},
		ConnectionLimit: 5,
	}
	t.Cleanup(func() {
		p, err := provision.OpenPostgres(context.Background(), admin)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		if err := p.DropDatabase(context.Background(), d); err != nil {
			t.Errorf("drop: %v", err)
		}
	})
	return d
}

func ensure(t *testing.T, p *provision.Postgres, d provision.Database) {
	t.Helper()
	if _, err := p.EnsureDatabase(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

// ensured is for those whom the error alone matters to.
func ensured(_ []string, err error) error { return err }

func migrateLogin(t *testing.T, s provision.PostgresServer, d provision.Database) *pgx.Conn {
	t.Helper()
	return connect(t, s, d.Logins[0].Name, d.Logins[0].Password, d.Name)
}

func appLogin(t *testing.T, s provision.PostgresServer, d provision.Database) *pgx.Conn {
	t.Helper()
	return connect(t, s, d.Logins[1].Name, d.Logins[1].Password, d.Name)
}

// countRoles tells how many roles and databases of a vault exist.
func countOf(t *testing.T, conn *pgx.Conn, d provision.Database) int {
	t.Helper()
	return query[int](t, conn, `SELECT (SELECT count(*) FROM pg_roles WHERE strpos(rolname, $1) > 0)
		+ (SELECT count(*) FROM pg_database WHERE strpos(datname, $1) > 0 OR shobj_description(oid, 'pg_database') LIKE '%' || $1)`, d.Identity)
}

func quoted(name string) string { return pgx.Identifier{name}.Sanitize() }

func contains(err error, text string) bool { return err != nil && strings.Contains(err.Error(), text) }
