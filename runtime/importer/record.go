package importer

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/docvault/docvault/runtime/document"
)

// The names that a field of metadata may have. Of several, the first that is there counts.
var (
	idFields       = []string{"id", "document_id", "doc_id", "uuid"}
	originalFields = []string{"original_name", "original_filename", "original_file_name", "display_name"}
	plainFields    = []string{"filename", "file_name", "name", "title"} // the original name, or the stored one beside it
	locationFields = []string{
		"stored_name", "stored_filename", "saved_name", "saved_filename", "file_path", "filepath", "path", "upload_path", "storage_path",
	}
	keyFields     = []string{"object_key", "storage_key", "s3_key", "minio_key", "object_name"}
	createdFields = []string{"created_at", "upload_date", "uploaded_at", "upload_time", "created", "timestamp", "date"}
	topicFields   = []string{"topics", "topic", "topic_ids", "tags", "categories", "category", "labels"}
	sizeFields    = []string{"size", "file_size", "size_bytes"}
	sumFields     = []string{"sha256", "content_hash", "file_hash", "checksum", "hash"}
)

// maxKeyBytes is what object stores take.
const maxKeyBytes = 1024

// classificationField holds what was chosen, with or without a topic's names.
const classificationField = "classification"

// madeAnew is what the vault finds out by itself: from the bytes, or by reading them.
var madeAnew = []string{
	"content_type", "mime_type", "mimetype", "file_type", "type", "extension", "extracted_text", "text", "text_content", "text_truncated",
	"page_count", "pages", "language", "word_count", "char_count", "status", "processing_status", "processed", "error", "error_message",
	"confidence", "classification_status", "classification_error", "classified_at", "processed_at", "provider", "model", "ai_provider",
	"updated_at", "modified_at", "last_modified",
}

// known are all of these.
var known = func() map[string]bool {
	names := map[string]bool{classificationField: true}
	for _, list := range [][]string{
		idFields, originalFields, plainFields, locationFields, keyFields, createdFields, topicFields, sizeFields, sumFields, madeAnew,
	} {
		for _, name := range list {
			names[name] = true
		}
	}
	return names
}()

// record is what one metadata file says of a document.
type record struct {
	id        document.ID // the nil UUID: none
	name      string
	idTexts   []string // what its id was given as, and the id
	keys      []string // that its object may have in the bucket
	locations []string // where its file may be
	createdAt time.Time
	topics    []reference
	size      int64  // -1: unknown
	sha256    string // hex, lower case; empty: unknown

	unknown []string // fields
	notes   []string // what was not understood of known ones
}

// readRecord understands what it can. item is the metadata's own path: its name may be the id.
func readRecord(item string, fields map[string]json.RawMessage) record {
	r := record{size: -1}
	f := fieldSet{fields: map[string]json.RawMessage{}, record: &r}
	for name, value := range fields {
		lower := strings.ToLower(name)
		switch {
		case string(value) == "null":
		case known[lower]:
			f.fields[lower] = value
		default:
			r.unknown = append(r.unknown, name)
		}
	}
	stem := strings.TrimSuffix(path.Base(item), path.Ext(item))
	r.readID(f.texts(idFields), stem)
	original := f.texts(originalFields)
	plain := f.texts(plainFields[:2])
	named := f.texts(keyFields)
	r.keys = slices.DeleteFunc(slices.Clone(named), func(key string) bool { return !fs.ValidPath(key) || len(key) > maxKeyBytes })
	r.locations = append(f.texts(locationFields), named...)
	if len(original) > 0 {
		r.locations = append(r.locations, plain...)
	}
	r.name = document.StoredName(validText(slices.Concat(original, plain, f.texts(plainFields[2:]), r.locations, []string{stem})[0]))
	r.createdAt = f.instant(createdFields)
	r.topics = f.topics()
	if size, ok := f.number(sizeFields); ok {
		r.size = size
	}
	for _, sum := range f.texts(sumFields) {
		if sum = strings.ToLower(strings.TrimPrefix(sum, "sha256:")); isSHA256(sum) {
			r.sha256 = sum
			break
		}
	}
	slices.Sort(r.unknown)
	return r
}

func (r *record) readID(given []string, stem string) {
	for _, text := range append(given, stem) {
		r.idTexts = append(r.idTexts, text)
		if id, err := parseID(text); err == nil && !id.IsZero() {
			r.id = id
			r.idTexts = append(r.idTexts, id.String())
			return
		}
	}
	if len(given) > 0 {
		r.note(fmt.Sprintf("its id %q is no UUID, and was not taken over", given[0]))
	}
}

func (r *record) note(text string) { r.notes = append(r.notes, text) }

// guesses are the names that a file may have in uploads/ although its metadata does not say so.
func (r *record) guesses() []string {
	guesses := []string{}
	for _, id := range r.idTexts {
		if fs.ValidPath(id) && !strings.ContainsAny(id, `/\`) && id != "." {
			guesses = append(guesses, id+path.Ext(r.name), id, id+"_"+r.name, id+"/"+r.name)
		}
	}
	if len(r.locations) == 0 {
		guesses = append(guesses, r.name)
	}
	return guesses
}

// parseID also takes 32 digits without dashes, as Python's uuid.hex writes them.
func parseID(text string) (document.ID, error) {
	if len(text) == 32 {
		text = text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
	}
	return document.ParseID(text)
}

func isSHA256(text string) bool {
	return len(text) == 64 && strings.Trim(text, "0123456789abcdef") == ""
}

// validText is what Postgres takes as text.
func validText(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "")
}
