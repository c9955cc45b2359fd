package extract_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/extract"
)

func TestHTML(t *testing.T) {
	t.Parallel()
	e := newExtractor(t, extract.Limits{})
	const open, end = "<!DOCTYPE html><html><head><title>T</title></head><body>", "</body></html>"
	for name, c := range map[string]struct{ content, want string }{
		"blocks":             {open + "<h1>Head  ing</h1>\n<p>One <b>par</b>a&shy;graph<br>line</p><div>a</div><div>b</div>" + end, "T\n\nHead ing\n\nOne paragraph\nline\n\na\nb"},
		"a table":            {open + "<table><tr><th>a<th>b</tr>\n<tr><td>c</td> <td>d</td></tr></table>x" + end, "T\n\na\tb\nc\td\n\nx"},
		"lists":              {open + "<ul><li>a<li>b<ul><li>c</ul></ul>" + end, "T\n\na\nb\n\nc"},
		"invisible":          {open + "<style>p{}</style><script>if (a<b) '</p>'</script>a<!-- gone --><template><p>gone<template>gone</template></p></template><noscript>gone</noscript>b" + end, "T\n\nab"},
		"entities":           {open + "&lt;b&gt; &amp;amp; &eacute; &#8364; &#x1F600; &nosuch; &" + end, "T\n\n<b> &amp; é € 😀 &nosuch; &"},
		"lines that count":   {open + "<pre>a\n  b\n\nc</pre>" + end, "T\n\na\n  b\nc"},
		"UTF-8, unlabelled":  {open + strings.Repeat("a ", 600) + "é" + end, "T\n\n" + strings.Repeat("a ", 600) + "é"},
		"windows-1252":       {open + "\x93Preis\x94 10 \x80" + end, "T\n\n“Preis” 10 €"},
		"meta charset":       {"<html><head><meta charset=windows-1251></head>\xcf\xf0\xe8\xe2\xe5\xf2", "Привет"},
		"meta http-equiv":    {`<html><meta http-equiv="Content-Type" content="text/html; charset=shift_jis">` + "\x93\xfa\x96{", "日本"},
		"UTF-16":             {"\xff\xfe<\x00h\x00t\x00m\x00l\x00>\x00\xe9\x00", "é"},
		"XHTML":              {`<?xml version="1.0"?><!-- c --><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "x"><html xmlns="x"><body><p/>a<br/>b</body></html>`, "a\nb"},
		"never closed":       {"<html><body><div><p>a<b>b", "ab"},
		"coloured code":      {open + "<pre><span>import</span> <span>numpy</span>  \n  x</pre>" + end, "T\n\nimport numpy\n  x"},
		"ruby, half closed":  {open + "<ruby>漢<rp>(<rt>かん<rp>)</ruby>字" + end, "T\n\n漢字"},
		"closed at once":     {`<html><head><title/><script src="x"/></head><body>a</body></html>`, "a"},
		"centred":            {open + "<center>Invoice</center>Dear<details>Sir" + end, "T\n\nInvoice\nDear\nSir"},
		"XHTML's charset":    {"<?xml version='1.0' encoding='windows-1251'?><html>\xcf\xf0\xe8", "При"},
		"UTF-8, mislabelled": {"<html><meta charset=iso-8859-1>Grüße", "Grüße"},
		"NUL far behind":     {open + strings.Repeat("a ", extract.HeadBytes) + "\x00b" + end, "T\n\n" + strings.Repeat("a ", extract.HeadBytes) + "b"},
	} {
		kind, err := extract.Detect([]byte(c.content)[:min(len(c.content), extract.HeadBytes)])
		if err != nil || kind.MIME != "text/html" || kind.Kind != document.KindText {
			t.Errorf("%s: %+v, %v", name, kind, err)
		}
		result, err := read(t, e, []byte(c.content))
		if err != nil || len(result.Pages) != 1 || result.Pages[0] != c.want || result.Truncated {
			t.Errorf("%s: %.300q, %v, want %.300q", name, result.Pages, err, c.want)
		}
	}
}

