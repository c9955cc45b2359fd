package httpapi_test

import (
	"bytes"
	"image/png"
	"net/http"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/queue"
	"github.com/docvault/docvault/runtime/vault"
)

// draw makes the preview that was asked for, as a worker does.
func (a *app) draw(t *testing.T, want vault.Outcome) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), a.Database.App)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	task := queue.Task{Kind: queue.Preview, Generation: 1}
	row := conn.QueryRow(t.Context(), "SELECT document_id, id FROM previews WHERE state = 'pending'")
	if err := row.Scan(&task.DocumentID, &task.PreviewID); err != nil {
		t.Fatal(err)
	}
	if outcome, err := a.MakePreview(t.Context(), task); outcome != want || err != nil {
		t.Fatalf("drawing ended as %q, %v", outcome, err)
	}
}

func TestPreview(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	d := a.stored(t, "notes.txt", "a text that is drawn")
	url := "/api/documents/" + d.ID + "/preview"

	waits := a.get(t, url).want(t, "a preview that is to be made", http.StatusAccepted, "")
	if waits.Header.Get("Retry-After") != "1" || len(waits.body) > 0 || waits.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v %q", waits.Header, waits.body)
	}
	a.get(t, url+"?page=2").want(t, "a page of which nothing is known yet", http.StatusAccepted, "")
	a.draw(t, vault.Done)

	got := a.get(t, url+"?page=1&width=512").want(t, "the preview", http.StatusOK, "")
	drawn, err := png.Decode(bytes.NewReader(got.body))
	if err != nil || drawn.Bounds().Dx() != vault.DefaultPreviewWidth {
		t.Fatalf("%v, %v", drawn, err)
	}
	if got.Header.Get("Content-Type") != "image/png" || got.Header.Get("Content-Security-Policy") == "" ||
		got.Header.Get("Cache-Control") != "private, max-age=300" {
		t.Errorf("%v", got.Header)
	}
	a.get(t, url, "If-None-Match", got.Header.Get("ETag")).want(t, "the same again", http.StatusNotModified, "")
	a.get(t, url, "If-None-Match", `"another"`).want(t, "another version", http.StatusOK, "")
	fetch(t, a.client, http.MethodHead, a.url(url), nil).want(t, "its head", http.StatusOK, "")

	a.read(t, d.ID)
	a.get(t, url+"?page=7").want(t, "a page that does not exist", http.StatusNotFound, "no_preview")
	for _, query := range []string{"page=0", "page=-1", "page=x", "page=9999999999", "width=0", "width=1025", "width=wide", "page=1&page=2"} {
		a.get(t, url+"?"+query).want(t, query, http.StatusBadRequest, "invalid_value")
	}
	a.get(t, "/api/documents/"+document.NewID().String()+"/preview").want(t, "no document", http.StatusNotFound, "not_found")
	a.get(t, "/api/documents/x/preview").want(t, "a malformed id", http.StatusNotFound, "not_found")
	a.delete(t, "/api/documents/"+d.ID)
	a.get(t, url).want(t, "in the trash", http.StatusNotFound, "not_found")
}

func TestPreviewOfWhatCannotBeShown(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	d := a.stored(t, "broken.pdf", "%PDF-1.7\nand nothing more")
	url := "/api/documents/" + d.ID + "/preview"
	a.get(t, url).want(t, "asked for", http.StatusAccepted, "")
	a.draw(t, vault.Failed)
	problem := a.get(t, url).want(t, "it cannot be shown", http.StatusNotFound, "no_preview")
	if problem.Header.Get("ETag") != "" || problem.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v", problem.Header)
	}
}

// TestPreviewWithoutRedis is taken up all the same: what is to be done stands in Postgres.
func TestPreviewWithoutRedis(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	d := a.stored(t, "notes.txt", "a text that is drawn")
	a.Redis.Kill(t)
	a.get(t, "/api/documents/"+d.ID+"/preview").want(t, "without Redis", http.StatusAccepted, "")
	a.draw(t, vault.Done)
	a.get(t, "/api/documents/"+d.ID+"/preview").want(t, "without Redis", http.StatusOK, "")
}
