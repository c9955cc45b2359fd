package vault_test

import (
	"bytes"
	"errors"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/extract"
	"github.com/docvault/docvault/runtime/queue"
	"github.com/docvault/docvault/runtime/runtimetest"
	"github.com/docvault/docvault/runtime/store/sqlrows"
	"github.com/docvault/docvault/runtime/vault"
)

// asked asks for a preview that must not be there yet, and returns the task that makes it.
func asked(t *testing.T, app *runtimetest.App, id document.ID, page, width int) queue.Task {
	t.Helper()
	if p, ready, err := app.Preview(t.Context(), anonymous, id, page, width); p != nil || ready || err != nil {
		t.Fatalf("page %d: ready %t, %v", page, ready, err)
	}
	return previewTask(t, app, id, page, width)
}

func previewTask(t *testing.T, app *runtimetest.App, id document.ID, page, width int) queue.Task {
	t.Helper()
	const which = " FROM previews WHERE document_id = $1 AND page = $2 AND width = $3"
	preview, err := document.ParseID(value(t, app, "SELECT id::text"+which, id.String(), page, width))
	if err != nil {
		t.Fatal(err)
	}
	generation := rows(t, app, "SELECT generation"+which, id.String(), page, width)
	return queue.Task{Kind: queue.Preview, DocumentID: id, PreviewID: preview, Generation: generation}
}

func makePreview(t *testing.T, v *vault.Vault, task queue.Task, want vault.Outcome) {
	t.Helper()
	if outcome, err := v.MakePreview(t.Context(), task); outcome != want || err != nil {
		t.Fatalf("ended as %q, %v; want %q", outcome, err, want)
	}
}

// shown fetches a preview that must be there, and returns its id.
func shown(t *testing.T, app *runtimetest.App, id document.ID, page, width int) document.ID {
	t.Helper()
	p, ready, err := app.Preview(t.Context(), anonymous, id, page, width)
	if !ready || err != nil {
		t.Fatalf("ready %t, %v", ready, err)
	}
	defer p.Close()
	content, err := io.ReadAll(p)
	if err != nil {
		t.Fatal(err)
	}
	if drawn, err := png.Decode(bytes.NewReader(content)); err != nil || drawn.Bounds().Dx() != width {
		t.Fatalf("%v, %v", drawn, err)
	}
	return p.ID
}

func noPreview(t *testing.T, app *runtimetest.App, id document.ID, page int) {
	t.Helper()
	if _, _, err := app.Preview(t.Context(), anonymous, id, page, 256); !errors.Is(err, document.ErrNoPreview) {
		t.Fatalf("page %d: %v", page, err)
	}
}

