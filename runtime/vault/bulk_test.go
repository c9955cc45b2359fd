package vault_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/runtimetest"
	"github.com/docvault/docvault/runtime/vault"
)

func TestBulk(t *testing.T) {
	t.Parallel()
	app, documents := library(t)
	createTopic(t, app.Vault, "Tax", "")
	there := idsOf(documents)
	asked := append([]document.ID{document.NewID(), there[3]}, there...) // one that is not there, one twice
	do := func(action vault.Action, topics ...string) {
		t.Helper()
		done, err := app.Bulk(t.Context(), anonymous, asked, action, topics)
		want := append([]document.ID{there[3]}, slices.Delete(slices.Clone(there), 3, 4)...)
		if err != nil || !slices.Equal(done, want) {
			t.Fatalf("%s: %d done, %v", action, len(done), err)
		}
		recount(t, app)
	}
	filed := func(topic string) int64 {
		return rows(t, app, "SELECT count(*) FROM document_topics f JOIN topics t ON t.id = f.topic_id WHERE f.by_hand AND t.name = $1", topic)
	}
	do(vault.BulkAddTopics, "letters", "TAX")
	if filed("Letters") != 10 || filed("Tax") != 10 {
		t.Fatalf("filed %d, %d", filed("Letters"), filed("Tax"))
	}
	do(vault.BulkRemoveTopics, "Letters")
	if filed("Letters") != 0 || filed("Tax") != 10 {
		t.Fatalf("filed %d, %d", filed("Letters"), filed("Tax"))
	}
	do(vault.BulkReprocess)
	if n := app.Redis.Client.LLen(t.Context(), "asynq:{documents}:pending").Val(); n != 20 || rows(t, app, "SELECT sum(generation) FROM documents") != 20 {
		t.Fatalf("%d tasks: those of the uploads and of the reprocessing", n)
	}
	for _, d := range documents {
		finish(t, app.Vault, app, d.ID)
	}
	do(vault.BulkClassify, "Tax")
	if rows(t, app, "SELECT count(*) FROM documents WHERE classification_status = 'pending' AND cardinality(classification_among) = 1") != 10 {
		t.Fatal("not asked to classify")
	}
	do(vault.BulkDelete)
	if done, err := app.Bulk(t.Context(), anonymous, asked, vault.BulkDelete, nil); err != nil || len(done) != 0 {
		t.Fatalf("deleted twice: %v, %v", done, err)
	}
	do(vault.BulkRestore)
	do(vault.BulkRestore) // is no fault
}

func TestBulkWithoutTrash(t *testing.T) {
	t.Parallel()
	app, documents := library(t)
	app.Rules.TrashFor = 0
	done, err := app.Another(t).Bulk(t.Context(), anonymous, idsOf(documents), vault.BulkDelete, nil)
	if err != nil || len(done) != 10 {
		t.Fatalf("%d done, %v", len(done), err)
	}
	recount(t, app)
	nothingIsLeft(t, app)
}

func TestBulkRefuses(t *testing.T) {
	t.Parallel()
	app, documents := library(t)
	one := idsOf(documents[:1])
	for _, c := range []struct {
		field  string
		ids    []document.ID
		action vault.Action
		topics []string
	}{
		{"ids", make([]document.ID, 1001), vault.BulkDelete, nil},
		{"action", one, "sing", nil},
		{"action", one, "", []string{"Letters"}},
		{"topics", one, vault.BulkAddTopics, nil},
		{"topics", one, vault.BulkRemoveTopics, []string{}},
		{"topics", one, vault.BulkAddTopics, []string{"Letters", "nope"}},
		{"topics", one, vault.BulkClassify, []string{"nope"}},
	} {
		if done, err := app.Bulk(t.Context(), anonymous, c.ids, c.action, c.topics); !unknown(err, c.field) || len(done) != 0 {
			t.Errorf("%s with %v: %v, %v", c.action, c.topics, done, err)
		}
	}
	other := document.Actor{Owner: document.NewID()}
	for _, action := range []vault.Action{vault.BulkDelete, vault.BulkRestore, vault.BulkClassify, vault.BulkReprocess} {
		if done, err := app.Bulk(t.Context(), other, one, action, nil); err != nil || len(done) != 0 {
			t.Errorf("%s of another's: %v, %v", action, done, err)
		}
	}
}

func TestBulkWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	app, documents := library(t)
	app.Redis.Kill(t)
	done, err := app.Bulk(t.Context(), anonymous, idsOf(documents), vault.BulkReprocess, nil)
	if err != nil || len(done) != 10 {
		t.Fatalf("%d done, %v", len(done), err)
	}
	app.Redis.Start(t)
	runtimetest.Wait(t, 10*time.Second, "the sweeper to hand the work out", func() bool {
		sweep(t, app.Vault)
		return app.Redis.Client.LLen(t.Context(), "asynq:{documents}:pending").Val() == 10
	})
}

// TestEveryoneAtOnce has users and workers do all that touches filings and counts at once, and counts afterwards.
func TestEveryoneAtOnce(t *testing.T) {
	t.Parallel()
	app, documents := library(t)
	names := []string{"Letters", "Tax", "Invoices", "Bills"}
	for _, name := range names[1:] {
		createTopic(t, app.Vault, name, "number amount due payment")
	}
	ids := idsOf(documents)
	var brief atomic.Value // a document that does not stay
	brief.Store(document.NewID())
	some := func() []document.ID {
		shuffled := slices.Clone(ids)
		rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		return append(shuffled[:5:5], brief.Load().(document.ID))
	}
	one := func() string { return names[rand.IntN(len(names))] }
	ctx := t.Context()
	all := []func() error{
		func() error {
			return second(app.Bulk(ctx, anonymous, some(), vault.BulkAddTopics, []string{one(), one()}))
		},
		func() error { return second(app.Bulk(ctx, anonymous, some(), vault.BulkRemoveTopics, []string{one()})) },
		func() error { return second(app.Bulk(ctx, anonymous, some(), vault.BulkDelete, nil)) },
		func() error { return second(app.Bulk(ctx, anonymous, ids, vault.BulkRestore, nil)) },
		func() error { return second(app.Bulk(ctx, anonymous, some(), vault.BulkReprocess, nil)) },
		func() error { return second(app.Edit(ctx, anonymous, some()[0], vault.Edit{Topics: []string{one()}})) },
		func() error { return mergeAndRemake(ctx, app, one(), one()) },
		func() error { return removeAndRemake(ctx, app, one()) },
		func() error {
			d, _ := commit(t, app.Vault, "brief.txt", letters(100))
			brief.Store(d.ID)
			if err := second(app.Bulk(ctx, anonymous, []document.ID{d.ID}, vault.BulkAddTopics, names[:2])); err != nil {
				return errors.Join(err, app.Delete(ctx, anonymous, d.ID, true))
			}
			return app.Delete(ctx, anonymous, d.ID, true)
		},
		func() error {
			id := some()[0]
			for _, work := range []func(context.Context, document.ID, int64) (vault.Outcome, error){app.Extract, app.ClassifyTask} {
				if _, err := work(ctx, id, generation(t, app, id)); err != nil {
					return err
				}
			}
			return nil
		},
	}
	var running sync.WaitGroup
	for _, do := range all {
		running.Go(func() {
			for range 15 {
				err := do()
				var invalid *document.InvalidError // a topic that is merged just now
				if err != nil && !errors.Is(err, document.ErrNotFound) && !errors.Is(err, document.ErrConflict) && !errors.As(err, &invalid) {
					t.Error(err)
				}
			}
		})
	}
	running.Wait()
	recount(t, app)
}

// removeAndRemake removes a topic and makes it anew.
func removeAndRemake(ctx context.Context, app *runtimetest.App, name string) error {
	ids, err := topicIDs(ctx, app)
	if err != nil {
		return err
	}
	if err := app.DeleteTopic(ctx, anonymous, ids[name]); err != nil {
		return err
	}
	return second(app.CreateTopic(ctx, anonymous, name, "number amount due payment", vault.DefaultColor))
}

func topicIDs(ctx context.Context, app *runtimetest.App) (map[string]document.ID, error) {
	topics, err := app.Topics(ctx, anonymous)
	ids := map[string]document.ID{}
	for _, topic := range topics {
		ids[topic.Name] = topic.ID
	}
	return ids, err
}

// mergeAndRemake merges a topic into another and makes it anew.
func mergeAndRemake(ctx context.Context, app *runtimetest.App, from, into string) error {
	ids, err := topicIDs(ctx, app)
	if err != nil {
		return err
	}
	if _, err := app.MergeTopic(ctx, anonymous, ids[from], ids[into]); err != nil {
		return err
	}
	return second(app.CreateTopic(ctx, anonymous, from, "number amount due payment", vault.DefaultColor))
}

func idsOf(documents []document.Document) []document.ID {
	ids := make([]document.ID, len(documents))
	for i, d := range documents {
		ids[i] = d.ID
	}
	return ids
}
