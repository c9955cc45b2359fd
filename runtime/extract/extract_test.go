package extract_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/extract"
)

// The test binary is its own child. DOCVAULT_TEST_CHILD makes it a bad one; only a script can set it, children inherit nothing.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == extract.ChildCommand {
		os.Exit(child(os.Getenv("DOCVAULT_TEST_CHILD")))
	}
	os.Exit(m.Run())
}

func child(behaviour string) int {
	switch behaviour {
	case "hog":
		for hoard := [][]byte{}; ; {
			hoard = append(hoard, bytes.Repeat([]byte{1}, 1<<20))
		}
	case "breeder":
		hog := exec.Command(os.Args[0], extract.ChildCommand)
		hog.Env = []string{"DOCVAULT_TEST_CHILD=hog"}
		hog.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		_ = hog.Run()
	case "sleep":
		time.Sleep(time.Hour) // without C, a program that waits for nothing is ended as deadlocked
	case "chatter":
		for {
			if _, err := os.Stdout.Write(make([]byte, 1<<20)); err != nil {
				return 1
			}
		}
	case "killed":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "crash":
		return 2
	}
	return extract.RunChild()
}

// badChild returns a program that behaves badly when it is run as a child.
func badChild(t *testing.T, behaviour string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "child")
	script := fmt.Sprintf("#!/bin/sh\nDOCVAULT_TEST_CHILD=%s exec '%s' \"$@\"\n", behaviour, self(t))
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func self(t testing.TB) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// newExtractor shares the compiled code between tests and runs: compiling takes seconds.
func newExtractor(t testing.TB, limits extract.Limits) *extract.Extractor {
	t.Helper()
	return extract.New(limits, self(t), cacheDir())
}

func cacheDir() string { return filepath.Join(os.TempDir(), "docvault-test-cache") }

func file(t testing.TB, content []byte) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "document"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	if _, err := f.Write(content); err != nil {
		t.Fatal(err)
	}
	return f
}

// read detects the type and reads, as upload and worker do.
func read(t *testing.T, e *extract.Extractor, content []byte) (extract.Result, error) {
	t.Helper()
	kind, err := extract.Detect(content[:min(len(content), extract.HeadBytes)])
	if err != nil {
		return extract.Result{}, err
	}
	return e.Extract(t.Context(), kind.MIME, file(t, content))
}

func code(err error) string {
	var never *document.ReadError
	if errors.As(err, &never) {
		return never.Code
	}
	return ""
}

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestPDFPages(t *testing.T) {
	t.Parallel()
	result, err := read(t, newExtractor(t, extract.Limits{}), pdf("First (page)\nwith two lines", "", "Third page"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"First (page)\nwith two lines", "", "Third page"}
	for i := range want {
		if i >= len(result.Pages) || strings.TrimSpace(result.Pages[i]) != want[i] {
			t.Fatalf("pages %q, want %q", result.Pages, want)
		}
	}
	if result.PageCount != 3 || result.Truncated {
		t.Errorf("%d pages, truncated %v", result.PageCount, result.Truncated)
	}
}

func TestUnreadablePagesAreNotPassedOver(t *testing.T) {
	t.Parallel()
	content := bytes.Replace(pdf("First page", "Second page", "Third page"), []byte("[4 0 R 6 0 R"), []byte("[4 0 R 0 0 R"), 1)
	result, err := read(t, newExtractor(t, extract.Limits{}), content)
	if err != nil || !result.Truncated || len(result.Pages) != 3 || strings.TrimSpace(result.Pages[2]) != "Third page" {
		t.Errorf("%+v, %v", result, err)
	}
}

func TestPDFsThatOpen(t *testing.T) {
	t.Parallel()
	e := newExtractor(t, extract.Limits{})
	whole := pdf("The cellar is behind the door.")
	for name, content := range map[string][]byte{
		"behind a BOM":               append([]byte("\xef\xbb\xbf"), whole...),
		"behind junk":                append([]byte("@PJL ENTER LANGUAGE=PDF\r\n\x00\x01"), whole...),
		"without its end":            whole[:len(whole)-15],
		"encrypted, empty password":  testdata(t, "empty-password.pdf"),
		"weakly so":                  testdata(t, "empty-password-rc4.pdf"),
		"with bytes behind its end":  append(bytes.Clone(whole), make([]byte, 2000)...),
		"with a wrong offset of all": bytes.Replace(whole, []byte("startxref\n"), []byte("startxref\n9"), 1),
	} {
		result, err := read(t, e, content)
		if err != nil || len(result.Pages) != 1 || strings.TrimSpace(result.Pages[0]) != "The cellar is behind the door." {
			t.Errorf("%s: %q, %v", name, result.Pages, err)
		}
	}
}

func TestPDFsThatDoNot(t *testing.T) {
	t.Parallel()
	whole := pdf("The cellar is behind the door.", "Page two.", "Page three.")
	xfa := pdfWriter{form: "/NeedsRendering true /AcroForm << /Fields [] /XFA [] >>"}
	xfa.page("", lines("Please wait..."))
	for name, c := range map[string]struct {
		content []byte
		limits  extract.Limits
		code    string
	}{
		"a password is needed": {testdata(t, "needs-password.pdf"), extract.Limits{}, document.CodePasswordRequired},
		"junk":                 {append([]byte("%PDF-1.7\n"), bytes.Repeat([]byte("\x93junk\xff\n"), 1000)...), extract.Limits{}, document.CodeMalformed},
		"a header alone":       {[]byte("%PDF-1.4\n"), extract.Limits{}, document.CodeMalformed},
		"cut in the middle":    {whole[:200], extract.Limits{}, document.CodeMalformed},
		"more pages than read": {whole, extract.Limits{MaxPages: 2}, document.CodeTooLargeToRead},
		"a thousand pages":     {pdf(make([]string, 1001)...), extract.Limits{MaxPages: 1000}, document.CodeTooLargeToRead},
		"an XFA form":          {xfa.bytes(), extract.Limits{}, document.CodeUnsupported},
		"too little memory":    {whole, extract.Limits{MemoryBytes: 8 << 20}, document.CodeTooLargeToRead},
		"too little time":      {whole, extract.Limits{Timeout: time.Millisecond}, document.CodeTimedOut},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := read(t, newExtractor(t, c.limits), c.content); code(err) != c.code {
				t.Errorf("%v, want %s", err, c.code)
			}
		})
	}
}

