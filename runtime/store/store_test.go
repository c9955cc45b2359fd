package store_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/docvault/docvault/runtime/runtimetest"
	"github.com/docvault/docvault/runtime/store"
)

func TestMigrateInParallelAndAgain(t *testing.T) {
	t.Parallel()
	d := runtimetest.NewDatabase(t)
	log := runtimetest.NewLog(t).Logger()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if _, err := store.Migrate(t.Context(), d.Migrate, log); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if err := runtimetest.OpenStore(t, d.App).Compatible(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestCompatible(t *testing.T) {
	t.Parallel()
	t.Run("no schema", func(t *testing.T) {
		t.Parallel()
		if err := runtimetest.OpenStore(t, runtimetest.NewDatabase(t).App).Compatible(t.Context()); err == nil {
			t.Fatal("an empty database is compatible")
		}
	})
	for name, c := range map[string]struct {
		update     string
		compatible bool
	}{
		"older schema":                       {"UPDATE schema_state SET version = 0, oldest_supported = 0", false},
		"newer schema that still supports":   {"UPDATE schema_state SET version = version + 1, oldest_supported = 1", true},
		"newer schema that no longer does":   {"UPDATE schema_state SET version = version + 1, oldest_supported = version + 1", false},
		"the schema that it was written for": {"UPDATE schema_state SET version = version", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := runtimetest.NewMigrated(t)
			exec(t, d.Admin, c.update)
			err := runtimetest.OpenStore(t, d.App).Compatible(t.Context())
			if (err == nil) != c.compatible {
				t.Fatalf("compatible %t, got %v", c.compatible, err)
			}
		})
	}
}

// TestMigrateASchemaThatHasGoneOn is what an older image does after a newer one.
func TestMigrateASchemaThatHasGoneOn(t *testing.T) {
	t.Parallel()
	d := runtimetest.NewMigrated(t)
	exec(t, d.Admin, "UPDATE schema_state SET version = 99, oldest_supported = 1")
	log := runtimetest.NewLog(t)
	if _, err := store.Migrate(t.Context(), d.Migrate, log.Logger()); err != nil || !strings.Contains(log.String(), "schema_version=99") {
		t.Errorf("while it supports this program: %v\n%s", err, log)
	}
	exec(t, d.Admin, "UPDATE schema_state SET oldest_supported = 99")
	if _, err := store.Migrate(t.Context(), d.Migrate, log.Logger()); !errors.Is(err, store.ErrTooOld) {
		t.Errorf("got %v, want %v", err, store.ErrTooOld)
	}
}

// TestNewerMigrationAddsAColumn while this program still runs.
func TestNewerMigrationAddsAColumn(t *testing.T) {
	t.Parallel()
	d := runtimetest.NewMigrated(t)
	exec(t, d.Admin, "ALTER TABLE documents ADD COLUMN newer text NOT NULL DEFAULT ''")
	exec(t, d.Admin, `WITH o AS (INSERT INTO objects (id, key, document_id) VALUES (gen_random_uuid(), 'k', gen_random_uuid()) RETURNING *)
		INSERT INTO documents (id, object_id, object_key, original_name, mime_type, kind, size, sha256)
		SELECT document_id, id, key, 'a.txt', 'text/plain', 'text', 1, sha256('a') FROM o`)
	documents, err := runtimetest.OpenStore(t, d.App).ListDocuments(t.Context(), store.List{Column: store.ByCreation, Limit: 1})
	if err != nil || len(documents) != 1 || documents[0].OriginalName != "a.txt" {
		t.Fatalf("%+v, %v", documents, err)
	}
}

// TestAppLoginMayNotChangeTheSchema tries what a stolen login of the app would try.
func TestAppLoginMayNotChangeTheSchema(t *testing.T) {
	t.Parallel()
	d := runtimetest.NewMigrated(t)
	conn := connect(t, d.App)
	for _, statement := range []string{
		"TRUNCATE documents", "DROP TABLE documents", "ALTER TABLE documents ADD COLUMN x int", "CREATE TABLE x ()",
		"CREATE TEMP TABLE x ()", "CREATE INDEX ON documents (size)", "CREATE SCHEMA x", "CREATE ROLE x", "DROP INDEX documents_created",
		"ALTER TABLE documents DISABLE TRIGGER ALL", "CREATE OR REPLACE FUNCTION document_counted() RETURNS trigger LANGUAGE sql AS ''",
		"ALTER TABLE documents OWNER TO CURRENT_USER", "COMMENT ON TABLE documents IS 'x'",
	} {
		if _, err := conn.Exec(t.Context(), statement); err == nil {
			t.Errorf("the app login could: %s", statement)
		}
	}
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	return conn
}

func exec(t *testing.T, url, sql string) {
	t.Helper()
	if _, err := connect(t, url).Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}
