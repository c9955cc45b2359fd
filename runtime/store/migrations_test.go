package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/runtimetest"
	"github.com/docvault/docvault/runtime/store"
	"github.com/docvault/docvault/runtime/store/sqlrows"
)

// TestMigrationsSayWhatTheyAre: the files are numbered without a gap, the last is SchemaVersion, and each sets the version that it is.
// What a schema supports never grows backwards.
func TestMigrationsSayWhatTheyAre(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("migrations/*.sql")
	if err != nil || len(files) != store.SchemaVersion {
		t.Fatalf("%d migrations, SchemaVersion is %d, %v", len(files), store.SchemaVersion, err)
	}
	d := runtimetest.NewDatabase(t)
	supported := 1
	for n := 1; n <= store.SchemaVersion; n++ {
		if !strings.HasPrefix(filepath.Base(files[n-1]), fmt.Sprintf("%05d_", n)) {
			t.Errorf("migration %d is %s", n, files[n-1])
		}
		if text, err := os.ReadFile(files[n-1]); err != nil || strings.Contains(string(text), "-- +goose Down") {
			t.Errorf("%s goes back, or cannot be read: %v", files[n-1], err)
		}
		if err := store.MigrateTo(t.Context(), d.Migrate, int64(n)); err != nil {
			t.Fatal(err)
		}
		version, oldest := schemaState(t, d.Admin)
		if version != n || oldest < supported || oldest > version {
			t.Errorf("after migration %d the schema says that it is %d and supports %d; before, %d", n, version, oldest, supported)
		}
		supported = oldest
	}
}

func schemaState(t *testing.T, url string) (version, oldest int) {
	t.Helper()
	if err := connect(t, url).QueryRow(t.Context(), "SELECT version, oldest_supported FROM schema_state").Scan(&version, &oldest); err != nil {
		t.Fatal(err)
	}
	return version, oldest
}

// TestMigrateFromEachVersion fills a vault of each version, brings it to the newest, and finds all that was in it.
func TestMigrateFromEachVersion(t *testing.T) {
	t.Parallel()
	filling, err := os.ReadFile("testdata/rows.sql")
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= store.SchemaVersion; n++ {
		t.Run(fmt.Sprint("from ", n), func(t *testing.T) {
			t.Parallel()
			d := runtimetest.NewDatabase(t)
			if err := store.MigrateTo(t.Context(), d.Migrate, int64(n)); err != nil {
				t.Fatal(err)
			}
			if _, err := connect(t, d.App).PgConn().Exec(t.Context(), string(filling)).ReadAll(); err != nil {
				t.Fatalf("version %d does not take what version 1 writes: %v", n, err)
			}
			before := contents(t, d.Admin)
			if _, err := store.Migrate(t.Context(), d.Migrate, runtimetest.NewLog(t).Logger()); err != nil {
				t.Fatal(err)
			}
			kept(t, before, contents(t, d.Admin))
			readable(t, runtimetest.OpenStore(t, d.App))
		})
	}
}

// contents are the rows of each table of version 1, as JSON, by the row's text in the order of its table.
func contents(t *testing.T, url string) map[string][]map[string]any {
	t.Helper()
	conn := connect(t, url)
	all := map[string][]map[string]any{}
	for _, table := range []string{"users", "settings", "objects", "documents", "document_texts", "topics", "document_topics", "counters"} {
		rows, err := conn.Query(t.Context(), "SELECT to_jsonb(r) FROM "+table+" r ORDER BY to_jsonb(r)::text")
		if err != nil {
			t.Fatal(err)
		}
		texts, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range texts {
			var row map[string]any
			if err := json.Unmarshal(text, &row); err != nil {
				t.Fatal(err)
			}
			all[table] = append(all[table], row)
		}
	}
	return all
}

// kept checks that every row is still there with every value that it had; it may have more.
func kept(t *testing.T, before, after map[string][]map[string]any) {
	t.Helper()
	for table, rows := range before {
		for _, row := range rows {
			if !slices.ContainsFunc(after[table], func(now map[string]any) bool { return holds(now, row) }) {
				t.Errorf("%s: the migration changed or lost %v", table, row)
			}
		}
	}
}

