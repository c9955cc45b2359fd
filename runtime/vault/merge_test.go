package vault_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/runtimetest"
	"github.com/docvault/docvault/runtime/store"
	"github.com/docvault/docvault/runtime/store/sqlrows"
	"github.com/docvault/docvault/runtime/vault"
)

func TestMerged(t *testing.T) {
	t.Parallel()
	app, documents := library(t) // d1 and d2 are filed under Letters by hand
	letters, post := topicNamed(t, app, "Letters"), createTopic(t, app.Vault, "Post", "")
	file := func(d document.Document, confidence float64) {
		exec(t, app, "INSERT INTO document_topics VALUES ($1, $2, false, $3)", d.ID.String(), post.ID.String(), confidence)
	}
	file(documents[2], 0.25)
	file(documents[3], 0.5)
	exec(t, app, "UPDATE document_topics SET confidence = 0.75 WHERE by_hand")
	check(t, app.Delete(t.Context(), anonymous, documents[3].ID, false))
	if err := app.Classify(t.Context(), anonymous, documents[4].ID, []string{"Post", "Letters"}); err != nil {
		t.Fatal(err)
	}
	merged, err := app.MergeTopic(t.Context(), anonymous, post.ID, letters.ID)
	if err != nil || merged.ID != letters.ID || merged.DocCount != 2 {
		t.Fatalf("%+v, %v", merged, err)
	}
	for sql, want := range map[string]int64{
		"SELECT count(*) FROM document_topics":                                                   3,
		"SELECT count(*) FROM document_topics WHERE by_hand AND confidence = 0.75":               2,
		"SELECT count(*) FROM document_topics WHERE by_hand AND confidence = 0.5":                1,
		"SELECT count(*) FROM documents WHERE cardinality(classification_among) = 1":             1,
		"SELECT count(*) FROM documents WHERE classification_among[1] = (SELECT id FROM topics)": 1,
		"SELECT count(*) FROM topics":                                                            1,
	} {
		if n := rows(t, app, sql); n != want {
			t.Errorf("%s: %d, want %d", sql, n, want)
		}
	}
	// Automatic filing, which knows nothing of the merge, does not undo it.
	finish(t, app.Vault, app, documents[2].ID)
	if _, err := app.Reprocess(t.Context(), anonymous, documents[2].ID); err != nil {
		t.Fatal(err)
	}
	finish(t, app.Vault, app, documents[2].ID)
	if d := get(t, app.Vault, documents[2].ID); !slices.Equal(d.Topics, []string{"Letters"}) {
		t.Errorf("after it was filed anew: %q", d.Topics)
	}
	if _, err := app.Restore(t.Context(), anonymous, documents[3].ID); err != nil || count(t, app.Vault, letters.ID) != 3 {
		t.Fatalf("what was in the trash did not move: %v", err)
	}
	recount(t, app)
}

func TestMergeRefuses(t *testing.T) {
	t.Parallel()
	app, _ := library(t)
	letters, none := topicNamed(t, app, "Letters"), document.NewID()
	if _, err := app.MergeTopic(t.Context(), anonymous, letters.ID, letters.ID); !errors.Is(err, document.ErrConflict) {
		t.Errorf("into itself: %v", err)
	}
	if _, err := app.MergeTopic(t.Context(), anonymous, none, letters.ID); !errors.Is(err, document.ErrNotFound) {
		t.Errorf("an unknown topic: %v", err)
	}
	if _, err := app.MergeTopic(t.Context(), anonymous, letters.ID, none); !unknown(err, "into") {
		t.Errorf("into an unknown topic: %v", err)
	}
	if other := (document.Actor{Owner: document.NewID()}); second(app.MergeTopic(t.Context(), other, letters.ID, none)) == nil {
		t.Error("another's topic")
	}
	if count(t, app.Vault, letters.ID) != 2 {
		t.Error("documents went")
	}
}

// TestMergedInBothDirections at once: one wins, and no document is lost.
func TestMergedInBothDirections(t *testing.T) {
	t.Parallel()
	app, documents := library(t)
	for range 10 {
		left, right := createTopic(t, app.Vault, "Left", ""), createTopic(t, app.Vault, "Right", "")
		for i, name := range []string{"Left", "Right"} {
			if _, err := app.Bulk(t.Context(), anonymous, idsOf(documents[5*i:5*i+5]), vault.BulkAddTopics, []string{name}); err != nil {
				t.Fatal(err)
			}
		}
		var both sync.WaitGroup
		var errs [2]error
		both.Go(func() { _, errs[0] = app.MergeTopic(t.Context(), anonymous, left.ID, right.ID) })
		both.Go(func() { _, errs[1] = app.MergeTopic(t.Context(), anonymous, right.ID, left.ID) })
		both.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("%v, %v", errs[0], errs[1])
		}
		winner := right
		if errs[0] != nil {
			winner = left
		}
		if n := count(t, app.Vault, winner.ID); n != 10 {
			t.Fatalf("%d documents of 10 are left", n)
		}
		recount(t, app)
		check(t, app.DeleteTopic(t.Context(), anonymous, winner.ID))
	}
}

