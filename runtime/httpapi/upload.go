package httpapi

import (
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/vault"
)

const (
	// maxParts and maxFieldBytes bound what may come along with the file; maxFormBytes is room for all of that and the boundaries.
	maxParts      = 100
	maxFieldBytes = 64 << 10
	maxFormBytes  = 1 << 20
	// discardWithin bounds the clean-up after an upload that failed; the sweeper does what is left.
	discardWithin = 10 * time.Second
)

// upload streams the file into the store when it meets it, and makes it a document only after the closing boundary.
func (a *api) upload(c *call) (any, error) {
	if a.config.MaxUploadBytes > 0 && c.ContentLength > a.config.MaxUploadBytes+maxFormBytes {
		return nil, document.ErrTooLarge
	}
	parts, err := c.MultipartReader()
	if errors.Is(err, http.ErrNotMultipart) {
		return nil, errMediaType("multipart/form-data")
	}
	if err != nil {
		return nil, errMalformed("The form's boundary is missing.")
	}
	form := upload{api: a, call: c, autoClassify: true}
	if err := form.read(parts); err != nil {
		form.discard()
		return nil, err
	}
	d, duplicate, err := a.vault.Commit(c.Context(), a.actor(c.Request), form.staged, form.autoClassify)
	if err != nil {
		return nil, err
	}
	return newDocumentBody(d, duplicate), nil
}

// upload is a form as far as it has been read.
type upload struct {
	*api
	*call
	staged       *vault.Staged
	autoClassify bool
	seen         map[string]bool
}

// read takes all parts, in any order. Only the closing boundary ends it without an error.
func (u *upload) read(parts *multipart.Reader) error {
	u.seen = map[string]bool{}
	for range maxParts {
		part, err := parts.NextRawPart()
		if err == io.EOF { // itself, not wrapped: the closing boundary. A wrapped one is the end of the bytes.
			return u.complete()
		}
		if _, unreadable := errors.AsType[textproto.ProtocolError](err); unreadable {
			return errMalformed("The header of a part cannot be read. A name, such as that of the file, must not hold NUL or line breaks.")
		}
		if err != nil {
			return errMalformed("The form is broken, or ended before its closing boundary.")
		}
		if err := u.take(part); err != nil {
			return err
		}
	}
	return errMalformed("The form has too many fields.")
}

func (u *upload) complete() error {
	if u.staged == nil {
		return errMissingFile()
	}
	return nil
}

func (u *upload) take(part *multipart.Part) error {
	name := part.FormName()
	if !isText(name) {
		return errBadText()
	}
	if name != "file" && name != "auto_classify" {
		if _, isFile := sentName(part.Header); isFile {
			return errMissingFile()
		}
		_, err := readField(part)
		return err
	}
	if u.seen[name] {
		return errBadParameter(name, "must not be given more than once.")
	}
	u.seen[name] = true
	if name == "file" {
		return u.takeFile(part)
	}
	value, err := readField(part)
	if err != nil {
		return err
	}
	u.autoClassify, err = parseBool(name, strings.TrimSpace(value))
	return err
}

func (u *upload) takeFile(part *multipart.Part) error {
	sent, given := sentName(part.Header)
	if !given {
		return errMissingFile()
	}
	if !isText(sent) {
		return errBadText()
	}
	staged, err := u.vault.Stage(u.Context(), u.actor(u.Request), document.StoredName(sent), part)
	u.staged = staged
	return err
}

// discard gives up what was staged, also when the client is gone.
func (u *upload) discard() {
	if u.staged == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(u.Context()), discardWithin)
	defer cancel()
	u.vault.Discard(ctx, u.staged)
}

func readField(part *multipart.Part) (string, error) {
	value, err := io.ReadAll(io.LimitReader(part, maxFieldBytes+1))
	switch {
	case err != nil:
		return "", errMalformed("The form is broken, or ended before its closing boundary.")
	case len(value) > maxFieldBytes:
		return "", errTooLarge("A field beside the file is larger than 64 KiB.")
	case !isText(string(value)):
		return "", errBadText()
	}
	return string(value), nil
}

// isText reports whether s is text as the API takes it: UTF-8 without NUL.
func isText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }
