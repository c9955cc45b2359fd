package extract_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/extract"
)

// mail writes a message with the headers that each has, more of them, and a body. Lines end as mail's do.
func mail(headers, body string) string {
	return strings.ReplaceAll("From: Anna <anna@example.org>\nTo: bert@example.org\nSubject: Lunch\n"+headers+"\n"+body, "\n", "\r\n")
}

const mailHead = "Subject: Lunch\nFrom: Anna <anna@example.org>\nTo: bert@example.org\n"

const mixedMail = `preamble
--outer
Content-Type: multipart/alternative; boundary=inner

--inner
Content-Type: text/html

<p>In <b>HTML</b></p>
--inner
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Gr=FC=DFe, a long=
 line
--inner--
epilogue
--outer
Content-Type: application/pdf; name="=?utf-8?q?Rechnung_M=C3=A4rz=2Epdf?="
Content-Disposition: attachment
Content-Transfer-Encoding: base64

JVBERi0xLjQK
--outer
Content-Type: application/zip
Content-Disposition: attachment; filename*=utf-8''..%2F%C3%BCber.zip

UEsDBA==
--outer
Content-Type: image/png
Content-Transfer-Encoding: base64

iVBORw0KGgo=
--outer--
`

func TestEmail(t *testing.T) {
	t.Parallel()
	e := newExtractor(t, extract.Limits{})
	for name, c := range map[string]struct{ content, want string }{
		"plain":          {mail("Date: Mon, 1 Jan 2024 12:00:00 +0100\n", "Hello\n\n> quoted\n"), mailHead + "Date: Mon, 1 Jan 2024 12:00:00 +0100\n\nHello\n\n> quoted"},
		"without CR":     {"From: a@b.de\nTo: c@d.de\n\nHello", "From: a@b.de\nTo: c@d.de\n\nHello"},
		"words, folded":  {"From: =?iso-8859-1?q?J=F6rg?= <a@b.de>\r\nSubject: =?utf-8?B?R3LDvMOfZQ==?=\r\n =?utf-8?q?_aus_K=C3=B6ln?=\r\n\r\nx", "Subject: Grüße aus Köln\nFrom: Jörg <a@b.de>\n\nx"},
		"raw headers":    {"From: J\xf6rg <a@b.de>\nSubject: Grüße\n\nx", "Subject: Grüße\nFrom: Jörg <a@b.de>\n\nx"},
		"a draft":        {"Subject: S\nMIME-Version: 1.0\n\nText", "Subject: S\n\nText"},
		"base64":         {mail("Content-Transfer-Encoding: base64\nContent-Type: text/plain; charset=utf-8\n", "R3LDvMOf\nZQ==\n"), mailHead + "\nGrüße"},
		"sloppy quoting": {mail("Content-Transfer-Encoding: quoted-printable\n", "a=zz b=\nc =3D d=3"), mailHead + "\na=zz bc = d=3"},
		"HTML":           {mail("Content-Type: text/html; charset=windows-1252\n", "<p>10 \x80</p><script>gone</script>"), mailHead + "\n10 €"},
		"no charset":     {mail("", "Gr\xfc\xdfe"), mailHead + "\nGrüße"},
		"mixed":          {mail("Content-Type: multipart/mixed; boundary=\"outer\"\n", mixedMail), mailHead + "\nGrüße, a long line\n\nAttachment: Rechnung März.pdf\nAttachment: über.zip\nAttachment: unnamed (image/png)"},
		"HTML alone of alternatives": {
			mail("Content-Type: multipart/alternative; boundary=x\n", "--x\nContent-Type: text/plain\n\n \n--x\nContent-Type: text/html\n\n<p>HTML\n--x--"), mailHead + "\nHTML",
		},
		"a message within": {
			mail("Content-Type: multipart/mixed; boundary=x\n", "--x\n\nSee below\n--x\nContent-Type: message/rfc822\n\nSubject: Inner\n\nText\n--x--"), mailHead + "\nSee below\n\nSubject: Inner\n\nText",
		},
		"never closed":   {mail("Content-Type: multipart/mixed; boundary=x\n", "--x\n\nText\n--x\nContent-Disposition: attachment; filename=a.bin\n\nabc"), mailHead + "\nText\n\nAttachment: a.bin"},
		"from a mailbox": {"From a@b.de Thu Aug 22 12:36:23 2002\nReturn-Path: <a@b.de>\nReceived: x\n\tby y\nSubject: S\n\nText", "Subject: S\n\nText"},
		"broken headers": {"Received: x\nMessage-ID: y\nno header\nSubject: S\nContent-Type: text; charset=x;;\n\nText", "Subject: S\n\nText"},
		"behind a mark":  {"\xef\xbb\xbf\r\n" + mail("Content-Type: text/plain; charset=ANSI_X3.4-1968\n", "Grüße"), mailHead + "\nGrüße"},
		"a stub beside HTML": {
			mail("Content-Type: multipart/alternative; boundary=x\n", "--x\n\nView as HTML.\n--x\nContent-Type: text/html\n\n<p>Your order of ink and much paper: it comes tomorrow.\n--x--"), mailHead + "\nYour order of ink and much paper: it comes tomorrow.",
		},
		"forwarded as a file": {
			mail("Content-Type: multipart/mixed; boundary=x\n", "--x\n\nSee\n--x\nContent-Type: message/rfc822; name=\"Offer.eml\"\n\nSubject: Inner\n\nText\n--x--"), mailHead + "\nSee\n\nSubject: Inner\n\nText\n\nAttachment: Offer.eml",
		},
		"a text with a name": {
			mail("Content-Type: multipart/mixed; boundary=x\n", "--x\nContent-Type: text/plain; name=message.txt\nContent-Disposition: inline\n\nText\n--x--"), mailHead + "\nText\n\nAttachment: message.txt",
		},
		"names of files": {
			mail("Content-Type: multipart/mixed; boundary=x\n", strings.Join([]string{
				"", "Content-Disposition: attachment; filename*=iso-8859-1''M%E4rz.pdf\n\n",
				"Content-Disposition: attachment; filename*0*=iso-8859-1''Sehr%20; filename*1*=sch%F6n.pdf\nContent-Type: a/b; name=x.pdf\n\n",
				"Content-Disposition: attachment; filename=My Report.pdf\n\n", "Content-Type: a/b; name=\"=?iso-8859-1?Q?A_=96_B.pdf?=\"\n\n",
			}, "--x\n")+"--x--"), mailHead + "\nAttachment: März.pdf\nAttachment: Sehr schön.pdf\nAttachment: My Report.pdf\nAttachment: A – B.pdf",
		},
		"a page saved by a browser": {
			"MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=x\r\n\r\n--x\r\nContent-Type: text/html\r\nContent-Location: http://a/\r\n\r\n<p>Page\r\n--x\r\nContent-Type: text/css\r\nContent-Location: http://a/b.css\r\n\r\np{}\r\n--x--", "Page",
		},
		"a mailbox": {
			"From a@b.de Thu Aug 22 12:36:23 2002\nReceived: x\nSubject: One\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\nFirst\n\nFrom here on.\n--x--\n\nFrom c@d.de Fri Aug 23 12:36:23 2002\nSubject: Two\n\nSecond\n",
			"Subject: One\n\nFirst\n\nFrom here on.\n\nSubject: Two\n\nSecond",
		},
		"inner leaves on": {mail("Content-Type: multipart/mixed; boundary=x\n", "--x\nContent-Type: multipart/mixed; boundary=y\n\n--y\n\na\n--x\n\nb\n--x--"), mailHead + "\na\n\nb"},
	} {
		kind, err := extract.Detect([]byte(c.content))
		if err != nil || kind.MIME != "message/rfc822" || kind.Kind != document.KindEmail || kind.Ext != ".eml" {
			t.Errorf("%s: %+v, %v", name, kind, err)
		}
		result, err := read(t, e, []byte(c.content))
		if err != nil || len(result.Pages) != 1 || result.Pages[0] != c.want || result.Truncated {
			t.Errorf("%s: %.300q, truncated %v, %v, want %q", name, result.Pages, result.Truncated, err, c.want)
		}
	}
}