func TestTextIsCutToItsLimit(t *testing.T) {
	t.Parallel()
	e := newExtractor(t, extract.Limits{MaxTextBytes: 1001})
	for name, content := range map[string][]byte{
		"pdf":  pdf(strings.Repeat("word ", 100), strings.Repeat("word ", 300), "more"),
		"text": []byte(strings.Repeat("é", 100_000)),
	} {
		result, err := read(t, e, content)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		text := strings.Join(result.Pages, "")
		if !result.Truncated || len(text) > 1001 || len(text) < 990 || strings.ToValidUTF8(text, "") != text {
			t.Errorf("%s: %d bytes, truncated %v", name, len(text), result.Truncated)
		}
	}
}

func TestTextInEveryUsualEncoding(t *testing.T) {
	t.Parallel()
	e := newExtractor(t, extract.Limits{})
	for name, c := range map[string]struct{ content, want string }{
		"UTF-8":             {"Grüße — 10 €\n", "Grüße — 10 €\n"},
		"UTF-8, BOM":        {"\xef\xbb\xbfGrüße", "Grüße"},
		"UTF-16LE":          {"\xff\xfeG\x00r\x00\xfc\x00=\xd8\x00\xde", "Grü😀"},
		"UTF-16BE":          {"\xfe\xff\x00G\x00r\x00\xfc", "Grü"},
		"Latin-1":           {"Gr\xfc\xdfe aus K\xf6ln", "Grüße aus Köln"},
		"Windows-1252":      {"\x93Preis\x94 10 \x80", "“Preis” 10 €"},
		"Windows-1252, cut": {"caf\xe9", "café"},
		"a wrong byte":      {strings.Repeat("日本語", 20) + "\xff" + "。", strings.Repeat("日本語", 20) + "ÿ。"},
		"NUL":               {"one\x00two", "onetwo"},
		"from DOS":          {"a;b\r\n\x1a", "a;b\r\n\x1a"},
		"markdown":          {"# Title\n\n- a\n", "# Title\n\n- a\n"},
		"csv":               {"a;b\r\n1;2\r\n", "a;b\r\n1;2\r\n"},
		"about PDF":         {"A PDF begins with %PDF-1.4, always.", "A PDF begins with %PDF-1.4, always."},
		"XML's encoding":    {"<?xml version=\"1.0\" encoding=\"windows-1250\"?>\n<a>\x8e\xe1k</a>", "<?xml version=\"1.0\" encoding=\"windows-1250\"?>\n<a>Žák</a>"},
		"XML that is UTF-8": {"<?xml version=\"1.0\" encoding=\"windows-1250\"?><a>Žák</a>", "<?xml version=\"1.0\" encoding=\"windows-1250\"?><a>Žák</a>"},
		"of a terminal":     {"\x1b]0;title\x07\x1b[1;31mERROR\x1b[0m: a\n", "ERROR: a\n"},
		"soft hyphens":      {"Daten\u00adschutz\u2060", "Datenschutz"},
		"a NUL far behind":  {strings.Repeat("a", extract.HeadBytes) + "\x00b", strings.Repeat("a", extract.HeadBytes) + "b"},
	} {
		result, err := read(t, e, []byte(c.content))
		if err != nil || len(result.Pages) != 1 || result.Pages[0] != c.want {
			t.Errorf("%s: %q, %v", name, result.Pages, err)
		}
	}
}