func pdf(t *testing.T) []byte {
	t.Helper()
	content, err := os.ReadFile("../../test/documents/invoice.pdf")
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestPreviewIsMadeOnce(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	d := upload(t, app.Vault, "invoice.pdf", pdf(t))
	task := asked(t, app, d.ID, 1, 300)
	if again := asked(t, app, d.ID, 1, 300); again != task {
		t.Fatalf("asked again as %+v", again)
	}
	if n := app.Redis.Client.LLen(t.Context(), "asynq:{previews}:pending").Val(); n != 1 {
		t.Fatalf("%d tasks", n)
	}
	// Which other pages there are is not known yet, so none has a row.
	if _, ready, err := app.Preview(t.Context(), anonymous, d.ID, 2, 300); ready || err != nil {
		t.Fatalf("ready %t, %v", ready, err)
	}
	makePreview(t, app.Vault, task, vault.Done)
	makePreview(t, app.Vault, task, vault.Nothing)
	first := shown(t, app, d.ID, 1, 300)
	if second := shown(t, app, d.ID, 1, 300); second != first {
		t.Fatal("another picture")
	}
	finish(t, app.Vault, app, d.ID)
	noPreview(t, app, d.ID, 99)
	if n := rows(t, app, "SELECT count(*) FROM previews"); n != 1 {
		t.Fatalf("%d rows", n)
	}
	if n := rows(t, app, "SELECT count(*) FROM objects WHERE document_id = $1 AND state = 'live'", d.ID.String()); n != 2 {
		t.Fatalf("%d objects", n)
	}
	if _, _, err := app.Preview(t.Context(), anonymous, document.NewID(), 1, 300); !errors.Is(err, document.ErrNotFound) {
		t.Fatalf("%v", err)
	}
}

func TestPurgeTakesPreviewsAlong(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	d := upload(t, app.Vault, "a.txt", []byte("some text"))
	makePreview(t, app.Vault, asked(t, app, d.ID, 1, 300), vault.Done)
	shown(t, app, d.ID, 1, 300)
	waits := asked(t, app, d.ID, 1, 400)
	if err := app.Delete(t.Context(), anonymous, d.ID, true); err != nil {
		t.Fatal(err)
	}
	if inQueue, err := app.Queue.Waits(waits); inQueue || err != nil {
		t.Fatalf("the task is still queued: %v", err)
	}
	makePreview(t, app.Vault, waits, vault.Nothing)
	emptied(t, app)
}

// emptied waits until nothing is left: no preview, no object, no row of one.
func emptied(t *testing.T, app *runtimetest.App) {
	t.Helper()
	runtimetest.Wait(t, 30*time.Second, "all objects to be gone", func() bool {
		if err := app.SweepStorage(t.Context()); err != nil {
			t.Fatal(err)
		}
		objects, _ := app.Bucket.Keys(t)
		return len(objects) == 0 && rows(t, app, "SELECT (SELECT count(*) FROM objects) + (SELECT count(*) FROM previews)") == 0
	})
}

// TestPurgedWhileDrawn removes the document under a worker that draws it: what the worker brings is not kept.
func TestPurgedWhileDrawn(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	d := upload(t, app.Vault, "a.txt", []byte("some text"))
	g, ended := beginPreview(t, app, asked(t, app, d.ID, 1, 300), vault.Timing{Heartbeat: time.Hour})
	if _, err := app.Store.PurgeDocument(t.Context(), sqlrows.PurgeDocumentParams{ID: d.ID}); err != nil {
		t.Fatal(err)
	}
	close(g.open)
	if r := <-ended; r.outcome != vault.Overtaken || r.err != nil {
		t.Fatalf("%+v", r)
	}
	emptied(t, app)
}

// beginPreview draws as beginWork does.
func beginPreview(t *testing.T, app *runtimetest.App, task queue.Task, timing vault.Timing) (gate, <-chan result) {
	t.Helper()
	return beginWork(t, app, timing, func(v *vault.Vault) (vault.Outcome, error) { return v.MakePreview(t.Context(), task) })
}

// TestLatePreviewIsNotKept takes the work over from a worker that only seemed dead.
func TestLatePreviewIsNotKept(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	d := upload(t, app.Vault, "a.txt", []byte("some text"))
	task := asked(t, app, d.ID, 1, 300)
	g, ended := beginPreview(t, app, task, vault.Timing{Heartbeat: time.Hour})
	runtimetest.Wait(t, 15*time.Second, "the sweeper to take it over", func() bool {
		sweep(t, app.Vault)
		return previewTask(t, app, d.ID, 1, 300).Generation > task.Generation
	})
	makePreview(t, app.Vault, previewTask(t, app, d.ID, 1, 300), vault.Done)
	first := shown(t, app, d.ID, 1, 300)
	close(g.open)
	if r := <-ended; r.outcome != vault.Overtaken || r.err != nil {
		t.Fatalf("%+v", r)
	}
	if shown(t, app, d.ID, 1, 300) != first {
		t.Fatal("the late picture was kept")
	}
	if n := rows(t, app, "SELECT count(*) FROM objects WHERE state <> 'dying'"); n != 2 {
		t.Fatalf("%d objects", n)
	}
}

func TestPreviewHandedOutAgain(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	d := upload(t, app.Vault, "a.txt", []byte("some text"))
	task := asked(t, app, d.ID, 1, 300)
	app.Redis.Kill(t) // which has no file
	asked(t, app, d.ID, 1, 400)
	app.Redis.Start(t)
	for width, before := range map[int]int64{300: task.Generation, 400: 1} {
		runtimetest.Wait(t, 30*time.Second, "it to be handed out again", func() bool {
			_ = app.SweepWork(t.Context())
			now := previewTask(t, app, d.ID, 1, width)
			waits, err := app.Queue.Waits(now)
			return err == nil && waits && now.Generation > before
		})
		makePreview(t, app.Vault, previewTask(t, app, d.ID, 1, width), vault.Done)
		shown(t, app, d.ID, 1, width)
	}
}

// TestPoisonPage kills its reader each time. It is tried four times, and then only when the document has changed.
func TestPoisonPage(t *testing.T) {
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
	task := asked(t, app, d.ID, 1, 256)
	for range 4 {
		makePreview(t, v, task, vault.PutOff)
	}
	makePreview(t, v, task, vault.Failed)
	noPreview(t, app, d.ID, 1)
	exec(t, app, "UPDATE previews SET queued_at = now() - interval '1 hour'")
	sweep(t, app.Vault)
	makePreview(t, v, previewTask(t, app, d.ID, 1, 256), vault.Nothing)
	noPreview(t, app, d.ID, 1)
	finish(t, app.Vault, app, d.ID) // it was read: a newer program may know how
	makePreview(t, app.Vault, asked(t, app, d.ID, 1, 256), vault.Done)
	shown(t, app, d.ID, 1, 256)
}

func TestWhatCannotBeShown(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	d := upload(t, app.Vault, "broken.pdf", []byte("%PDF-1.7\nand nothing more"))
	makePreview(t, app.Vault, asked(t, app, d.ID, 1, 256), vault.Failed)
	noPreview(t, app, d.ID, 1)
	if outcome, err := app.Extract(t.Context(), d.ID, 1); outcome != vault.Failed || err != nil {
		t.Fatalf("%s, %v", outcome, err)
	}
	noPreview(t, app, d.ID, 2)
	makePreview(t, app.Vault, asked(t, app, d.ID, 1, 256), vault.Failed) // once more after the document has changed
	noPreview(t, app, d.ID, 1)
}

// TestWidthsOfAPageAreBounded asks for ever more: the oldest go, objects too.
func TestWidthsOfAPageAreBounded(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	d := upload(t, app.Vault, "a.txt", []byte("some text"))
	for width := 100; width < 112; width++ {
		makePreview(t, app.Vault, asked(t, app, d.ID, 1, width), vault.Done)
	}
	if n := rows(t, app, "SELECT count(*) FROM previews WHERE width >= 104"); n != 8 || rows(t, app, "SELECT count(*) FROM previews") != 8 {
		t.Fatalf("%d of the newest widths", n)
	}
	if n := rows(t, app, "SELECT count(*) FROM objects WHERE state = 'dying'"); n != 4 {
		t.Fatalf("%d objects go", n)
	}
}

// TestVoidPreviews makes pictures anew that are of other bytes, or that the store lost.
func TestVoidPreviews(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	d := upload(t, app.Vault, "a.txt", []byte("some text"))
	makePreview(t, app.Vault, asked(t, app, d.ID, 1, 300), vault.Done)
	first := shown(t, app, d.ID, 1, 300)
	if err := app.Blobs.Delete(t.Context(), value(t, app, "SELECT object_key FROM previews")); err != nil {
		t.Fatal(err)
	}
	makePreview(t, app.Vault, asked(t, app, d.ID, 1, 300), vault.Done)
	second := shown(t, app, d.ID, 1, 300)

	exec(t, app, "UPDATE documents SET status = 'failed'")
	before := value(t, app, "SELECT object_id::text FROM documents")
	commit(t, app.Vault, "a.txt", []byte("some text"))
	if after := value(t, app, "SELECT object_id::text FROM documents"); after == before {
		t.Fatal("the document has no new object")
	}
	waiting := asked(t, app, d.ID, 1, 300)
	makePreview(t, app.Vault, waiting, vault.Done)
	if third := shown(t, app, d.ID, 1, 300); third == second || second == first {
		t.Fatal("the picture of the old object is still shown")
	}
	if n := rows(t, app, "SELECT count(*) FROM objects WHERE state = 'live'"); n != 2 {
		t.Fatalf("%d live objects", n)
	}
}
