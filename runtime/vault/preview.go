package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/extract"
	"github.com/docvault/docvault/runtime/queue"
	"github.com/docvault/docvault/runtime/store/sqlrows"
	"github.com/docvault/docvault/runtime/telemetry"
)

// Widths of previews, in pixels.
const (
	MinPreviewWidth     = 1
	DefaultPreviewWidth = 512
	MaxPreviewWidth     = extract.MaxRenderWidth
)

// widthsOfPage are kept of one page. The oldest goes for another, so that what is kept is bounded whatever is asked for.
const widthsOfPage = 8

// States of a preview.
const (
	previewReady = "ready"
	previewNone  = "none"
)

// typePNG is what previews are.
var typePNG = extract.Type{MIME: "image/png", Kind: document.KindImage, Ext: ".png"}

// Preview is a picture of a page, PNG. Reads fetch ranges; Close it.
type Preview struct {
	ID document.ID // of the picture: another picture of the same page has another
	io.ReadSeekCloser
}

// Preview returns the picture of a page (from 1) in a width. Where there is none yet a worker is asked for it, and ready is false: ask
// again in a second. Errors: document.ErrNotFound, ErrNoPreview, ErrUnavailable (the object store).
func (v *Vault) Preview(ctx context.Context, a document.Actor, id document.ID, page, width int) (p *Preview, ready bool, err error) {
	d, err := v.store.GetDocument(ctx, sqlrows.GetDocumentParams{ID: id, Owner: a.Owner})
	if err != nil {
		return nil, false, fmt.Errorf("get the document: %w", err)
	}
	if known, has := hasPage(d, page); !has {
		if known {
			return nil, false, document.ErrNoPreview
		}
		return nil, false, nil // which pages there are, reading it will tell
	}
	wanted := sqlrows.GetPreviewParams{DocumentID: id, Page: int32(page), Width: int32(width)} //nolint:gosec // within a document's pages
	row, err := v.store.GetPreview(ctx, wanted)
	var gone document.ID
	switch {
	case errors.Is(err, document.ErrNotFound):
	case err != nil:
		return nil, false, fmt.Errorf("get the preview: %w", err)
	case row.State == previewNone:
		return nil, false, document.ErrNoPreview
	case row.State != previewReady:
		return nil, false, nil
	default:
		body, err := v.blobs.Open(ctx, *row.ObjectKey, *row.Size)
		if !errors.Is(err, document.ErrNotFound) {
			return &Preview{ID: *row.ObjectID, ReadSeekCloser: body}, err == nil, err
		}
		gone = row.ID // the store lost it
	}
	return nil, false, v.askPreview(ctx, wanted, gone)
}

// hasPage tells whether a document has a page, if that is known. Before it is read, and if it never could be, the first page may be
// shown and no other: so the rows of a document are bounded by its pages.
func hasPage(d sqlrows.Document, page int) (known, has bool) {
	switch {
	case page == 1:
		return true, true
	case d.Status == document.StatusPending, d.Status == document.StatusProcessing:
		return false, false
	}
	return true, page <= int(d.PageCount)
}

func (v *Vault) askPreview(ctx context.Context, p sqlrows.GetPreviewParams, gone document.ID) error {
	err := v.store.DropPreviews(ctx, sqlrows.DropPreviewsParams{
		DocumentID: p.DocumentID, Page: p.Page, Width: p.Width, Gone: gone, Others: widthsOfPage - 1,
	})
	if err != nil {
		return fmt.Errorf("drop what it stands in for: %w", err)
	}
	asked, err := v.store.AskPreview(ctx, sqlrows.AskPreviewParams{
		ID: document.NewID(), DocumentID: p.DocumentID, Page: p.Page, Width: p.Width,
	})
	if errors.Is(err, document.ErrNotFound) {
		return nil // who asked at the same time has it handed out
	}
	if err != nil {
		return fmt.Errorf("ask for the preview: %w", err)
	}
	v.handOut(ctx, queue.Task{Kind: queue.Preview, DocumentID: p.DocumentID, PreviewID: asked.ID, Generation: asked.Generation})
	return nil
}

// MakePreview makes a picture, as a task of a worker. Errors as with Extract.
func (v *Vault) MakePreview(ctx context.Context, t queue.Task) (Outcome, error) {
	begun, err := v.store.BeginPreview(ctx, sqlrows.BeginPreviewParams{ID: t.PreviewID, Generation: t.Generation})
	if errors.Is(err, document.ErrNotFound) {
		return Nothing, nil
	}
	if err != nil {
		return "", fmt.Errorf("begin: %w", err)
	}
	return v.work(ctx, t, int(begun.Attempts), func(working context.Context) error {
		picture, err := v.render(working, begun)
		if err != nil {
			return err
		}
		return v.keepPicture(ctx, t, begun, picture)
	})
}

