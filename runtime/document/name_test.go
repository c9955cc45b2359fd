package document_test

import (
	"strings"
	"testing"

	"github.com/docvault/docvault/runtime/document"
)

func TestStoredName(t *testing.T) {
	t.Parallel()
	letters := strings.Repeat("ä", 400)
	for _, c := range []struct{ about, sent, want string }{
		{"plain", "report.pdf", "report.pdf"},
		{"path", "/etc/passwd", "passwd"},
		{"path of Windows", `C:\Users\me\Letter to "Bob".docx`, `Letter to "Bob".docx`},
		{"mixed path", `a/b\c.txt`, "c.txt"},
		{"climbing path", "../../x.txt", "x.txt"},
		{"control characters", "a\r\nb\tc\x7f\u0085.txt", "abc.txt"},
		{"spaces and letters of the world", " Übersicht 概要 .txt", " Übersicht 概要 .txt"},
		{"400 letters", letters, strings.Repeat("ä", 127)},
		{"just short enough", strings.Repeat("x", 255), strings.Repeat("x", 255)},
		{"one too long", strings.Repeat("x", 256), strings.Repeat("x", 255)},
		{"a long one with an extension", strings.Repeat("x", 400) + ".pdf", strings.Repeat("x", 251) + ".pdf"},
		{"an extension that is none", "a." + strings.Repeat("x", 400), "a." + strings.Repeat("x", 253)},
		{"nothing", "", "unnamed"},
		{"a folder", "folder/", "unnamed"},
		{"parent", "..", "unnamed"},
		{"nothing but control characters", "\n\n", "unnamed"},
	} {
		if got := document.StoredName(c.sent); got != c.want {
			t.Errorf("%s: StoredName(%q) = %q, want %q", c.about, c.sent, got, c.want)
		}
	}
}