func holds(now, before map[string]any) bool {
	for column, value := range before {
		if !reflect.DeepEqual(now[column], value) {
			return false
		}
	}
	return true
}

// readable reads and works on what rows.sql holds, as this program does.
func readable(t *testing.T, s *store.Store) {
	t.Helper()
	ctx, owner := t.Context(), document.Anonymous.Owner
	if err := s.Compatible(ctx); err != nil {
		t.Error(err)
	}
	list, err := s.ListDocuments(ctx, store.List{Owner: owner, Column: store.ByName, Limit: 10})
	if err != nil || len(list) != 4 || list[0].OriginalName != "a.txt" || list[1].Status != document.StatusFailed {
		t.Fatalf("list: %+v, %v", list, err)
	}
	topics, err := s.Topics(ctx, owner)
	if err != nil || len(topics) != 2 || topics[0].DocCount != 1 {
		t.Errorf("topics: %+v, %v", topics, err)
	}
	total, err := s.CountOf(ctx, sqlrows.CountOfParams{Owner: owner})
	if err != nil || total != 4 {
		t.Errorf("%d documents are counted, %v", total, err)
	}
	filings, err := s.FilingsOf(ctx, []document.ID{list[0].ID})
	if err != nil || len(filings) != 2 || filings[0].Confidence != 0.75 {
		t.Errorf("filings: %+v, %v", filings, err)
	}
	text, err := s.DocumentText(ctx, sqlrows.DocumentTextParams{ID: list[0].ID, Owner: owner, Characters: 100})
	if err != nil || text.Text != "amount due" {
		t.Errorf("text: %+v, %v", text, err)
	}
	waiting, err := s.Waiting(ctx, sqlrows.WaitingParams{After: time.Minute, AtMost: 10})
	if err != nil || len(waiting) != 1 || waiting[0].ID != list[2].ID {
		t.Errorf("waiting: %+v, %v", waiting, err)
	}
	dead, err := s.TakeOver(ctx, sqlrows.TakeOverParams{After: time.Minute, AtMost: 10})
	if err != nil || len(dead) != 1 || dead[0].ID != list[3].ID {
		t.Errorf("taken over: %+v, %v", dead, err)
	}
	work(ctx, t, s, list[2].ID)
	if dropped, err := s.DropStaleObjects(ctx, time.Minute); err != nil || dropped != 1 {
		t.Errorf("%d objects were stale, %v", dropped, err)
	}
	if gone, err := s.EmptyTrash(ctx, sqlrows.EmptyTrashParams{After: time.Hour, AtMost: 10}); err != nil || gone != 1 {
		t.Errorf("%d documents were in the trash for too long, %v", gone, err)
	}
}

func work(ctx context.Context, t *testing.T, s *store.Store, id document.ID) {
	t.Helper()
	begun, err := s.BeginExtract(ctx, sqlrows.BeginExtractParams{ID: id, Generation: 1})
	if err != nil || begun.ObjectKey != "o/3/c.txt" {
		t.Errorf("begun: %+v, %v", begun, err)
	}
	next, classify, err := s.FinishExtract(ctx, id, 1, store.Read{Text: "read", PageCount: 1, Language: "en"})
	if err != nil || !classify || next != 2 {
		t.Errorf("read: generation %d, classify %t, %v", next, classify, err)
	}
}

