package vault_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/docvault/docvault/runtime/blob"
	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/extract"
	"github.com/docvault/docvault/runtime/queue"
	"github.com/docvault/docvault/runtime/runtimetest"
	"github.com/docvault/docvault/runtime/store/sqlrows"
	"github.com/docvault/docvault/runtime/telemetry"
	"github.com/docvault/docvault/runtime/vault"
)

const invoice = "INVOICE No. 2041. Amount due: 480.00 EUR. Please pay this bill by bank transfer within 30 days. Payment reference 2041."

func TestReadAndFiled(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	createTopic(t, app.Vault, "Invoices", "bills and payments, amounts due")
	createTopic(t, app.Vault, "Recipes", "cooking, ingredients and food")
	d := upload(t, app.Vault, "invoice.txt", []byte(invoice))
	finish(t, app.Vault, app, d.ID)

	d = get(t, app.Vault, d.ID)
	if d.Status != document.StatusReady || d.Classification.Status != document.ClassificationDone || d.Classification.Provider != "builtin" {
		t.Fatalf("%+v", d)
	}
	if len(d.Topics) != 1 || d.Topics[0] != "Invoices" || d.Classification.Confidence["Invoices"] <= 0 {
		t.Fatalf("filed under %v with %v", d.Topics, d.Classification.Confidence)
	}
	text, truncated, err := app.Text(t.Context(), anonymous, d.ID, 0)
	if err != nil || truncated || text != invoice {
		t.Fatalf("%q, truncated %t, %v", text, truncated, err)
	}
	if text, truncated, _ := app.Text(t.Context(), anonymous, d.ID, 7); text != "INVOICE" || !truncated {
		t.Fatalf("%q, truncated %t", text, truncated)
	}
}

func TestFiledByHandStays(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	invoices := createTopic(t, app.Vault, "Invoices", "bills and payments, amounts due")
	byHand := createTopic(t, app.Vault, "Tax 2026", "")
	d := upload(t, app.Vault, "invoice.txt", []byte(invoice))
	exec(t, app, "INSERT INTO document_topics (document_id, topic_id, by_hand) VALUES ($1, $2, true)", d.ID.String(), byHand.ID.String())
	finish(t, app.Vault, app, d.ID)
	// Asked to choose among another topic alone: what automatic filing chose goes, what was filed by hand stays.
	createTopic(t, app.Vault, "Astronomy", "stars, planets and telescopes")
	if err := app.Classify(t.Context(), anonymous, d.ID, []string{"astronomy"}); err != nil {
		t.Fatal(err)
	}
	finish(t, app.Vault, app, d.ID)
	if d = get(t, app.Vault, d.ID); len(d.Topics) != 1 || d.Topics[0] != byHand.Name {
		t.Fatalf("filed under %v", d.Topics)
	}
	if n := count(t, app.Vault, invoices.ID); n != 0 {
		t.Fatalf("Invoices counts %d", n)
	}
}

func TestNothingToJudgeIsSkipped(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	noTopics := upload(t, app.Vault, "a.txt", []byte("a text, but no topics"))
	finish(t, app.Vault, app, noTopics.ID)
	createTopic(t, app.Vault, "Invoices", "")
	noText := upload(t, app.Vault, "b.txt", []byte(" \n\t "))
	finish(t, app.Vault, app, noText.ID)
	for _, id := range []document.ID{noTopics.ID, noText.ID} {
		if d := get(t, app.Vault, id); d.Status != document.StatusReady || d.Classification.Status != document.ClassificationSkipped {
			t.Errorf("%s, %s", d.Status, d.Classification.Status)
		}
	}
}

// gate is the real store, but that Open waits until it is opened.
type gate struct {
	blob.Store
	waiting, open chan struct{}
}

func newGate(s blob.Store) gate {
	return gate{Store: s, waiting: make(chan struct{}, 1), open: make(chan struct{})}
}