func TestHostileEmail(t *testing.T) {
	t.Parallel()
	var deep strings.Builder
	for i := range 300 {
		fmt.Fprintf(&deep, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
	}
	many := "Content-Type: multipart/mixed; boundary=x\n"
	for name, c := range map[string]struct {
		content   string
		code      string
		truncated bool
	}{
		"MaxDepth":             {mail(deep.String(), ""), document.CodeTooLargeToRead, false},
		"messages in messages": {mail(strings.Repeat("Content-Type: message/rfc822\n\n", 300), ""), document.CodeTooLargeToRead, false},
		"MaxEntries":           {mail(many, strings.Repeat("--x\n\n", 10_001)), document.CodeTooLargeToRead, false},
		"MaxEntries, within":   {mail(many, strings.Repeat("--x\n\n", 9_000)), "", false},
		"bad base64":           {mail("Content-Transfer-Encoding: base64\n", "R3LDvMOf!!!!"), "", true},
		"an endless header":    {mail("X-A: "+strings.Repeat("a", 3<<20)+"\n", "Text"), "", false},
		"endless headers":      {mail(strings.Repeat("X-A: b\n", 1<<18)+"Date: x\n", "Text"), "", false},
		"random bytes":         {mail("", string(random(100_000))), "", false},
		"no body":              {mail(many, ""), "", false},
		"another boundary":     {mail(many, "--y\n\nText\n--y--"), "", true},
	} {
		result, err := read(t, newExtractor(t, extract.Limits{}), []byte(c.content))
		if code(err) != c.code || (c.code == "") != (err == nil) || result.Truncated != c.truncated {
			t.Errorf("%s: truncated %v, %v, want %v, %q", name, result.Truncated, err, c.truncated, c.code)
		}
		if err == nil && !strings.HasPrefix(result.Pages[0], strings.TrimSpace(mailHead)) {
			t.Errorf("%s: %.200q", name, result.Pages[0])
		}
	}
}
