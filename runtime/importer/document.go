package importer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/vault"
)

// takeDocument takes over the document of one metadata file. An error ends the run; what is wrong with the document is reported.
func (i *Importer) takeDocument(ctx context.Context, item string) error {
	e := Entry{Kind: KindDocument, Item: item}
	fields, err := readObject(i.root, item)
	if err != nil {
		return i.Report.Add(e.failed("malformed", err.Error()))
	}
	r := readRecord(item, fields)
	i.Report.Unknown(item, r.unknown)
	e.Name = r.name
	e.Notes = r.notes
	err = i.take(ctx, r, &e)
	if endsRun(ctx, err) {
		return err
	}
	if err != nil {
		e = e.failed(why(err))
	}
	return i.Report.Add(e)
}

func endsRun(ctx context.Context, err error) bool {
	return errors.Is(err, errAway) || (err != nil && ctx.Err() != nil)
}

// take puts the outcome into e.
func (i *Importer) take(ctx context.Context, r record, e *Entry) error {
	topics, err := i.topicsOf(ctx, r, e)
	if err != nil {
		return err
	}
	doc := vault.Import{ID: r.id, Name: r.name, CreatedAt: r.createdAt, Topics: topics}
	name, located := i.locate(r)
	for _, key := range r.keys {
		err := i.adopt(ctx, doc, key, e)
		if takenAlready := errors.Is(err, document.ErrConflict) && located == nil; !takenAlready && !errors.Is(err, document.ErrNotFound) {
			return err
		}
	}
	if located != nil {
		return located
	}
	return i.upload(ctx, doc, r, name, e)
}

// adopt takes an object over under its key. Errors: document.ErrNotFound (there is none).
func (i *Importer) adopt(ctx context.Context, doc vault.Import, key string, e *Entry) error {
	id, held, err := document.ID{}, true, error(nil)
	err = i.patiently(ctx, func() error {
		id, err = i.Vault.HoldsKey(ctx, i.Actor, key)
		if errors.Is(err, document.ErrNotFound) {
			id, held, err = i.Vault.Adopt(ctx, i.Actor, doc, key)
		}
		return err
	})
	if err == nil {
		e.took(doc, id, held)
	}
	return err
}

// upload brings a file in; one whose bytes the vault has already is not sent.
func (i *Importer) upload(ctx context.Context, doc vault.Import, r record, name string, e *Entry) error {
	file, err := openFile(i.uploads, name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	sum, size, err := hashOf(file)
	if err != nil {
		return err
	}
	e.compare(r, sum, size)
	return i.patiently(ctx, func() error {
		held, err := i.Vault.Holds(ctx, i.Actor, sum)
		if err == nil {
			e.took(doc, held.ID, true)
		}
		if !errors.Is(err, document.ErrNotFound) {
			return err
		}
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return unreadable(name)
		}
		id, duplicate, err := i.Vault.Import(ctx, i.Actor, doc, file)
		if err == nil {
			e.took(doc, id, duplicate)
		}
		return err
	})
}

func hashOf(file *os.File) (sum [sha256.Size]byte, size int64, err error) {
	hash := sha256.New()
	if size, err = io.Copy(hash, file); err != nil {
		return sum, size, unreadable(file.Name())
	}
	return [sha256.Size]byte(hash.Sum(nil)), size, nil
}

// took puts into e that a document was taken over, or was there.
func (e *Entry) took(doc vault.Import, id document.ID, held bool) {
	e.ID, e.Outcome = id.String(), Imported
	if held {
		e.Outcome = AlreadyThere
	}
	switch {
	case doc.ID.IsZero() || doc.ID == id:
	case held && len(doc.Topics) > 0:
		e.note("the same bytes are there as document %s, to which the topics of this one were not added", id)
	case held:
		e.note("the same bytes are there as document %s", id)
	default:
		e.note("another document has the id %s; this one got %s", doc.ID, id)
	}
}

// compare notes where the file is not what its metadata says: it may have been damaged or replaced.
func (e *Entry) compare(r record, sum [sha256.Size]byte, size int64) {
	if r.size >= 0 && r.size != size {
		e.note("the metadata says %d bytes, the file has %d", r.size, size)
	}
	if r.sha256 != "" && r.sha256 != hex.EncodeToString(sum[:]) {
		e.note("the file's SHA-256 is not the one in the metadata")
	}
}

func (e *Entry) note(format string, args ...any) {
	e.Notes = append(e.Notes, fmt.Sprintf(format, args...))
}

// failure is why something cannot be taken over, for people and for programs.
type failure struct{ code, reason string }

// Error implements error.
func (f failure) Error() string { return f.reason }

// why puts an error into the report's words.
func why(err error) (code, reason string) {
	if f, ok := errors.AsType[failure](err); ok {
		return f.code, f.reason
	}
	switch {
	case errors.Is(err, document.ErrEmpty):
		return "empty_file", "the file is empty"
	case errors.Is(err, document.ErrTooLarge):
		return "too_large", "the file is larger than MAX_UPLOAD_BYTES"
	case errors.Is(err, document.ErrUnsupportedType):
		return "unsupported_type", "files of this type are not supported"
	case errors.Is(err, document.ErrCutOff):
		return "unreadable", "the file cannot be read to its end"
	case errors.Is(err, document.ErrConflict):
		return "conflict", "its id, or its object in the bucket, was taken by another document"
	}
	return "internal", err.Error()
}