func TestDetect(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{
		"%PDF-1.7\n":                       "application/pdf",
		"\xef\xbb\xbf%PDF-1.7\n":           "application/pdf",
		"\r\n %PDF-1.7\n":                  "application/pdf",
		"plain":                            "text/plain",
		"{\"a\": 1}":                       "text/plain",
		"cut in a charact\xe2\x82":         "text/plain",
		"":                                 "",
		"{\\rtf1\\ansi":                    "application/rtf",
		"%!PS-Adobe-3.0\n":                 "",
		"PK\x03\x04\x14\x00\x06\x00":       "",
		"\x89PNG\r\n\x1a\n\x00\x00":        "image/png",
		"\xff\xd8\xff\xe0\x00\x10JFIF":     "image/jpeg",
		"GIF89a\x01\x00\x01\x00":           "image/gif",
		"II*\x00\x08\x00\x00\x00":          "image/tiff",
		"\x7fELF\x02\x01\x01\x00":          "",
		"\x1f\x8b\x08\x00":                 "",
		"\xff\xfe\x00\x00\x01\x00":         "",
		"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "",
		"\x80\x91\xa2\xb3\xc4\xd5\xe6\xf7": "",

		"junk\x00\xff%PDF-1.4\n%\xe2\xe3\n1 0 obj\n<<": "application/pdf",
	} {
		kind, err := extract.Detect([]byte(content))
		if kind.MIME != want || (want == "") != errors.Is(err, document.ErrUnsupportedType) {
			t.Errorf("%q: %+v, %v; want %q", content, kind, err, want)
		}
	}
}

func TestDetectSaysWhatElseCanBeDone(t *testing.T) {
	t.Parallel()
	outlook := "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + strings.Repeat("\x00", 1000) + "_\x00_\x00s\x00u\x00b\x00s\x00t\x00g\x001\x00.\x000\x00_\x00"
	for content, want := range map[string]string{
		outlook: ".eml",
		"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00": "JPEG",
		"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00": "JPEG",
		"\xcf\xf0\xe8\xe2\xe5\xf2, \xec\xe8\xf0":   "UTF-8",
		string(archive(t, "[Content_Types].xml", `<Override PartName="/xl/workbook.bin"/>`, "xl/theme/theme1.xml", "<x/>")): ".xlsx",
	} {
		_, err := extract.Detect([]byte(content))
		if unsupported, ok := errors.AsType[*document.UnsupportedTypeError](err); !ok || !strings.Contains(unsupported.Instead, want) {
			t.Errorf("%.30q: %v", content, err)
		}
	}
}

// A child that misbehaves costs its document, or a retry, and nothing else.
func TestBadChildren(t *testing.T) {
	t.Parallel()
	limits := extract.Limits{MemoryBytes: 200 << 20, Timeout: time.Minute, MaxTextBytes: 1 << 20}
	for behaviour, want := range map[string]string{
		"hog": document.CodeTooLargeToRead, "breeder": document.CodeTooLargeToRead, "chatter": document.CodeTooLargeToRead,
		"sleep": document.CodeTimedOut, "crash": document.CodeMalformed, "killed": "",
	} {
		t.Run(behaviour, func(t *testing.T) {
			t.Parallel()
			limits := limits
			if behaviour == "sleep" {
				limits.Timeout = 200 * time.Millisecond
			}
			e := extract.New(limits, badChild(t, behaviour), "")
			_, err := e.Extract(t.Context(), "text/plain", file(t, []byte("text")))
			if err == nil || code(err) != want {
				t.Errorf("%v, want %q", err, want)
			}
		})
	}
}

func TestTheChildKnowsNoSecretOfTheWorker(t *testing.T) {
	path := filepath.Join(t.TempDir(), "child")
	seen := filepath.Join(t.TempDir(), "seen")
	script := fmt.Sprintf("#!/bin/sh\nexport -p > '%s'\nexec '%s' \"$@\"\n", seen, self(t))
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DATABASE_URL", "postgres://u:the-secret@h/d")
	if _, err := extract.New(extract.Limits{}, path, "").Extract(t.Context(), "text/plain", file(t, []byte("text"))); err != nil {
		t.Fatal(err)
	}
	if environment, err := os.ReadFile(seen); err != nil || strings.Contains(string(environment), "the-secret") {
		t.Errorf("%v: %s", err, environment)
	}
}

// A worker that stops takes its children along, and what it was reading stays pending.
func TestACancelledReadIsNoVerdict(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := extract.New(extract.Limits{}, badChild(t, "sleep"), "").Extract(ctx, "text/plain", file(t, []byte("text")))
	if err == nil || code(err) != "" || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want a passing error", err)
	}
}