func TestRTF(t *testing.T) {
	t.Parallel()
	e := newExtractor(t, extract.Limits{})
	for name, c := range map[string]struct{ content, want string }{
		"paragraphs": {`{\rtf1\ansi\deff0{\fonttbl{\f0 Times;}}{\colortbl;\red0;}{\stylesheet{\s0 Normal;}}{\*\generator X;}{\info{\title T}}
\pard One {\b para}graph\par\tab Two\line three \{\}\\\~x\_y\-z\par}`, "One paragraph\nTwo\nthree {}\\ x-yz"},
		"code page":       {`{\rtf1\ansi\ansicpg1251 \'cf\'f0\'e8\'e2\'e5\'f2}`, "Привет"},
		"fonts":           {`{\rtf1\ansi\ansicpg1252{\fonttbl{\f0\fcharset0 A;}{\f1\fcharset128 B;}}\f0 \'e9 {\f1 \'93\'fa\'96\'7b} \'e9}`, "é 日本 é"},
		"unicode":         {`{\rtf1\ansi\uc1 \u8364?\u-10179?\u-8704?{\uc2 \u233\'e9\'e9}{\uc0\u233}\u26085\'93\'fa.}`, "€😀éé日ú."},
		"a picture":       {"{\\rtf1 a{\\pict\\pngblip 8950}b{\\*\\shppict{\\pict\\bin5 }}}}\\}}c}", "abc"},
		"a table":         {`{\rtf1\trowd\cellx1\cellx2\intbl a\cell b\cell\row\intbl c\cell\cell\row\pard d}`, "a\tb\nc\nd"},
		"a field":         {`{\rtf1 see {\field{\*\fldinst HYPERLINK "http://x"}{\fldrslt here}}}`, "see here"},
		"notes":           {`{\rtf1{\header Letterhead\par}a{\footnote The note}b {\deleted gone}\deleted gone\deleted0 c}`, "ab c\n\nLetterhead\nThe note"},
		"a shape":         {`{\rtf1 a\par{\shp{\*\shpinst\shpleft1{\sp{\sn x}{\sv y}}{\shptxt\pard Box\par}}{\shprslt{\*\do gone}}}}`, "a\nBox"},
		"a list":          {`{\rtf1{\listtext\'b7\tab}One\par{\pntext 2.\tab}Two\par}`, "One\nTwo"},
		"quotes, dashes":  {`{\rtf1 \ldblquote a\rdblquote\emdash b}`, "“a”—b"},
		"behind a BOM":    {"\xef\xbb\xbf{\\rtf1 a}", "a"},
		"numbers, hyphen": {`{\rtf1 10\u8211-20 and a \u8212- b}`, "10–20 and a — b"},
		"LibreOffice":     {`{\rtf1 Text{\super \chftn{\*\footnote \chftn\pard\plain The note}}}`, "Text\n\nThe note"},
		"font by default": {`{\rtf1\ansi\deff0{\fonttbl{\f0\fcharset204 A;}{\f1\fcharset0 B;}}\plain \'cf\'f0\'e8 {\f1 \'e9}}`, "При é"},
		"a box in a line": {`{\rtf1 Hello{\shp{\*\shpinst{\shptxt Box\par}}}}`, "Hello\nBox"},
	} {
		kind, err := extract.Detect([]byte(c.content))
		if err != nil || kind.MIME != "application/rtf" || kind.Kind != document.KindOffice {
			t.Errorf("%s: %+v, %v", name, kind, err)
		}
		result, err := read(t, e, []byte(c.content))
		if err != nil || len(result.Pages) != 1 || result.Pages[0] != c.want || result.Truncated {
			t.Errorf("%s: %.300q, truncated %v, %v, want %q", name, result.Pages, result.Truncated, err, c.want)
		}
	}
}

