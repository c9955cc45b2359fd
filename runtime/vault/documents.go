package vault

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"time"
	"unicode/utf8"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/extract"
	"github.com/docvault/docvault/runtime/queue"
	"github.com/docvault/docvault/runtime/store/sqlrows"
)

// MaxLinkFor is how long a download link may work, at most.
const MaxLinkFor = 24 * time.Hour

// Content is a document and its bytes as uploaded. Reads fetch ranges; Close it.
type Content struct {
	Document document.Document
	io.ReadSeekCloser
}

// Get returns a document that is not in the trash. Errors: document.ErrNotFound.
func (v *Vault) Get(ctx context.Context, a document.Actor, id document.ID) (document.Document, error) {
	row, err := v.store.GetDocument(ctx, sqlrows.GetDocumentParams{ID: id, Owner: a.Owner})
	if err != nil {
		return document.Document{}, fmt.Errorf("get the document: %w", err)
	}
	return v.document(ctx, row)
}

func (v *Vault) bySHA256(ctx context.Context, a document.Actor, sum []byte) (document.Document, error) {
	row, err := v.store.GetDocumentBySHA256(ctx, sqlrows.GetDocumentBySHA256Params{Owner: a.Owner, Sha256: sum})
	if err != nil {
		return document.Document{}, fmt.Errorf("get the document: %w", err)
	}
	return v.document(ctx, row)
}

// Text returns the first limit bytes of what was read, cut at a rune (limit 0: all of it), and whether more was kept.
// A document that is not read yet has no text, which is no error. Errors: document.ErrNotFound.
func (v *Vault) Text(ctx context.Context, a document.Actor, id document.ID, limit int64) (text string, truncated bool, err error) {
	if limit <= 0 || limit > math.MaxInt32 {
		limit = math.MaxInt32
	}
	// A character has at least a byte: as many characters hold all the bytes that are wanted.
	row, err := v.store.DocumentText(ctx, sqlrows.DocumentTextParams{ID: id, Owner: a.Owner, Characters: int32(limit)})
	if err != nil {
		return "", false, fmt.Errorf("get the text: %w", err)
	}
	text, cut := firstBytes(row.Text, int(limit))
	return text, row.More || cut, nil
}

func firstBytes(text string, limit int) (first string, cut bool) {
	if len(text) <= limit {
		return text, false
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit], true
}

// Open returns a document's bytes. Errors: document.ErrNotFound, ErrUnavailable.
func (v *Vault) Open(ctx context.Context, a document.Actor, id document.ID) (*Content, error) {
	d, err := v.Get(ctx, a, id)
	if err != nil {
		return nil, err
	}
	body, err := v.blobs.Open(ctx, d.ObjectKey, d.Size)
	if err != nil {
		return nil, fmt.Errorf("open the object: %w", err)
	}
	return &Content{Document: d, ReadSeekCloser: body}, nil
}

// charsetBytes is how much of a text is looked at to name its encoding.
const charsetBytes = 64 << 10

// MediaType is the document's type, of a plain text with its encoding; it reads the beginning for that.
func (c *Content) MediaType() (string, error) {
	if c.Document.MIMEType != "text/plain" {
		return c.Document.MIMEType, nil
	}
	beginning, err := io.ReadAll(io.LimitReader(c, charsetBytes))
	if err == nil {
		_, err = c.Seek(0, io.SeekStart)
	}
	if err != nil {
		return "", fmt.Errorf("look at the encoding: %w", err)
	}
	return "text/plain; charset=" + extract.Charset(beginning), nil
}

// DownloadURL returns a link to a document's bytes that works without the vault until expiresAt.
// Errors: document.ErrNotFound, *document.InvalidError (expires is not 1 minute to 24 hours).
func (v *Vault) DownloadURL(
	ctx context.Context, a document.Actor, id document.ID, expires time.Duration,
) (url string, expiresAt time.Time, err error) {
	if expires < time.Minute || expires > MaxLinkFor {
		return "", expiresAt, &document.InvalidError{Field: "expires_minutes", Detail: "is 1 to 1440"}
	}
	d, err := v.Get(ctx, a, id)
	if err != nil {
		return "", expiresAt, err
	}
	expiresAt = time.Now().Add(expires).UTC().Truncate(time.Second)
	url, err = v.blobs.Presign(ctx, d.ObjectKey, d.OriginalName, d.MIMEType, expires)
	return url, expiresAt, err
}

