package vault_test

import (
	"archive/zip"
	"bytes"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/runtimetest"
)

func docx(t *testing.T, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	part, err := w.Create("word/document.xml")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := part.Write([]byte("<document><p><t>" + text + "</t></p></document>")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// The type is told from the content whatever the name says, and decides kind, media type and the end of the object's key.
func TestFormatsByContent(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	for _, c := range []struct {
		name    string
		content []byte
		kind    document.Kind
		ext     string
	}{
		{"letter.zip", docx(t, invoice), document.KindOffice, ".docx"},
		{"mail.pdf", []byte("From: a@example.org\r\nTo: b@example.org\r\nSubject: Bill\r\n\r\n" + invoice), document.KindEmail, ".eml"},
		{"page.txt", []byte("<!DOCTYPE html><p>" + invoice), document.KindText, ".html"},
		{"text.PNG", []byte(`{\rtf1 ` + invoice + `}`), document.KindOffice, ".rtf"},
	} {
		d := upload(t, app.Vault, c.name, c.content)
		finish(t, app.Vault, app, d.ID)
		d = get(t, app.Vault, d.ID)
		if d.Status != document.StatusReady || d.Kind != c.kind || path.Ext(d.ObjectKey) != c.ext {
			t.Errorf("%s: %+v", c.name, d)
		}
		if text, _, err := app.Text(t.Context(), anonymous, d.ID, 0); err != nil || !strings.Contains(text, invoice) {
			t.Errorf("%s: %q, %v", c.name, text, err)
		}
	}
}

func TestZipBombFailsForGood(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	d := upload(t, app.Vault, "bomb.docx", docx(t, strings.Repeat(" ", 20<<20)))
	if _, err := app.Vault.Extract(t.Context(), d.ID, 1); err != nil {
		t.Fatal(err)
	}
	if d = get(t, app.Vault, d.ID); d.Status != document.StatusFailed || d.Error == nil || d.Error.Code != document.CodeTooLargeToRead {
		t.Errorf("%+v", d)
	}
}

func TestImageIsReadByOCR(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	letter, err := os.ReadFile("../extract/testdata/letter.webp")
	if err != nil {
		t.Fatal(err)
	}
	d := upload(t, app.Vault, "letter.txt", letter)
	finish(t, app.Vault, app, d.ID)
	d = get(t, app.Vault, d.ID)
	text, _, err := app.Text(t.Context(), anonymous, d.ID, 0)
	if d.Status != document.StatusReady || d.Kind != document.KindImage || err != nil || !strings.Contains(text, "harbour master") {
		t.Errorf("%+v: %q, %v", d, text, err)
	}
}
