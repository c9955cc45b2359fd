package store

import (
	"context"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/store/sqlrows"
)

// Imported is a document that another product had.
type Imported struct {
	sqlrows.AddDocumentParams
	Topics []document.ID
	// Adopted is the row of an object that the bucket had before the vault knew of it; nil: the object was staged.
	Adopted *sqlrows.AddObjectParams
}

// AddImported adds a document with its topics and the row of an object that it adopts, all or nothing: the sweeper, which removes
// objects that nobody writes any more, never sees one that is adopted without its document.
// Errors: document.ErrNotFound (the staged object was given up), ErrConflict (the id or the key is taken or, with an adopted object,
// the owner has the same bytes already).
func (s *Store) AddImported(ctx context.Context, i Imported) (row sqlrows.AddDocumentRow, err error) {
	err = s.inTx(ctx, func(q *sqlrows.Queries) error {
		if i.Adopted != nil {
			if err := q.AddObject(ctx, *i.Adopted); err != nil {
				return err
			}
		}
		var err error
		if row, err = q.AddDocument(ctx, i.AddDocumentParams); err != nil {
			return err
		}
		switch {
		case row.Inserted:
			return q.FileImported(ctx, sqlrows.FileImportedParams{DocumentID: row.DocumentID, Topics: i.Topics})
		case i.Adopted != nil:
			return document.ErrConflict
		}
		return nil
	})
	return row, err
}
