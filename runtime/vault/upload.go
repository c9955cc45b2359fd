package vault

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/extract"
	"github.com/docvault/docvault/runtime/queue"
	"github.com/docvault/docvault/runtime/store/sqlrows"
)

// commitTimeout bounds a commit, which must not wait for its sender. The database takes milliseconds for it.
const commitTimeout = 15 * time.Second

var errGivenUp = fmt.Errorf("%w: the upload was given up before it ended", document.ErrUnavailable)

// Staged is a file that lies in the object store and is no document yet: Commit makes it one, Discard gives it up.
type Staged struct {
	objectID, documentID document.ID
	key, name            string
	kind                 extract.Type
	size                 int64
	sha256               []byte
}

// Stage streams a file into the object store under the name its sender gave it. Memory does not grow with the file.
// Errors: document.ErrEmpty, ErrTooLarge, ErrUnsupportedType, ErrCutOff, ErrUnavailable.
func (v *Vault) Stage(ctx context.Context, a document.Actor, name string, body io.Reader) (*Staged, error) {
	return v.stage(ctx, a, document.NewID(), name, body)
}

func (v *Vault) stage(ctx context.Context, a document.Actor, id document.ID, name string, body io.Reader) (*Staged, error) {
	in := &intake{body: body, hash: sha256.New(), room: v.rules.MaxUploadBytes}
	head, kind, err := in.detect()
	if err != nil {
		return nil, err
	}
	s := &Staged{objectID: document.NewID(), documentID: id, name: name, kind: kind}
	s.key = keyOf(a.Owner, s.documentID, kind)
	object := sqlrows.AddObjectParams{ID: s.objectID, Key: s.key, DocumentID: s.documentID}
	if err := v.store.AddObject(ctx, object); err != nil {
		return nil, fmt.Errorf("add the object's row: %w", err)
	}
	if err := v.put(ctx, s, io.MultiReader(bytes.NewReader(head), in)); err != nil {
		v.Discard(ctx, s)
		if in.err != nil {
			return nil, in.err
		}
		return nil, fmt.Errorf("store the file: %w", err)
	}
	s.size, s.sha256 = in.size, in.hash.Sum(nil)
	return s, nil
}

// keyOf is a new key for an object of a document.
func keyOf(owner, id document.ID, kind extract.Type) string {
	return fmt.Sprintf("%s/%s/%s%s", owner, id, document.NewID(), kind.Ext)
}

func (v *Vault) put(ctx context.Context, s *Staged, body io.Reader) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	seen := time.Now()
	beat := func(ctx context.Context, id document.ID) (rows int64, err error) {
		rows, err = v.store.BeatObject(ctx, id)
		switch {
		case err == nil:
			seen = time.Now()
		case time.Since(seen) > v.timing.StaleObject:
			return 0, nil // the sweeper has given it up, or will before a beat gets through
		}
		return rows, err
	}
	go v.keepAlive(ctx, beat, s.objectID, end)
	err := v.blobs.Put(ctx, s.key, s.kind.MIME, body)
	if err != nil && errors.Is(context.Cause(ctx), document.ErrStale) {
		return errGivenUp
	}
	return err
}

// Commit makes a staged file a document and queues its reading. When the owner has the same bytes already, that document is
// returned and duplicate is true: out of the trash if it was there, tried again, with the new bytes, if it had failed.
func (v *Vault) Commit(
	ctx context.Context, a document.Actor, s *Staged, autoClassify bool,
) (d document.Document, duplicate bool, err error) {
	// Whether the sender still waits is of no matter any more: an end in the middle of a statement would leave open what became of it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	// The other document may be removed for good between the two statements: then there is none, and this one can be added.
	for range 3 {
		added, err := v.store.AddDocument(ctx, s.row(a, autoClassify))
		switch {
		case errors.Is(err, document.ErrNotFound):
			v.Discard(ctx, s) // the sweeper may have been there before its last byte
			return d, false, errGivenUp
		case err != nil:
			v.Discard(ctx, s)
			return d, false, fmt.Errorf("add the document: %w", err)
		case added.Inserted:
			v.handOut(ctx, queue.Task{Kind: queue.Extract, DocumentID: s.documentID, Generation: 1})
			return s.document(a, added, autoClassify), false, nil
		}
		if err := v.revive(ctx, a, s, autoClassify); !errors.Is(err, document.ErrNotFound) {
			v.Discard(ctx, s)
			if err == nil {
				d, err = v.bySHA256(ctx, a, s.sha256)
			}
			return d, true, err
		}
	}
	v.Discard(ctx, s)
	return d, false, fmt.Errorf("%w: the same file is being added and removed", document.ErrUnavailable)
}