// Limits of what is no archive, each with a file that exceeds it.
func TestLimitsOfMarkup(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		content   string
		limits    extract.Limits
		code      string
		truncated bool
	}{
		"MaxDepth, RTF":               {`{\rtf1` + strings.Repeat("{", 300), extract.Limits{}, document.CodeTooLargeToRead, false},
		"MaxDepth, RTF, raised":       {`{\rtf1 text` + strings.Repeat("{", 300), extract.Limits{MaxDepth: 400}, "", true},
		"MaxTextBytes, RTF":           {`{\rtf1 ` + strings.Repeat("text ", 1000) + "}", extract.Limits{MaxTextBytes: 100}, "", true},
		"MaxTextBytes, HTML":          {"<html>" + strings.Repeat("<p>text ", 1000), extract.Limits{MaxTextBytes: 100}, "", true},
		"MaxTextBytes, one HTML text": {"<html>" + strings.Repeat("text", 1000), extract.Limits{MaxTextBytes: 100}, "", true},
		"MaxTextBytes, one HTML tag":  {"<html>text<a href='" + strings.Repeat("text", 1000), extract.Limits{MaxTextBytes: 100}, "", true},
		"MaxExpandedBytes, HTML":      {"<html>text" + strings.Repeat("<p>", 1000), extract.Limits{MaxExpandedBytes: 100}, "", true},
		"nested HTML":                 {"<html>" + strings.Repeat("<div>", 100_000) + "text", extract.Limits{}, "", false},
		"MaxTextBytes, DOCX":          {string(docx(t, strings.Repeat(paragraph("text"), 1000))), extract.Limits{MaxTextBytes: 100}, "", true},
		"MaxTextBytes, PPTX":          {string(pptx(t, 100)), extract.Limits{MaxTextBytes: 100}, "", true},
		"MaxTextBytes, XLSX":          {string(xlsx(t, strings.Repeat(xlsxRows, 100))), extract.Limits{MaxTextBytes: 100}, "", true},
		"MaxTextBytes, ODS":           {string(odf(t, "spreadsheet", strings.Replace(odsBody, `-repeated="2"`, `-repeated="200"`, 1))), extract.Limits{MaxTextBytes: 100}, "", true},
		"MaxTextBytes, ODT":           {string(odf(t, "text", strings.Repeat(odtBody, 1))), extract.Limits{MaxTextBytes: 50}, "", true},
		"MaxTextBytes, e-mail":        {"From: a@b.de\nTo: c@d.de\n\n" + strings.Repeat("text ", 1000), extract.Limits{MaxTextBytes: 100}, "", true},
		"one endless line":            {strings.Repeat("a", 1<<20), extract.Limits{MaxTextBytes: 100}, "", true},
		"cut RTF":                     {`{\rtf1 text {\b more`, extract.Limits{}, "", true},
		"RTF of nothing":              {`{\rtf1` + "\x00{\\pict", extract.Limits{}, document.CodeMalformed, false},
		"MemoryBytes, HTML":           {"<html>" + strings.Repeat("text ", 4<<20), extract.Limits{MemoryBytes: 1 << 20}, document.CodeTooLargeToRead, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result, err := read(t, newExtractor(t, c.limits), []byte(c.content))
			if code(err) != c.code || (c.code == "") != (err == nil) || result.Truncated != c.truncated {
				t.Errorf("truncated %v, %v, want %v, %q", result.Truncated, err, c.truncated, c.code)
			}
			if most := c.limits.MaxTextBytes; most > 0 && len(strings.Join(result.Pages, "")) > most {
				t.Errorf("%d bytes of text", len(strings.Join(result.Pages, "")))
			}
			if err == nil && strings.TrimSpace(strings.Join(result.Pages, "")) == "" {
				t.Error("no text")
			}
		})
	}
}

func TestTextsThatLookLikeMore(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"Markdown with tags":  "<p align=center>\n\n# Title\n\n</p>",
		"about HTML":          "The tag <html> begins a page.",
		"XML":                 "<?xml version=\"1.0\"?><invoice><id>1</id></invoice>",
		"a header element":    "<header>x</header>",
		"a memo":              "From: Anna\nTo: Bert\nSubject: Lunch\n\nAt noon?",
		"saved by Outlook":    "From:\tAnna <a@b.de>\r\nSent:\tMonday\r\nTo:\tBert\r\nSubject:\tLunch\r\nAttachments:\tmenu.pdf\r\n\r\nText",
		"terminal":            "ok\x1b[31m red\x1b[0m\x1e and much more, so that a mark is next to nothing" + strings.Repeat(" in it", 200),
		"YAML":                "from: a@b.de\nsubject: x\n",
		"a list of fields":    "name: a@b.de\nsubject: x\n\ntext",
		"about PDF":           "A PDF begins with %PDF-1.4.\n\nObjects look like this:\n\n1 0 obj\n<< >>\nendobj\n",
		"about RTF":           "A file that begins with {\\rtf1 is RTF.",
		"about GIF":           "GIF89a is a format.",
		"about bitmaps":       "BM is how bitmaps begin, and so does this text.",
		"about archives":      "PK are the initials of Phil Katz.",
		"RIFF":                "RIFF and WEBP are words here.",
		"a diff of an e-mail": "--- a\n+++ b\n+From: a@b.de\n",
	} {
		if kind, err := extract.Detect([]byte(content)); err != nil || kind.MIME != "text/plain" {
			t.Errorf("%s: %+v, %v", name, kind, err)
		}
	}
}

func TestTypesBehindJunk(t *testing.T) {
	t.Parallel()
	bom := []byte("\xef\xbb\xbf")
	for want, content := range map[string][]byte{
		".html": []byte("\r\n\t <!-- x -->\n<HTML>"), ".rtf": []byte("\n{\\rtf1}"), ".eml": []byte("\r\nReceived: x\r\nMessage-ID: y\r\n"),
	} {
		for _, content := range [][]byte{content, append(bytes.Clone(bom), content...)} {
			if kind, err := extract.Detect(content); err != nil || kind.Ext != want {
				t.Errorf("%q: %+v, %v", content, kind, err)
			}
		}
	}
}
