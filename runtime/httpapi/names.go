package httpapi

import (
	"mime"
	"net/textproto"
	"strings"
)

// sentName reads the file name of a part as its sender meant it. Browsers write a quote and line breaks as %22, %0D and %0A
// (the multipart/form-data encoding of the HTML standard); a name in filename* is encoded by RFC 8187 and has been decoded.
func sentName(header textproto.MIMEHeader) (name string, given bool) {
	disposition := header.Get("Content-Disposition")
	_, parameters, err := mime.ParseMediaType(disposition)
	name, given = parameters["filename"]
	if err != nil || !given {
		return "", false
	}
	if strings.Contains(strings.ToLower(disposition), "filename*") {
		return name, true
	}
	return browserEscapes.Replace(name), true
}

var browserEscapes = strings.NewReplacer("%22", `"`, "%0D", "\r", "%0A", "\n", "%0d", "\r", "%0a", "\n")

// disposition writes a Content-Disposition (RFC 6266): a name in ASCII for old clients, and the whole one (RFC 8187) if it differs.
func disposition(kind, name string) string {
	plain := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' || r == '%' {
			return '_'
		}
		return r
	}, name)
	value := kind + `; filename="` + plain + `"`
	if plain != name {
		value += "; filename*=UTF-8''" + extValue(name)
	}
	return value
}

// extValue percent-encodes all but the attr-char of RFC 8187.
func extValue(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("!#$&+-.^_`|~", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}