func (g gate) Open(ctx context.Context, key string, size int64) (io.ReadSeekCloser, error) {
	g.waiting <- struct{}{}
	select {
	case <-g.open:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return g.Store.Open(ctx, key, size)
}

type result struct {
	outcome vault.Outcome
	err     error
}

// begin extracts as beginWork does.
func begin(ctx context.Context, t *testing.T, app *runtimetest.App, id document.ID, timing vault.Timing) (gate, <-chan result) {
	t.Helper()
	current := generation(t, app, id)
	return beginWork(t, app, timing, func(v *vault.Vault) (vault.Outcome, error) { return v.Extract(ctx, id, current) })
}

// beginWork does work with a vault of its own, and returns once it has begun and waits at the gate.
func beginWork(
	t *testing.T, app *runtimetest.App, timing vault.Timing, work func(*vault.Vault) (vault.Outcome, error),
) (gate, <-chan result) {
	t.Helper()
	g, open, quick := newGate(app.Blobs), app.Blobs, app.Rules.Timing
	app.Blobs, app.Rules.Timing = g, timing
	v := app.Another(t)
	app.Blobs, app.Rules.Timing = open, quick
	ended := make(chan result, 1)
	go func() {
		outcome, err := work(v)
		ended <- result{outcome, err}
	}()
	select {
	case <-g.waiting:
	case r := <-ended:
		t.Fatalf("the work did not begin: %+v", r)
	}
	return g, ended
}

func TestLateWorkerCannotOverwrite(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	d := upload(t, app.Vault, "a.txt", []byte("text"))
	frozen := vault.Timing{Heartbeat: time.Hour}
	late, ended := begin(t.Context(), t, app, d.ID, frozen)
	runtimetest.Wait(t, 10*time.Second, "the work to be taken over", func() bool {
		sweep(t, app.Vault)
		return get(t, app.Vault, d.ID).Status == document.StatusPending
	})
	finish(t, app.Vault, app, d.ID)
	exec(t, app, "UPDATE document_texts SET text = 'written by the one who took over'")
	before := state(t, app, d.ID)
	close(late.open)
	if r := <-ended; r.outcome != vault.Overtaken || r.err != nil {
		t.Fatalf("the late worker ended as %+v", r)
	}
	if after := state(t, app, d.ID); after != before {
		t.Fatalf("the late worker wrote:\n%s\n%s", before, after)
	}
}

func TestOneTaskTwiceIsDoneOnce(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	d := upload(t, app.Vault, "a.txt", []byte("text"))
	first, ended := begin(t.Context(), t, app, d.ID, vault.Timing{})
	if outcome, err := app.Extract(t.Context(), d.ID, 1); outcome != vault.Nothing || err != nil {
		t.Fatalf("the second ended as %s, %v", outcome, err)
	}
	close(first.open)
	if r := <-ended; r.outcome != vault.Done || r.err != nil {
		t.Fatalf("the first ended as %+v", r)
	}
}

func TestHeartbeatKeepsSlowWork(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	d := upload(t, app.Vault, "a.txt", []byte("text"))
	slow, ended := begin(t.Context(), t, app, d.ID, runtimetest.Quick)
	// A worker whose heart beats late on a busy machine is overtaken by right. So it is the beats that are looked at, not the clock.
	begun := value(t, app, "SELECT heartbeat_at::text FROM documents")
	runtimetest.Wait(t, 15*time.Second, "the heart to beat beyond what makes a worker dead", func() bool {
		return rows(t, app, "SELECT count(*) FROM documents WHERE heartbeat_at > $1::timestamptz + interval '1 second'", begun) == 1
	})
	sweep(t, app.Vault)
	close(slow.open)
	if r := <-ended; r.outcome != vault.Done || r.err != nil {
		t.Fatalf("ended as %+v", r)
	}
}

// TestBeatsThatWaitForResults has beats come when results are written and not yet committed. They find the work ended by those very results, at
// the moment of the answers to the commits: the work was done all the same, and filing is handed out at once.
func TestBeatsThatWaitForResults(t *testing.T) {
	t.Parallel()
	const atOnce = 2
	app := runtimetest.NewApp(t)
	waiting := func() bool {
		sql := "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND wait_event_type = 'Lock'"
		return rows(t, app, sql, app.Database.Name) == 2*atOnce
	}
	for round := range 20 {
		var works []<-chan result
		var gates []gate
		for i := range atOnce {
			d := upload(t, app.Vault, "a.txt", fmt.Appendf(nil, "text %d of %d", i, round))
			work, ended := begin(t.Context(), t, app, d.ID, vault.Timing{Heartbeat: 10 * time.Millisecond})
			works, gates = append(works, ended), append(gates, work)
		}
		past(t, app, func(ctx context.Context, conn *pgx.Conn) error {
			if _, err := conn.Exec(ctx, "BEGIN; LOCK TABLE document_texts IN SHARE MODE"); err != nil {
				return err
			}
			for _, work := range gates {
				close(work.open)
			}
			runtimetest.Wait(t, 10*time.Second, "results and beats to wait", waiting)
			_, err := conn.Exec(ctx, "COMMIT")
			return err
		})
		for _, ended := range works {
			if r := <-ended; r.outcome != vault.Done || r.err != nil {
				t.Fatalf("round %d: ended as %+v", round, r)
			}
		}
	}
}

func TestStoppedWorkerHandsBack(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	d := upload(t, app.Vault, "a.txt", []byte("text"))
	ctx, stop := context.WithCancel(t.Context())
	_, ended := begin(ctx, t, app, d.ID, runtimetest.Quick)
	stop()
	if r := <-ended; r.outcome != vault.HandedBack || r.err != nil {
		t.Fatalf("ended as %+v", r)
	}
	if n := rows(t, app, "SELECT count(*) FROM documents WHERE status = 'pending' AND attempts = 0 AND generation = 2"); n != 1 {
		t.Fatal(state(t, app, d.ID))
	}
	finish(t, app.Vault, app, d.ID)
}

func TestPoisonIsGivenUp(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	d := upload(t, app.Vault, "poison.txt", []byte("kills its reader"))
	deaths := 0
	for get(t, app.Vault, d.ID).Status == document.StatusPending {
		// What a killed worker leaves: begun, and a heart that stopped.
		begun := sqlrows.BeginExtractParams{ID: d.ID, Generation: generation(t, app, d.ID)}
		if _, err := app.Store.BeginExtract(t.Context(), begun); err != nil {
			t.Fatal(err)
		}
		exec(t, app, "UPDATE documents SET heartbeat_at = now() - interval '1 hour'")
		sweep(t, app.Vault)
		if deaths++; deaths == 4 {
			if outcome, err := app.Extract(t.Context(), d.ID, generation(t, app, d.ID)); outcome != vault.Failed || err != nil {
				t.Fatalf("after %d deaths: %s, %v", deaths, outcome, err)
			}
		}
	}
	d = get(t, app.Vault, d.ID)
	if d.Status != document.StatusFailed || d.Error == nil || d.Error.Code != document.CodeMalformed {
		t.Fatalf("%s, %+v", d.Status, d.Error)
	}
	exec(t, app, "UPDATE documents SET queued_at = now() - interval '1 hour'")
	before := state(t, app, d.ID)
	sweep(t, app.Vault)
	if after := state(t, app, d.ID); after != before {
		t.Fatal("swept although it failed")
	}
	// The same file again is a wish to try again.
	if again, duplicate := commit(t, app.Vault, "poison.txt", []byte("kills its reader")); !duplicate || again.Status != document.StatusPending {
		t.Fatalf("duplicate %t, status %s", duplicate, again.Status)
	}
	finish(t, app.Vault, app, d.ID)
}

// TestPoisonOfTheReaderIsGivenUp kills the child alone, as the kernel does when a container is out of memory.
func TestPoisonOfTheReaderIsGivenUp(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	d := upload(t, app.Vault, "poison.txt", []byte("kills its reader"))
	killed := filepath.Join(t.TempDir(), "child")
	if err := os.WriteFile(killed, []byte("#!/bin/sh\nkill -9 $$\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	v := vault.New(vault.Parts{
		Store: app.Store, Blobs: app.Blobs, Queue: app.Queue, Log: app.Log.Logger(), Extractor: extract.New(extract.Limits{}, killed, ""),
	}, app.Rules)
	for try := 1; try <= 5; try++ {
		want := vault.PutOff
		if try == 5 {
			want = vault.Failed
		}
		if outcome, err := v.Extract(t.Context(), d.ID, 1); outcome != want || err != nil {
			t.Fatalf("try %d ended as %s, %v; want %s", try, outcome, err, want)
		}
	}
}

func TestStoreAwayPutsOff(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	proxy := app.ProxyStore(t)
	v := app.Another(t)
	d := upload(t, v, "a.txt", []byte("text"))
	app.Queue.Remove(t.Context(), queue.Task{Kind: queue.Extract, DocumentID: d.ID, Generation: 1}) // as a worker takes it
	proxy.Refuse()
	if outcome, err := v.Extract(t.Context(), d.ID, 1); outcome != vault.PutOff || err != nil {
		t.Fatalf("ended as %s, %v", outcome, err)
	}
	if _, err := v.Open(t.Context(), anonymous, d.ID); err == nil {
		t.Fatal("opened although the store is away")
	}
	proxy.Resume()
	runtimetest.Wait(t, 15*time.Second, "it to be handed out again", func() bool {
		sweep(t, v)
		return generation(t, app, d.ID) > 1
	})
	finish(t, v, app, d.ID)
}

// finish does as workers do, until there is nothing left to do for a document, which must then be ready.
func finish(t *testing.T, v *vault.Vault, app *runtimetest.App, id document.ID) {
	t.Helper()
	for range 10 {
		g := generation(t, app, id)
		extracted, err := v.Extract(t.Context(), id, g)
		if err != nil {
			t.Fatal(err)
		}
		classified, err := v.ClassifyTask(t.Context(), id, generation(t, app, id))
		if err != nil {
			t.Fatal(err)
		}
		if extracted == vault.Nothing && classified == vault.Nothing {
			if d := get(t, v, id); d.Status != document.StatusReady {
				t.Fatalf("ended as %s, %+v", d.Status, d.Error)
			}
			return
		}
	}
	t.Fatal("the work does not end")
}

func generation(t *testing.T, app *runtimetest.App, id document.ID) int64 {
	t.Helper()
	return rows(t, app, "SELECT generation FROM documents WHERE id = $1", id.String())
}

// state is a document's row with its text.
func state(t *testing.T, app *runtimetest.App, id document.ID) string {
	t.Helper()
	return value(t, app, "SELECT row_to_json(d)::text || coalesce(x.text, '') FROM documents d LEFT JOIN document_texts x ON x.document_id = d.id WHERE d.id = $1", id.String())
}

func get(t *testing.T, v *vault.Vault, id document.ID) document.Document {
	t.Helper()
	d, err := v.Get(t.Context(), anonymous, id)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func createTopic(t *testing.T, v *vault.Vault, name, description string) document.Topic {
	t.Helper()
	topic, err := v.CreateTopic(t.Context(), anonymous, name, description, vault.DefaultColor)
	if err != nil {
		t.Fatal(err)
	}
	return topic
}

func count(t *testing.T, v *vault.Vault, id document.ID) int64 {
	t.Helper()
	topics, err := v.Topics(t.Context(), anonymous)
	if err != nil {
		t.Fatal(err)
	}
	for _, topic := range topics {
		if topic.ID == id {
			return topic.DocCount
		}
	}
	t.Fatalf("no topic %s", id)
	return 0
}

// TestTakenOverWorkKeepsItsRequest has the sweeper find in the queue whose work it is that it hands out again, and say so.
func TestTakenOverWorkKeepsItsRequest(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	ctx := telemetry.WithRequestID(t.Context(), "edge-7")
	s, err := app.Stage(ctx, anonymous, "a.txt", strings.NewReader("text"))
	if err != nil {
		t.Fatal(err)
	}
	d, _, err := app.Commit(ctx, anonymous, s, true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := app.Store.BeginExtract(ctx, sqlrows.BeginExtractParams{ID: d.ID, Generation: 1}); err != nil {
		t.Fatal(err)
	}
	exec(t, app, "UPDATE documents SET heartbeat_at = now() - interval '1 hour'")
	sweep(t, app.Vault)
	if origin := app.Queue.Origin(queue.Task{Kind: queue.Extract, DocumentID: d.ID, Generation: 2}); origin.RequestID != "edge-7" {
		t.Errorf("handed out again on behalf of %+v", origin)
	}
	for line := range strings.SplitSeq(app.Log.String(), "\n") {
		if strings.Contains(line, "taken over") && !strings.Contains(line, "request_id=edge-7") {
			t.Errorf("a line without its request: %s", line)
		}
	}
}
