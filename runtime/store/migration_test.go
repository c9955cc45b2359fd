package store_test

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/docvault/docvault/runtime/runtimetest"
	"github.com/docvault/docvault/runtime/store"
	"github.com/docvault/docvault/runtime/store/sqlrows"
)

// atVersion1 is a database as the first release left it.
func atVersion1(t *testing.T) runtimetest.Database {
	t.Helper()
	d := runtimetest.NewDatabase(t)
	const name = "00001_initial.sql"
	sql, err := os.ReadFile("migrations/" + name)
	if err != nil {
		t.Fatal(err)
	}
	config, err := pgx.ParseConfig(d.Migrate)
	if err != nil {
		t.Fatal(err)
	}
	db := stdlib.OpenDB(*config)
	defer db.Close()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, fstest.MapFS{name: {Data: sql}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d
}

// addOld adds a document with a text, as programs of version 1 do.
func addOld(t *testing.T, d runtimetest.Database, name, language, text string) (id string) {
	t.Helper()
	conn := connect(t, d.App)
	err := conn.QueryRow(t.Context(), `WITH o AS (INSERT INTO objects (id, key, document_id) VALUES (gen_random_uuid(), $1, gen_random_uuid()) RETURNING *)
		INSERT INTO documents (id, object_id, object_key, original_name, mime_type, kind, size, sha256, status, language)
		SELECT document_id, id, key, $1, 'text/plain', 'text', 1, sha256($1::bytea), 'ready', $2 FROM o RETURNING id::text`, name, language).Scan(&id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "INSERT INTO document_texts (document_id, text) VALUES ($1, $2)", id, text); err != nil {
		t.Fatal(err)
	}
	return id
}

func TestMigrateFromVersion1(t *testing.T) {
	t.Parallel()
	d := atVersion1(t)
	german := addOld(t, d, "haus.txt", "de", "Die Häuser der Stadt")
	addOld(t, d, "letter.txt", "en", "The foxes of the town")
	addOld(t, d, "lost.txt", "zz", "words")
	exec(t, d.App, "UPDATE documents SET deleted_at = now() WHERE original_name = 'lost.txt'")
	exec(t, d.App, `INSERT INTO topics (id, name, description, color) VALUES (gen_random_uuid(), 'Town', '', '#ffffff')`)
	exec(t, d.App, `INSERT INTO document_topics (document_id, topic_id, by_hand) SELECT '`+german+`', id, true FROM topics`)

	for range 2 {
		if _, err := store.Migrate(t.Context(), d.Migrate, runtimetest.NewLog(t).Logger()); err != nil {
			t.Fatal(err)
		}
	}
	addOld(t, d, "newer.txt", "fr", "Les chevaux de la ville") // a program of version 1 still runs
	s := runtimetest.OpenStore(t, d.App)
	for words, want := range map[string]string{
		"Haus": "haus.txt", "fox": "letter.txt", "cheval": "newer.txt", "lost": "", "letters": "letter.txt",
	} {
		search, err := s.ReadSearch(t.Context(), words, store.Reading{})
		if err != nil {
			t.Fatal(err)
		}
		if got := listed(t, s, store.List{Search: &search}); got != want {
			t.Errorf("%s finds %q, want %q", words, got, want)
		}
	}
	exec(t, d.App, "UPDATE documents SET original_name = 'renamed.txt' WHERE original_name = 'haus.txt'")
	search, err := s.ReadSearch(t.Context(), "renamed haus", store.Reading{})
	if err != nil {
		t.Fatal(err)
	}
	if got := listed(t, s, store.List{Search: &search}); got != "renamed.txt" {
		t.Errorf("after it was renamed, %q is found", got)
	}
	if got := listed(t, s, store.List{Untagged: true}); got != "letter.txt newer.txt" {
		t.Errorf("without a topic: %q", got)
	}
	topics, err := s.TopicsNamed(t.Context(), sqlrows.TopicsNamedParams{Names: []string{"town"}})
	if err != nil || len(topics) != 1 {
		t.Fatal(topics, err)
	}
	if got := listed(t, s, store.List{Topic: &topics[0].ID}); got != "renamed.txt" {
		t.Errorf("in the topic: %q", got)
	}
}

func TestMigrateWithoutExtensions(t *testing.T) {
	t.Parallel()
	d := atVersion1(t)
	exec(t, d.Admin, "DROP EXTENSION pg_trgm")
	_, err := store.Migrate(t.Context(), d.Migrate, runtimetest.NewLog(t).Logger())
	if err == nil || !strings.Contains(err.Error(), "run docvault provision") {
		t.Fatalf("without an extension: %v", err)
	}
	exec(t, d.Admin, "CREATE EXTENSION pg_trgm SCHEMA extensions")
	if _, err := store.Migrate(t.Context(), d.Migrate, runtimetest.NewLog(t).Logger()); err != nil {
		t.Fatal(err)
	}
}

// TestMigrationAfterOneThatFailed runs the statements of the second once more, all but the last of which had been done.
func TestMigrationAfterOneThatFailed(t *testing.T) {
	t.Parallel()
	d := runtimetest.NewDatabase(t)
	migrateTo(t, d, 2)
	exec(t, d.Migrate, "DELETE FROM goose_db_version WHERE version_id = 2")
	exec(t, d.Migrate, "UPDATE schema_state SET version = 1")
	if _, err := store.Migrate(t.Context(), d.Migrate, runtimetest.NewLog(t).Logger()); err != nil {
		t.Fatal(err)
	}
	if err := runtimetest.OpenStore(t, d.App).Compatible(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestTextsThatAreTooMuchForAnIndex of a million different words, and of one endless word.
func TestTextsThatAreTooMuchForAnIndex(t *testing.T) {
	t.Parallel()
	d := runtimetest.NewMigrated(t)
	exec(t, d.Admin, `CREATE FUNCTION many() RETURNS text LANGUAGE sql AS 'SELECT string_agg(md5(i::text), '' '') FROM generate_series(1, 60000) i'`)
	for _, name := range []string{"many.txt", "endless.txt"} {
		addOld(t, d, name, "en", "the beginning")
	}
	exec(t, d.Admin, "UPDATE document_texts SET text = 'beginning ' || many(), indexed_characters = 10000000 WHERE document_id = (SELECT id FROM documents WHERE original_name = 'many.txt')")
	exec(t, d.Admin, "UPDATE document_texts SET text = 'beginning ' || repeat('x', 3000000) WHERE document_id = (SELECT id FROM documents WHERE original_name = 'endless.txt')")
	s := runtimetest.OpenStore(t, d.App)
	search, err := s.ReadSearch(t.Context(), "beginning", store.Reading{})
	if err != nil {
		t.Fatal(err)
	}
	if got := listed(t, s, store.List{Search: &search}); got != "endless.txt many.txt" {
		t.Errorf("found: %q", got)
	}
}

func listed(t *testing.T, s *store.Store, l store.List) (names string) {
	t.Helper()
	l.Column, l.Limit = store.ByName, 100
	documents, err := s.ListDocuments(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range documents {
		if i > 0 {
			names += " "
		}
		names += d.OriginalName
	}
	return names
}
