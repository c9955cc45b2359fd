package store_test

import (
	"context"
	"os"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/docvault/docvault/runtime/runtimetest"
	"github.com/docvault/docvault/runtime/store"
)

// What a program writes that knows nothing of what is counted since.
const (
	addObject   = "INSERT INTO objects (id, key, document_id) VALUES (gen_random_uuid(), gen_random_uuid()::text, gen_random_uuid())"
	addDocument = `INSERT INTO documents (id, object_id, object_key, original_name, mime_type, kind, size, sha256)
		SELECT o.document_id, o.id, o.key, 'a.txt', 'text/plain', 'text', 7, sha256(o.key::bytea) FROM objects o
		WHERE NOT EXISTS (SELECT FROM documents d WHERE d.object_id = o.id) LIMIT 1 FOR UPDATE OF o SKIP LOCKED
		ON CONFLICT DO NOTHING`
)

// TestStatisticsAreWholeAfterAMigration has programs of before write while the schema changes.
func TestStatisticsAreWholeAfterAMigration(t *testing.T) {
	t.Parallel()
	d := runtimetest.NewDatabase(t)
	migrateTo(t, d, 1)
	exec(t, d.Admin, addObject+"; "+addDocument)
	exec(t, d.Admin, addObject+"; "+addDocument+"; UPDATE documents SET deleted_at = now(), status = 'ready'")
	ctx, stop := context.WithCancel(t.Context())
	begun := make(chan struct{})
	var writers sync.WaitGroup
	for range 4 {
		conn := connect(t, d.App)
		writers.Go(func() {
			for ctx.Err() == nil {
				for _, statement := range []string{
					addObject, addDocument,
					"UPDATE documents SET status = 'ready' WHERE id IN (SELECT id FROM documents WHERE status = 'pending' LIMIT 1 FOR UPDATE SKIP LOCKED)",
					"DELETE FROM documents WHERE id IN (SELECT id FROM documents WHERE status = 'ready' LIMIT 1 FOR UPDATE SKIP LOCKED)",
				} {
					if _, err := conn.Exec(ctx, statement); err != nil && ctx.Err() == nil {
						t.Errorf("%.40s: %v", statement, err)
						stop()
						return
					}
				}
				select {
				case begun <- struct{}{}:
				default:
				}
			}
		})
	}
	wait := func() {
		select {
		case <-begun:
		case <-ctx.Done():
		}
	}
	wait()
	if _, err := store.Migrate(t.Context(), d.Migrate, runtimetest.NewLog(t).Logger()); err != nil {
		t.Error(err)
	}
	wait() // after the migration, too
	stop()
	writers.Wait()
	var wrong int
	err := connect(t, d.Admin).QueryRow(t.Context(), `SELECT count(*) FROM (
			SELECT status, trashed, sum(documents) AS n, sum(bytes) AS bytes FROM document_stats GROUP BY 1, 2
		) kept FULL JOIN (
			SELECT status, deleted_at IS NOT NULL AS trashed, count(*) AS n, sum(size) AS bytes FROM documents GROUP BY 1, 2
		) counted USING (status, trashed)
		WHERE coalesce(kept.n, 0) <> coalesce(counted.n, 0) OR coalesce(kept.bytes, 0) <> coalesce(counted.bytes, 0)`).Scan(&wrong)
	if err != nil || wrong != 0 {
		t.Fatalf("%d counts are wrong, %v", wrong, err)
	}
}

func migrateTo(t *testing.T, d runtimetest.Database, version int64) {
	t.Helper()
	config, err := pgx.ParseConfig(d.Migrate)
	if err != nil {
		t.Fatal(err)
	}
	db := stdlib.OpenDB(*config)
	defer func() { _ = db.Close() }()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, os.DirFS("migrations"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(t.Context(), version); err != nil {
		t.Fatal(err)
	}
}