// render holds no connection of the database while it fetches and draws.
func (v *Vault) render(ctx context.Context, begun sqlrows.BeginPreviewRow) ([]byte, error) {
	file, err := v.fetch(ctx, begun.ObjectKey, begun.Size)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	drawing, end := telemetry.Step(ctx, "draw")
	picture, err := v.extractor.Render(drawing, begun.MimeType, file, int(begun.Page), int(begun.Width))
	end(err)
	var never *document.ReadError
	switch {
	case errors.As(err, &never):
		return nil, verdict{document.Problem{Code: never.Code, Detail: never.Detail}}
	case errors.Is(err, document.ErrNotFound):
		return nil, verdict{document.Problem{Code: "no_such_page", Detail: "The document has no such page."}}
	case err != nil:
		return nil, fmt.Errorf("draw the page: %w", err)
	}
	return picture, nil
}

// keepPicture stores a picture as Stage and Commit do an upload: its object has a row before its first byte.
func (v *Vault) keepPicture(ctx context.Context, t queue.Task, begun sqlrows.BeginPreviewRow, picture []byte) error {
	s := &Staged{objectID: document.NewID(), documentID: begun.DocumentID, kind: typePNG}
	s.key = keyOf(begun.Owner, begun.DocumentID, typePNG)
	object := sqlrows.AddObjectParams{ID: s.objectID, Key: s.key, DocumentID: s.documentID}
	if err := v.store.AddObject(ctx, object); err != nil {
		return fmt.Errorf("add the object's row: %w", err)
	}
	kept, err := int64(0), v.put(ctx, s, bytes.NewReader(picture))
	if err == nil {
		kept, err = v.store.FinishPreview(ctx, sqlrows.FinishPreviewParams{
			ID: t.PreviewID, Generation: t.Generation, ObjectID: s.objectID, Size: int64(len(picture)),
		})
	}
	if err == nil && kept == 0 {
		err = document.ErrStale
	}
	if err != nil {
		v.Discard(ctx, s)
		return fmt.Errorf("keep the picture: %w", err)
	}
	return nil
}

// pendingPreviews are the tasks of a document's previews, as far as a queue may hold them.
func (v *Vault) pendingPreviews(ctx context.Context, id document.ID) ([]queue.Task, error) {
	rows, err := v.store.PendingPreviews(ctx, sqlrows.PendingPreviewsParams{DocumentID: id, AtMost: atMost})
	if err != nil {
		return nil, fmt.Errorf("list the previews: %w", err)
	}
	tasks := make([]queue.Task, len(rows))
	for i, row := range rows {
		tasks[i] = queue.Task{Kind: queue.Preview, DocumentID: id, PreviewID: row.ID, Generation: row.Generation}
	}
	return tasks, nil
}

// takeOverPreviews gives the previews of dead workers to others.
func (v *Vault) takeOverPreviews(ctx context.Context) error {
	dead, err := v.store.TakeOverPreviews(ctx, sqlrows.TakeOverPreviewsParams{After: v.timing.DeadAfter, AtMost: atMost})
	if err != nil {
		return fmt.Errorf("take over previews from dead workers: %w", err)
	}
	for _, p := range dead {
		if ctx.Err() != nil { // as in takeOver
			return fmt.Errorf("hand out what was taken over: %w", ctx.Err())
		}
		v.handOver(ctx, queue.Task{Kind: queue.Preview, DocumentID: p.DocumentID, PreviewID: p.ID, Generation: p.Generation})
	}
	return nil
}

// handOutLostPreviews is handOutLost for previews.
func (v *Vault) handOutLostPreviews(ctx context.Context) error {
	rows, err := v.store.WaitingPreviews(ctx, sqlrows.WaitingPreviewsParams{After: v.timing.WaitsAfter, AtMost: atMost})
	if err != nil {
		return fmt.Errorf("list waiting previews: %w", err)
	}
	waiting := make([]queue.Task, len(rows))
	for i, p := range rows {
		waiting[i] = queue.Task{Kind: queue.Preview, DocumentID: p.DocumentID, PreviewID: p.ID, Generation: p.Generation}
	}
	queued, err := v.handOutMissing(ctx, waiting)
	if err != nil || len(queued) == 0 {
		return err
	}
	ids := make([]document.ID, len(queued))
	for i, t := range queued {
		ids[i] = t.PreviewID
	}
	if err := v.store.PreviewsStillQueued(ctx, ids); err != nil {
		return fmt.Errorf("note what is queued: %w", err)
	}
	return nil
}