func (v *Vault) revive(ctx context.Context, a document.Actor, s *Staged, autoClassify bool) error {
	row, err := v.store.ReviveDuplicate(ctx, sqlrows.ReviveDuplicateParams{
		Owner: a.Owner, Sha256: s.sha256, ObjectID: s.objectID, AutoClassify: autoClassify,
	})
	if err != nil {
		return fmt.Errorf("revive the duplicate: %w", err)
	}
	if row.Status == document.StatusPending {
		v.handOut(ctx, queue.Task{Kind: queue.Extract, DocumentID: row.ID, Generation: row.Generation})
	}
	return nil
}

// Discard gives a staged file up, unless a document has it after all: an error of a commit may be a lost answer and nothing more.
// What cannot be removed now the sweeper removes.
func (v *Vault) Discard(ctx context.Context, s *Staged) {
	ctx, cancel := afterwards(ctx)
	defer cancel()
	live := false
	err := v.store.DropObject(ctx, s.objectID)
	if err == nil {
		live, err = v.store.ObjectIsLive(ctx, s.objectID)
	}
	if err == nil && !live {
		err = v.deleteObject(ctx, s.objectID, s.key)
	}
	if err != nil {
		v.log.WarnContext(ctx, "upload not cleared away; the sweeper will", "object", s.objectID, "error", err)
	}
}

// deleteObject is the first of the two deletions of a dying object.
func (v *Vault) deleteObject(ctx context.Context, id document.ID, key string) error {
	if err := v.blobs.Delete(ctx, key); err != nil {
		return fmt.Errorf("delete the object: %w", err)
	}
	return v.store.ObjectDeleted(ctx, id)
}

func (s *Staged) row(a document.Actor, autoClassify bool) sqlrows.AddDocumentParams {
	return sqlrows.AddDocumentParams{
		ObjectID: s.objectID, Owner: a.Owner, OriginalName: s.name, MimeType: s.kind.MIME, Kind: s.kind.Kind,
		Size: s.size, Sha256: s.sha256, ClassificationStatus: classificationAsked(autoClassify),
	}
}

func (s *Staged) document(a document.Actor, added sqlrows.AddDocumentRow, autoClassify bool) document.Document {
	return document.Document{
		ID: s.documentID, Owner: a.Owner, OriginalName: s.name, MIMEType: s.kind.MIME, Kind: s.kind.Kind, Size: s.size,
		SHA256: hex.EncodeToString(s.sha256), ObjectKey: s.key, Status: document.StatusPending, Topics: []string{},
		Classification: document.Classification{Status: classificationAsked(autoClassify), Confidence: map[string]float64{}},
		CreatedAt:      added.CreatedAt.UTC(), UpdatedAt: added.CreatedAt.UTC(),
	}
}

func classificationAsked(auto bool) document.ClassificationStatus {
	if auto {
		return document.ClassificationPending
	}
	return document.ClassificationNone
}

// intake hashes and counts what is read. It keeps the error that ended the reading, because what reads it may answer with another.
type intake struct {
	body io.Reader
	hash hash.Hash
	room int64 // bytes that may still come
	size int64
	err  error
}

// detect reads the first bytes and tells the type from them.
func (i *intake) detect() (head []byte, kind extract.Type, err error) {
	head = make([]byte, extract.HeadBytes)
	n, err := io.ReadFull(i, head)
	switch {
	case i.err != nil:
		return nil, kind, i.err
	case n == 0 && errors.Is(err, io.EOF):
		return nil, kind, document.ErrEmpty
	}
	kind, err = extract.Detect(head[:n])
	return head[:n], kind, err
}

// Read implements io.Reader. The only end of a body is io.EOF: anything else, io.ErrUnexpectedEOF too, is document.ErrCutOff.
func (i *intake) Read(p []byte) (int, error) {
	if i.err != nil {
		return 0, i.err
	}
	n, err := i.body.Read(p)
	i.hash.Write(p[:n])
	i.size += int64(n)
	i.room -= int64(n)
	switch {
	case i.room < 0, errors.Is(err, document.ErrTooLarge):
		i.err = document.ErrTooLarge
		return 0, i.err
	case err == io.EOF: // itself: one that is wrapped is a fault
		return n, io.EOF
	case err != nil:
		i.err = fmt.Errorf("%w: %w", document.ErrCutOff, err)
		return n, i.err
	}
	return n, nil
}