// TestEarlierProgramsGoOn takes the statements of programs of earlier versions (testdata/v*.sql): on the newest schema each must still
// be valid, take the same and answer the same.
func TestEarlierProgramsGoOn(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/v*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("no statements of earlier versions: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			var version int
			if _, err := fmt.Sscanf(filepath.Base(file), "v%d.sql", &version); err != nil {
				t.Fatal(err)
			}
			now := runtimetest.NewMigrated(t)
			if _, oldest := schemaState(t, now.Admin); oldest > version {
				t.Fatalf("programs of version %d are no longer supported: delete %s", version, file)
			}
			then := runtimetest.NewDatabase(t)
			if err := store.MigrateTo(t.Context(), then.Migrate, int64(version)); err != nil {
				t.Fatal(err)
			}
			before, after := connect(t, then.App), connect(t, now.App)
			for name, sql := range statements(t, file) {
				old, err := before.Prepare(t.Context(), name, sql)
				if err != nil {
					t.Fatalf("%s was never valid: %v", name, err)
				}
				current, err := after.Prepare(t.Context(), name, sql)
				if err != nil {
					t.Errorf("%s no longer works: %v", name, err)
					continue
				}
				if !slices.Equal(old.ParamOIDs, current.ParamOIDs) || !reflect.DeepEqual(fields(old), fields(current)) {
					t.Errorf("%s took %v and gave %v; now it takes %v and gives %v", name,
						old.ParamOIDs, fields(old), current.ParamOIDs, fields(current))
				}
			}
		})
	}
}

// fields are the names and types of what a statement answers.
func fields(s *pgconn.StatementDescription) (list []string) {
	for _, f := range s.Fields {
		list = append(list, fmt.Sprint(f.Name, " ", f.DataTypeOID))
	}
	return list
}

func statements(t *testing.T, file string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, statement := range strings.Split(string(text), "-- name: ")[1:] {
		name, sql, _ := strings.Cut(statement, "\n")
		name, _, _ = strings.Cut(name, " ")
		all[name] = sql
	}
	return all
}

// TestVersionOneWorksOnTheNewest takes a document through the life that a program of version 1 gives it, with its own statements.
func TestVersionOneWorksOnTheNewest(t *testing.T) {
	t.Parallel()
	d := runtimetest.NewMigrated(t)
	conn, sql := connect(t, d.App), statements(t, "testdata/v1.sql")
	object, topic, doc, owner := document.NewID(), document.NewID(), document.NewID(), document.Anonymous.Owner
	for _, step := range []struct {
		name string
		args []any
		rows int
	}{
		{"AddTopic", []any{topic, owner, "Invoices", "bills", "#6366f1"}, 0},
		{"AddObject", []any{object, "o/d/u.txt", doc}, 0},
		{"BeatObject", []any{object}, 0},
		{"AddDocument", []any{object, owner, "a.txt", "text/plain", "text", 1, make([]byte, 32), "pending"}, 1},
		{"BeginExtract", []any{doc, 1}, 1},
		{"BeatDocument", []any{doc, 1}, 0},
		{"FinishExtract", []any{1, "en", false, true, doc, 1}, 1},
		{"KeepText", []any{doc, "amount due"}, 0},
		{"BeginClassify", []any{doc, 2}, 1},
		{"FinishClassify", []any{"done", "builtin", "", "", 0, 0, false, 0, doc, 2}, 0},
		{"UnfileAutomatic", []any{doc}, 0},
		{"FileAutomatic", []any{doc, []document.ID{topic}, []float32{0.5}}, 0},
		{"GetDocument", []any{doc, owner}, 1},
		{"FilingsOf", []any{[]document.ID{doc}}, 1},
		{"ListDocuments", []any{owner, topic, "ready", "text", time.Time{}, 0, "", document.ID{}}, 1},
		{"TrashDocument", []any{doc, owner}, 0},
		{"RestoreDocument", []any{doc, owner}, 0},
		{"AskClassify", []any{nil, doc, owner}, 1},
		{"PurgeDocument", []any{doc, owner}, 1},
		{"ClaimDyingObjects", []any{time.Minute, 10}, 1},
		{"ObjectDeleted", []any{object}, 0},
		{"ForgetObject", []any{object}, 0},
	} {
		if sql[step.name] == "" {
			t.Fatalf("no statement %s", step.name)
		}
		rows, err := conn.Query(t.Context(), sql[step.name], step.args...)
		if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		answered, err := pgx.CollectRows(rows, pgx.RowToMap)
		if err = errors.Join(err, rows.Err()); err != nil || len(answered) != step.rows {
			t.Fatalf("%s answers %v, %v", step.name, answered, err)
		}
		if step.rows == 0 && rows.CommandTag().RowsAffected() == 0 && step.name != "UnfileAutomatic" {
			t.Fatalf("%s did nothing", step.name)
		}
	}
}
