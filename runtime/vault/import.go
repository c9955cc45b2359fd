package vault

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/extract"
	"github.com/docvault/docvault/runtime/queue"
	"github.com/docvault/docvault/runtime/store"
	"github.com/docvault/docvault/runtime/store/sqlrows"
)

// Import is what another product knew of a document. It is filed automatically only if it had no topics.
type Import struct {
	ID        document.ID // kept if it is free; the nil UUID: there was none
	Name      string
	CreatedAt time.Time     // zero: now
	Topics    []document.ID // it counts as filed under them by hand
}

// Holds returns the document that has these bytes, and whether it is in the trash. Errors: document.ErrNotFound.
func (v *Vault) Holds(ctx context.Context, a document.Actor, sum [sha256.Size]byte) (d document.Document, trashed bool, err error) {
	row, err := v.store.GetDocumentBySHA256(ctx, sqlrows.GetDocumentBySHA256Params{Owner: a.Owner, Sha256: sum[:]})
	if err != nil {
		return d, false, fmt.Errorf("look for the bytes: %w", err)
	}
	d, err = v.document(ctx, row)
	return d, row.DeletedAt != nil, err
}

// Found is an object that the bucket holds.
type Found struct {
	Size   int64 // bytes
	SHA256 [sha256.Size]byte

	key  string
	kind extract.Type
}

// Find looks at an object that the bucket held before the vault knew of it, or that a document has already. It reads all of it, except
// where a document's row tells the same. Errors: document.ErrNotFound (no such object), ErrConflict (it belongs to something else), and
// those of Stage.
func (v *Vault) Find(ctx context.Context, a document.Actor, key string) (f Found, err error) {
	f.key = key
	holder, err := v.store.HolderOfKey(ctx, sqlrows.HolderOfKeyParams{Key: key, Owner: a.Owner})
	switch {
	case err == nil && holder.Sha256 == nil:
		return f, fmt.Errorf("%w: the object belongs to something else", document.ErrConflict)
	case err == nil:
		f.Size, f.SHA256 = holder.Size, [sha256.Size]byte(holder.Sha256)
		return f, nil
	case !errors.Is(err, document.ErrNotFound):
		return f, fmt.Errorf("look for the key: %w", err)
	}
	size, err := v.blobs.Size(ctx, key)
	if err != nil {
		return f, err
	}
	body, err := v.blobs.Open(ctx, key, size)
	if err != nil {
		return f, err
	}
	defer body.Close()
	in := &intake{body: body, hash: sha256.New(), room: v.rules.MaxUploadBytes}
	if _, f.kind, err = in.detect(); err != nil {
		return f, err
	}
	if _, err := io.Copy(io.Discard, in); err != nil {
		return f, fmt.Errorf("read the object: %w", err)
	}
	f.Size, f.SHA256 = in.size, [sha256.Size]byte(in.hash.Sum(nil))
	return f, nil
}

// Import stores a document of another product, its bytes as an upload's. When the owner has the same bytes already, that document
// stays as it is, also in the trash, and duplicate is true. Errors: as Stage, and document.ErrConflict (the id was just taken).
func (v *Vault) Import(ctx context.Context, a document.Actor, i Import, body io.Reader) (id document.ID, duplicate bool, err error) {
	id, err = v.freeID(ctx, i.ID)
	if err != nil {
		return id, false, err
	}
	s, err := v.stage(ctx, a, id, i.Name, body)
	if err != nil {
		return id, false, err
	}
	id, duplicate, err = v.commitImport(ctx, a, i, s, nil)
	if duplicate || err != nil {
		v.Discard(ctx, s)
	}
	return id, duplicate, err
}

// Adopt makes an object that Find found a document, under the key that it has. Nothing is copied; an object that is not taken over stays
// as it was. Errors: document.ErrConflict (it belongs to something else by now).
func (v *Vault) Adopt(ctx context.Context, a document.Actor, i Import, f Found) (id document.ID, duplicate bool, err error) {
	if id, err = v.freeID(ctx, i.ID); err != nil {
		return id, false, err
	}
	s := &Staged{
		objectID: document.NewID(), documentID: id, key: f.key, name: i.Name, kind: f.kind, size: f.Size, sha256: f.SHA256[:],
	}
	return v.commitImport(ctx, a, i, s, &sqlrows.AddObjectParams{ID: s.objectID, Key: f.key, DocumentID: id})
}

func (v *Vault) commitImport(
	ctx context.Context, a document.Actor, i Import, s *Staged, adopted *sqlrows.AddObjectParams,
) (id document.ID, duplicate bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	row := s.row(a, len(i.Topics) == 0)
	if !i.CreatedAt.IsZero() {
		row.CreatedAt = &i.CreatedAt
	}
	added, err := v.store.AddImported(ctx, store.Imported{AddDocumentParams: row, Topics: i.Topics, Adopted: adopted})
	switch {
	case err == nil && added.Inserted:
		v.handOut(ctx, queue.Task{Kind: queue.Extract, DocumentID: s.documentID, Generation: 1})
		return s.documentID, false, nil
	case errors.Is(err, document.ErrNotFound):
		return id, false, errGivenUp
	case err != nil && !errors.Is(err, document.ErrConflict):
		return id, false, fmt.Errorf("add the document: %w", err)
	}
	d, held := v.bySHA256(ctx, a, s.sha256)
	switch {
	case held == nil:
		return d.ID, true, nil
	case err != nil && errors.Is(held, document.ErrNotFound):
		return id, false, fmt.Errorf("add the document: %w", err)
	}
	return id, false, fmt.Errorf("%w: the same file is being added and removed", document.ErrUnavailable)
}

// freeID returns wanted, or another id if there is none or a document has it.
func (v *Vault) freeID(ctx context.Context, wanted document.ID) (document.ID, error) {
	if wanted.IsZero() {
		return document.NewID(), nil
	}
	taken, err := v.store.DocumentExists(ctx, wanted)
	if err != nil {
		return wanted, fmt.Errorf("look for the id: %w", err)
	}
	if taken {
		return document.NewID(), nil
	}
	return wanted, nil
}

// ImportTopic returns the id of the topic of t's name. One that is not there is added, under t's id if that is free; one that is stays
// as it is. Errors: *document.InvalidError.
func (v *Vault) ImportTopic(ctx context.Context, a document.Actor, t document.Topic) (id document.ID, added bool, err error) {
	p := TopicPatch{Name: &t.Name, Description: &t.Description, Color: &t.Color}
	if err := p.check(); err != nil {
		return id, false, err
	}
	for _, id := range []document.ID{t.ID, document.NewID()} {
		found, err := v.topicsNamed(ctx, a, []string{strings.TrimSpace(t.Name)})
		var unknown *document.InvalidError
		switch {
		case err == nil:
			return found[0], false, nil
		case !errors.As(err, &unknown):
			return id, false, err
		case id.IsZero():
			continue
		}
		err = v.store.AddTopic(ctx, sqlrows.AddTopicParams{
			ID: id, Owner: a.Owner, Name: *p.Name, Description: *p.Description, Color: *p.Color,
		})
		if !errors.Is(err, document.ErrConflict) {
			return id, err == nil, err
		}
	}
	return id, false, fmt.Errorf("%w: the same topic is being added and removed", document.ErrUnavailable)
}

// HasSettings tells whether settings were stored. Until then the defaults hold.
func (v *Vault) HasSettings(ctx context.Context, a document.Actor) (bool, error) {
	_, err := v.store.Setting(ctx, sqlrows.SettingParams{Owner: a.Owner, Name: classificationSetting})
	if errors.Is(err, document.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for settings: %w", err)
	}
	return true, nil
}