// TestGivesWay: whoever has to give way to another transaction, which takes the same rows in another order, begins anew.
func TestGivesWay(t *testing.T) {
	t.Parallel()
	const holdDocument, holdTopic, holdFiling = "SELECT FROM documents FOR UPDATE", "SELECT FROM topics FOR UPDATE", "SELECT FROM document_topics FOR UPDATE"
	for name, c := range map[string]struct {
		first, then string // of the other transaction
		do          func(ctx context.Context, app *runtimetest.App, d, topic document.ID) error
	}{
		"delete a topic": {holdDocument, holdTopic, func(ctx context.Context, app *runtimetest.App, _, topic document.ID) error {
			return app.DeleteTopic(ctx, anonymous, topic)
		}},
		"delete for good": {holdFiling, holdDocument, func(ctx context.Context, app *runtimetest.App, d, _ document.ID) error {
			return app.Delete(ctx, anonymous, d, true)
		}},
		"file": {holdTopic, holdDocument, func(ctx context.Context, app *runtimetest.App, d, topic document.ID) error {
			return app.Store.FinishClassify(ctx, store.Filed{
				FinishClassifyParams: sqlrows.FinishClassifyParams{ID: d, Generation: 2, Status: "done"},
				Topics:               []document.ID{topic}, Confidences: []float32{1},
			})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := runtimetest.NewApp(t)
			topic := createTopic(t, app.Vault, "Invoices", "")
			d := read(t, app, app.Vault, "invoice.txt", invoice)
			exec(t, app, "INSERT INTO document_topics (document_id, topic_id, by_hand) VALUES ($1, $2, true)", d.String(), topic.ID.String())
			exec(t, app, "UPDATE documents SET heartbeat_at = now()") // as a worker that files it
			past(t, app, func(ctx context.Context, conn *pgx.Conn) error {
				other, err := conn.Begin(ctx)
				if err != nil {
					return err
				}
				if _, err := other.Exec(ctx, "SET LOCAL deadlock_timeout = '1min'; "+c.first); err != nil { // it never gives way
					return err
				}
				ended := make(chan error, 1)
				go func() { ended <- c.do(ctx, app, d, topic.ID) }()
				runtimetest.Wait(t, 10*time.Second, "it to wait for the other", func() bool {
					return rows(t, app, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") > 0
				})
				if _, err := other.Exec(ctx, c.then); err != nil {
					return err
				}
				return errors.Join(other.Commit(ctx), <-ended)
			})
			recount(t, app)
		})
	}
}

// TestMergedWhileItIsChosen: a filing under a topic that was merged meanwhile is judged anew.
func TestMergedWhileItIsChosen(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	chosen := createTopic(t, app.Vault, "Invoices", "bills and payments, amounts due")
	into := createTopic(t, app.Vault, "Bills", "bills and payments, amounts due")
	d := upload(t, app.Vault, "invoice.txt", []byte(invoice))
	if outcome, err := app.Extract(t.Context(), d.ID, 1); outcome != vault.Done || err != nil {
		t.Fatalf("%s, %v", outcome, err)
	}
	begun := sqlrows.BeginClassifyParams{ID: d.ID, Generation: generation(t, app, d.ID)}
	if _, err := app.Store.BeginClassify(t.Context(), begun); err != nil {
		t.Fatal(err)
	}
	if _, err := app.MergeTopic(t.Context(), anonymous, chosen.ID, into.ID); err != nil {
		t.Fatal(err)
	}
	err := app.Store.FinishClassify(t.Context(), store.Filed{
		FinishClassifyParams: sqlrows.FinishClassifyParams{ID: d.ID, Generation: begun.Generation, Status: "done"},
		Topics:               []document.ID{chosen.ID}, Confidences: []float32{1},
	})
	if !errors.Is(err, document.ErrUnavailable) {
		t.Fatalf("got %v, want %v", err, document.ErrUnavailable)
	}
	exec(t, app, "UPDATE documents SET heartbeat_at = NULL") // as putting it off does
	finish(t, app.Vault, app, d.ID)
	if got := get(t, app.Vault, d.ID).Topics; len(got) != 1 || got[0] != "Bills" {
		t.Fatalf("filed under %v", got)
	}
}

func topicNamed(t *testing.T, app *runtimetest.App, name string) document.Topic {
	t.Helper()
	topics, err := app.Topics(t.Context(), anonymous)
	if err != nil {
		t.Fatal(err)
	}
	for _, topic := range topics {
		if topic.Name == name {
			return topic
		}
	}
	t.Fatalf("no topic %s", name)
	return document.Topic{}
}
