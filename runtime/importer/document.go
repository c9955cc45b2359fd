package importer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/vault"
)

// takeDocument takes over the document of one metadata file. An error ends the run; what is wrong with the document is reported.
func (i *Importer) takeDocument(ctx context.Context, item string, t *turn) error {
	e := Entry{Kind: KindDocument, Item: item}
	fields, err := readObject(i.root, item)
	if err != nil {
		return i.Report.Add(e.failed("malformed", err.Error()))
	}
	r := readRecord(item, fields)
	e.Name = r.name
	e.Notes = r.notes
	s, err := i.find(ctx, r)
	if came := t.come(ctx); came != nil {
		return came
	}
	i.Report.Unknown(item, r.unknown)
	if err == nil {
		err = i.take(ctx, r, s, t, &e)
	}
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

// source is where the bytes of a document are.
type source struct {
	file   string      // in uploads; empty: it is an object
	object vault.Found // of the bucket
	size   int64       // bytes
	sum    [sha256.Size]byte
}

// find looks for the bytes: in the bucket, then in uploads.
func (i *Importer) find(ctx context.Context, r record) (s source, err error) {
	name, located := i.locate(r)
	for _, key := range r.keys {
		err := i.patiently(ctx, func() (err error) {
			s.object, err = i.Vault.Find(ctx, i.Actor, key)
			return err
		})
		if err == nil {
			s.size, s.sum = s.object.Size, s.object.SHA256
			return s, nil
		}
		if anothers := errors.Is(err, document.ErrConflict) && located == nil; !anothers && !errors.Is(err, document.ErrNotFound) {
			return s, err
		}
	}
	if located != nil {
		return s, located
	}
	file, err := openFile(i.uploads, name)
	if err != nil {
		return s, err
	}
	defer func() { _ = file.Close() }()
	s.file = name
	s.sum, s.size, err = hashOf(file)
	return s, err
}

// take puts the outcome into e. t has come: topics are made in the order of the documents.
func (i *Importer) take(ctx context.Context, r record, s source, t *turn, e *Entry) error {
	e.compare(r, s)
	topics, err := i.topicsOf(ctx, r, e)
	if err != nil {
		return err
	}
	claims := []string{string(s.sum[:])}
	if !r.id.IsZero() {
		claims = append(claims, r.id.String())
	}
	if err := t.claim(ctx, claims...); err != nil {
		return err
	}
	doc := vault.Import{ID: r.id, Name: r.name, CreatedAt: r.createdAt}
	for _, topic := range topics {
		doc.Topics = append(doc.Topics, topic.ID)
	}
	return i.patiently(ctx, func() error {
		held, trashed, err := i.Vault.Holds(ctx, i.Actor, s.sum)
		if errors.Is(err, document.ErrNotFound) {
			return i.bring(ctx, doc, s, t, e)
		}
		if err == nil {
			e.alreadyThere(doc, topics, held, trashed, t.became(e.Item, held.ID))
		}
		return err
	})
}

// errOvertaken has another look taken at what the vault holds.
var errOvertaken = fmt.Errorf("%w: someone else brought the same bytes", document.ErrUnavailable)

// bring makes the bytes a document.
func (i *Importer) bring(ctx context.Context, doc vault.Import, s source, t *turn, e *Entry) (err error) {
	var (
		id        document.ID
		overtaken bool
	)
	if s.file == "" {
		id, overtaken, err = i.Vault.Adopt(ctx, i.Actor, doc, s.object)
	} else {
		var file *os.File
		if file, err = openFile(i.uploads, s.file); err != nil {
			return err
		}
		defer func() { _ = file.Close() }()
		id, overtaken, err = i.Vault.Import(ctx, i.Actor, doc, file)
	}
	switch {
	case err != nil:
		return err
	case overtaken:
		return errOvertaken
	}
	e.ID, e.Outcome = id.String(), Imported
	t.became(e.Item, id)
	if !doc.ID.IsZero() && doc.ID != id {
		e.note("another document has the id %s: this one got %s", doc.ID, id)
	}
	return nil
}

func hashOf(file *os.File) (sum [sha256.Size]byte, size int64, err error) {
	hash := sha256.New()
	if size, err = io.Copy(hash, file); err != nil {
		return sum, size, unreadable(file.Name())
	}
	return [sha256.Size]byte(hash.Sum(nil)), size, nil
}

// alreadyThere puts into e that the vault holds the same bytes: as earlier, another item of this run, or, if that is empty, from before.
// What was not taken over because of that is noted, unless it is the same document: then its users may have changed it since.
func (e *Entry) alreadyThere(doc vault.Import, topics []document.Topic, held document.Document, trashed bool, earlier string) {
	e.ID, e.Outcome = held.ID.String(), AlreadyThere
	if trashed {
		e.note("the document is in the trash")
	}
	var lost []string
	switch {
	case earlier != "":
		e.note("%s comes first and has the same bytes: both are document %s", quoted(earlier), held.ID)
	case doc.ID == held.ID:
		return
	case !doc.ID.IsZero():
		e.note("the vault had the same bytes before, as document %s", held.ID)
	}
	if !doc.ID.IsZero() && doc.ID != held.ID {
		lost = append(lost, "its id "+doc.ID.String())
	}
	if doc.Name != held.OriginalName {
		lost = append(lost, fmt.Sprintf("its name %q", doc.Name))
	}
	if !doc.CreatedAt.IsZero() && doc.CreatedAt.UnixMicro() != held.CreatedAt.UnixMicro() {
		lost = append(lost, "its time "+doc.CreatedAt.Format(time.RFC3339Nano))
	}
	for _, topic := range topics {
		if !slices.ContainsFunc(held.Topics, func(name string) bool { return strings.EqualFold(name, topic.Name) }) {
			lost = append(lost, fmt.Sprintf("its topic %q", topic.Name))
		}
	}
	if len(lost) > 0 {
		e.note("not taken over: %s", strings.Join(lost, ", "))
	}
}

// compare notes where the bytes are not what the metadata says: they may have been damaged or replaced.
func (e *Entry) compare(r record, s source) {
	if r.size >= 0 && r.size != s.size {
		e.note("the metadata says %d bytes, and there are %d", r.size, s.size)
	}
	if r.sha256 != "" && r.sha256 != hex.EncodeToString(s.sum[:]) {
		e.note("the SHA-256 is not the one that the metadata says")
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
