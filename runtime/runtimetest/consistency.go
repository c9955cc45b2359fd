package runtimetest

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Inconsistencies compares a bucket with the rows about it, and says what should not be: an object or upload that no row knows, a live
// row without its object, a document without a live object, a live object without its document. While something writes, a row may go
// between the two looks: what is told of then is no fault if another look does not tell of it.
func Inconsistencies(t testing.TB, d Database, b Bucket) (wrong []string) {
	t.Helper()
	ctx, cancel := cleanupContext(t)
	defer cancel()
	objects, uploads := b.Keys(t)
	conn, err := pgx.Connect(ctx, d.Admin)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()

	states := objectStates(ctx, t, conn)
	stored := map[string]bool{}
	for _, key := range append(objects, uploads...) {
		if states[key] == "" {
			wrong = append(wrong, "in the store, and in no row: "+key)
		}
	}
	for _, key := range objects {
		stored[key] = true
	}
	for key, state := range states {
		if state == "live" && !stored[key] {
			wrong = append(wrong, "live, and not in the store: "+key)
		}
	}
	return append(wrong, texts(ctx, t, conn, `
		SELECT 'document without a live object: ' || d.id FROM documents d
		WHERE NOT EXISTS (SELECT FROM objects o WHERE o.id = d.object_id AND o.state = 'live' AND o.key = d.object_key)
		UNION ALL
		SELECT 'live object without its document: ' || o.key FROM objects o
		WHERE o.state = 'live' AND NOT EXISTS (SELECT FROM documents d WHERE d.id = o.document_id)
		UNION ALL
		SELECT 'the same bytes twice: ' || encode(sha256, 'hex') FROM documents GROUP BY owner, sha256 HAVING count(*) > 1`)...)
}

func objectStates(ctx context.Context, t testing.TB, conn *pgx.Conn) map[string]string {
	t.Helper()
	rows, err := conn.Query(ctx, "SELECT key, state FROM objects")
	if err != nil {
		t.Fatal(err)
	}
	states := map[string]string{}
	var key, state string
	if _, err := pgx.ForEachRow(rows, []any{&key, &state}, func() error {
		states[key] = state
		return nil
	}); err != nil {
		t.Fatal(fmt.Errorf("list the objects' rows: %w", err))
	}
	return states
}

func texts(ctx context.Context, t testing.TB, conn *pgx.Conn, sql string) []string {
	t.Helper()
	rows, err := conn.Query(ctx, sql)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return list
}
