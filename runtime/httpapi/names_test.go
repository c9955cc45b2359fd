package httpapi

import (
	"mime"
	"net/textproto"
	"strings"
	"testing"
)

func TestSentName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ header, want string }{
		{`form-data; name="file"; filename="a.txt"`, "a.txt"},
		{`form-data; name="file"; filename="say \"hi\".txt"`, `say "hi".txt`},
		{`form-data; name="file"; filename="say %22hi%22%0D%0A.txt"`, "say \"hi\"\r\n.txt"},
		{`form-data; name="file"; filename="100%25.txt"`, "100%25.txt"},
		{`form-data; name="file"; filename*=UTF-8''na%C3%AFve%22.txt`, `naïve".txt`},
		{`form-data; name="file"; filename*=UTF-8''100%2522%20%28sure%29%22.txt`, `100%22 (sure)".txt`},
		{`form-data; name="file"; filename="naive.txt"; filename*=UTF-8''na%C3%AFve.txt`, "naïve.txt"},
		{`form-data; name="file"; filename=""`, ""},
	} {
		got, given := sentName(textproto.MIMEHeader{"Content-Disposition": {c.header}})
		if got != c.want || !given {
			t.Errorf("sentName(%s) = %q, %v, want %q", c.header, got, given, c.want)
		}
	}
	if name, given := sentName(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="file"`}}); given {
		t.Errorf("a field without a file name gave the name %q", name)
	}
}

// TestDispositionRoundTrips reads what we write with the standard library's parser, as clients do.
func TestDispositionRoundTrips(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"report.pdf", `say "hi".txt`, `back\slash.txt`, "naïve 概要.txt", "100% sure; really.txt", "a'b(c)*.txt", strings.Repeat("ü", 127),
	} {
		kind, parameters, err := mime.ParseMediaType(disposition("attachment", name))
		if err != nil || kind != "attachment" || parameters["filename"] != name {
			t.Errorf("%s was read as %q, %v (%s)", name, parameters["filename"], err, disposition("attachment", name))
		}
		if d := disposition("inline", name); strings.ContainsFunc(d, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("%q is no header value", d)
		}
	}
}
