package extract

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// readText decodes a text file. It reads no more than Limits.MaxTextBytes: no encoding here needs fewer bytes than UTF-8 but
// UTF-16 for Asian scripts, where the text kept is cut again.
func readText(_ context.Context, file *os.File, r request) (Result, error) {
	limits := r.Limits
	data, err := io.ReadAll(io.LimitReader(file, int64(limits.MaxTextBytes)+1))
	if err != nil {
		return Result{}, fmt.Errorf("read the file: %w", err)
	}
	more := len(data) > limits.MaxTextBytes
	if more {
		data = withoutCutRune(data)
	}
	text, cut := truncate(clean(withoutEscapes(decode(data))), limits.MaxTextBytes)
	return Result{Pages: []string{text}, PageCount: 1, Truncated: more || cut}, nil
}

// terminalEscape colours the text of a terminal, or names its window.
var terminalEscape = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b]{0,1000}(\x07|\x1b\\)`)

func withoutEscapes(text string) string {
	if !strings.Contains(text, "\x1b") {
		return text
	}
	return terminalEscape.ReplaceAllString(text, "")
}

// decode tells UTF-16 by its mark, and takes everything else for UTF-8 or Windows-1252, which holds Latin-1; XML in another encoding for
// what it declares.
func decode(data []byte) string {
	if bytes.HasPrefix(data, bomUTF16LE) || bytes.HasPrefix(data, bomUTF16BE) {
		return decodeUTF16(data)
	}
	data = bytes.TrimPrefix(data, bomUTF8)
	if declared, _ := declaredEncoding(data); declared != nil && !utf8.Valid(data) {
		if decoded, err := declared.NewDecoder().Bytes(data); err == nil {
			return string(decoded)
		}
	}
	return decodeLoose(string(data))
}

// decodeUTF16 decodes what begins with a byte order mark. An odd byte at the end is dropped.
func decodeUTF16(data []byte) string {
	var order binary.ByteOrder = binary.LittleEndian
	if bytes.HasPrefix(data, bomUTF16BE) {
		order = binary.BigEndian
	}
	units := make([]uint16, 0, len(data)/2)
	for data = data[len(bomUTF16LE):]; len(data) > 1; data = data[2:] {
		units = append(units, order.Uint16(data))
	}
	return string(utf16.Decode(units))
}

// withoutCutRune drops the beginning of a character whose end lies behind the end of data.
func withoutCutRune(data []byte) []byte {
	for back := 1; back < utf8.UTFMax && back <= len(data); back++ {
		last := data[len(data)-back:]
		if utf8.RuneStart(last[0]) {
			if !utf8.FullRune(last) {
				return data[:len(data)-back]
			}
			break
		}
	}
	return data
}

// truncate cuts a text to at most limit bytes, between characters.
func truncate(text string, limit int) (string, bool) {
	if len(text) <= limit {
		return text, false
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit], true
}