// Delete puts a document into the trash, or (permanent, also from the trash) removes it, its object and its queued work.
// Errors: document.ErrNotFound.
func (v *Vault) Delete(ctx context.Context, a document.Actor, id document.ID, permanent bool) error {
	if permanent || v.rules.TrashFor == 0 {
		return v.purge(ctx, a, id)
	}
	trashed, err := v.store.TrashAll(ctx, a.Owner, []document.ID{id})
	if err != nil {
		return fmt.Errorf("trash the document: %w", err)
	}
	if len(trashed) == 0 {
		return document.ErrNotFound
	}
	return nil
}

func (v *Vault) purge(ctx context.Context, a document.Actor, id document.ID) error {
	tasks, err := v.pendingPreviews(ctx, id)
	if err != nil {
		return err
	}
	gone, err := v.store.PurgeDocument(ctx, sqlrows.PurgeDocumentParams{ID: id, Owner: a.Owner})
	if err != nil {
		return fmt.Errorf("remove the document: %w", err)
	}
	ctx, cancel := afterwards(ctx)
	defer cancel()
	for _, kind := range []queue.Kind{queue.Extract, queue.Classify} {
		tasks = append(tasks, queue.Task{Kind: kind, DocumentID: id, Generation: gone.Generation})
	}
	v.queue.Remove(ctx, tasks...)
	if err := v.deleteObject(ctx, gone.ObjectID, gone.ObjectKey); err != nil {
		v.log.WarnContext(ctx, "object not deleted; the sweeper will", "object", gone.ObjectID, "error", err)
	}
	return nil
}

// Restore takes a document out of the trash; one that is not there stays as it is. Errors: document.ErrNotFound.
func (v *Vault) Restore(ctx context.Context, a document.Actor, id document.ID) (document.Document, error) {
	restored, err := v.store.RestoreAll(ctx, a.Owner, []document.ID{id})
	if err != nil {
		return document.Document{}, fmt.Errorf("restore the document: %w", err)
	}
	if len(restored) == 0 {
		return document.Document{}, document.ErrNotFound
	}
	return v.Get(ctx, a, id)
}

func (v *Vault) document(ctx context.Context, row sqlrows.Document) (document.Document, error) {
	documents, err := v.documents(ctx, []sqlrows.Document{row})
	if err != nil {
		return document.Document{}, err
	}
	return documents[0], nil
}

// documents adds to rows what they are filed under, with one query for all.
func (v *Vault) documents(ctx context.Context, rows []sqlrows.Document) ([]document.Document, error) {
	documents := make([]document.Document, len(rows))
	ids := make([]document.ID, len(rows))
	at := make(map[document.ID]*document.Document, len(rows))
	for i, row := range rows {
		documents[i], ids[i] = fromRow(row), row.ID
		at[row.ID] = &documents[i]
	}
	if len(rows) == 0 {
		return documents, nil
	}
	filings, err := v.store.FilingsOf(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("list the topics: %w", err)
	}
	for _, f := range filings {
		d := at[f.DocumentID]
		d.Topics = append(d.Topics, f.Name)
		if !f.ByHand {
			d.Classification.Confidence[f.Name] = math.Round(float64(f.Confidence)*10_000) / 10_000 // not 0.6200000047683716
		}
	}
	return documents, nil
}

func fromRow(row sqlrows.Document) document.Document {
	return document.Document{
		ID: row.ID, Owner: row.Owner, OriginalName: row.OriginalName, MIMEType: row.MimeType, Kind: row.Kind, Size: row.Size,
		SHA256: hex.EncodeToString(row.Sha256), ObjectKey: row.ObjectKey, Status: row.Status,
		Error: problem(row.ErrorCode, row.ErrorDetail), Topics: []string{},
		Classification: document.Classification{
			Status: row.ClassificationStatus, Provider: row.ClassificationProvider, Model: row.ClassificationModel,
			Confidence: map[string]float64{}, Error: problem(row.ClassificationErrorCode, row.ClassificationErrorDetail),
		},
		PageCount: int(row.PageCount), Language: row.Language, TextTruncated: row.TextTruncated,
		CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(),
	}
}

func problem(code, detail *string) *document.Problem {
	if code == nil {
		return nil
	}
	p := &document.Problem{Code: *code}
	if detail != nil {
		p.Detail = *detail
	}
	return p
}
