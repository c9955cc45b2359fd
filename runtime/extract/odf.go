package extract

import (
	"context"
	"encoding/xml"
	"errors"
	"io/fs"
	"os"

	"github.com/docvault/docvault/runtime/document"
)

// odfPage is the element that makes a page, by type.
var odfPage = map[string]string{typeODS.MIME: "table", typeODP.MIME: "page"}

// readODF reads an OpenDocument file: a text as one page with its headers and footers, sheets and slides as a page each. Notes and
// comments follow the text of their page.
func readODF(_ context.Context, file *os.File, r request) (Result, error) {
	a, err := openArchive(file, r.Limits)
	if err != nil {
		return Result{}, err
	}
	if err := a.refuseEncrypted(); err != nil {
		return Result{}, err
	}
	out := &pages{room: r.Limits.MaxTextBytes}
	margins := newODFMargins(out.room)
	if r.MIME == typeODT.MIME {
		if err := a.readPart("styles.xml", margins); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return Result{}, err
		}
		out.write(margins.headers.page.String())
		out.separate(blankLine)
	}
	body := &odfText{out: out, notes: &pages{room: out.room}, page: odfPage[r.MIME], most: r.Limits.MaxPages}
	err = a.readPart("content.xml", body)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Result{}, &document.ReadError{
			Code: document.CodeMalformed, Detail: "The file is an archive like an OpenDocument, but holds none.",
		}
	case err != nil:
		return Result{}, err
	case len(out.done) > r.Limits.MaxPages:
		return Result{}, tooLarge("The file has more than %d sheets or slides. Split it.", r.Limits.MaxPages)
	}
	body.end()
	if body.page == "" {
		out.separate(blankLine)
		out.write(margins.footers.page.String())
	}
	return out.result(), nil
}

// refuseEncrypted looks into the manifest, which stays readable.
func (a *archive) refuseEncrypted() error {
	m := &odfManifest{}
	if err := a.readPart("META-INF/manifest.xml", m); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if m.encrypted {
		return passwordRequired()
	}
	return nil
}

type odfManifest struct{ encrypted bool }

func (m *odfManifest) open(name string, _ []xml.Attr) bool {
	m.encrypted = m.encrypted || name == "encryption-data"
	return true
}

func (*odfManifest) close(string) {}
func (*odfManifest) text(string)  {}
func (m *odfManifest) full() bool { return m.encrypted }
