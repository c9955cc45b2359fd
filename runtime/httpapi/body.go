package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxJSONBytes bounds the body of a JSON request: 1,000 topics of 1,000 bytes.
const maxJSONBytes = 1 << 20

// decode reads the request's JSON object into v. Unknown fields are ignored, so that newer clients can talk to older vaults; a
// field of the wrong type is refused.
func (c *call) decode(v any) error {
	raw, err := c.readBody()
	if err != nil {
		return err
	}
	return c.decodeObject(raw, v)
}

// decodeOptional is decode for a body that may be left out.
func (c *call) decodeOptional(v any) error {
	raw, err := c.readBody()
	if err != nil || len(raw) == 0 {
		return err
	}
	return c.decodeObject(raw, v)
}

func (c *call) readBody() ([]byte, error) {
	raw, err := io.ReadAll(http.MaxBytesReader(c.w, c.Body, maxJSONBytes))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, errTooLarge(fmt.Sprintf("The body is larger than %d bytes.", maxJSONBytes))
	case err != nil:
		return nil, errMalformed("The body ended before it was complete.")
	}
	return raw, nil
}

func (c *call) decodeObject(raw []byte, v any) error {
	if !isJSON(c.Header.Get("Content-Type")) {
		return errMediaType("application/json in UTF-8")
	}
	if !utf8.Valid(raw) || hasUnreadableEscape(raw) {
		return errBadText()
	}
	if !bytes.HasPrefix(bytes.TrimLeft(raw, " \t\r\n"), []byte("{")) {
		return errMalformed("The body must be a JSON object.")
	}
	err := json.Unmarshal(raw, v)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return errBadParameter(fieldOf(wrong, raw), "must be "+kindInWords(wrong.Type.Kind().String())+", not "+wrong.Value+".")
	}
	if err != nil {
		return errMalformed("The body is not valid JSON.")
	}
	return nil
}

// fieldOf names the element of a list that is wrong, where the decoder names the list.
func fieldOf(wrong *json.UnmarshalTypeError, raw []byte) string {
	var fields map[string]json.RawMessage
	var elements []json.RawMessage
	if json.Unmarshal(raw, &fields) != nil || json.Unmarshal(fields[wrong.Field], &elements) != nil {
		return wrong.Field
	}
	for i, element := range elements {
		if json.Unmarshal(element, reflect.New(wrong.Type).Interface()) != nil {
			return fmt.Sprintf("%s[%d]", wrong.Field, i)
		}
	}
	return wrong.Field
}

func isJSON(contentType string) bool {
	mediaType, parameters, err := mime.ParseMediaType(contentType)
	charset := strings.ToLower(parameters["charset"])
	return err == nil && mediaType == "application/json" && (charset == "" || charset == "utf-8")
}

func kindInWords(kind string) string {
	switch kind {
	case "slice":
		return "a list"
	case "struct", "map":
		return "an object"
	case "bool":
		return "true or false"
	}
	return "a " + kind
}

// hasUnreadableEscape finds \u0000 and halves of surrogate pairs, which the decoder would take for NUL and for U+FFFD.
func hasUnreadableEscape(raw []byte) bool {
	for i := 0; i+1 < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		i++ // the escaped byte is no escape itself
		if raw[i] != 'u' {
			continue
		}
		first := escapedUnit(raw[i+1:])
		if first == 0 {
			return true
		}
		if !utf16.IsSurrogate(first) {
			continue
		}
		if i+6 >= len(raw) || raw[i+5] != '\\' || raw[i+6] != 'u' {
			return true
		}
		if utf16.DecodeRune(first, escapedUnit(raw[i+7:])) == utf8.RuneError {
			return true
		}
		i += 6
	}
	return false
}

// escapedUnit reads the four digits of a \u escape; what is no escape is not this function's to find.
func escapedUnit(digits []byte) rune {
	if len(digits) < 4 {
		return utf8.RuneError
	}
	n, err := strconv.ParseUint(string(digits[:4]), 16, 16)
	if err != nil {
		return utf8.RuneError
	}
	return rune(n)
}
