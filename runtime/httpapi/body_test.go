package httpapi

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	long := `{"name": "` + strings.Repeat("x", maxJSONBytes) + `"}`
	for _, c := range []struct {
		about, contentType, body string
		status                   int // 0: taken
		code                     string
	}{
		{"an object", "application/json", `{"name": "Ärger 😀 \u00e9 \ud83d\ude00 \\u0000"}`, 0, ""},
		{"charset", "application/json; charset=UTF-8", `{"name": "x"}`, 0, ""},
		{"unknown field", "application/json", `{"name": "x", "later": {"a": [1]}}`, 0, ""},
		{"null is as good as absent", "application/json", `{"name": null}`, 0, ""},
		{"no content type", "", `{"name": "x"}`, 415, "unsupported_media_type"},
		{"a form", "application/x-www-form-urlencoded", `name=x`, 415, "unsupported_media_type"},
		{"another charset", "application/json; charset=latin1", `{"name": "x"}`, 415, "unsupported_media_type"},
		{"empty", "application/json", ``, 400, "malformed_request"},
		{"null", "application/json", `null`, 400, "malformed_request"},
		{"a list", "application/json", `[]`, 400, "malformed_request"},
		{"cut off", "application/json", `{"name": "x`, 400, "malformed_request"},
		{"two values", "application/json", `{"name": "x"} {}`, 400, "malformed_request"},
		{"a number for a text", "application/json", `{"name": 7}`, 400, "invalid_value"},
		{"no UTF-8", "application/json", "{\"name\": \"\xff\"}", 400, "invalid_text"},
		{"NUL", "application/json", `{"name": "a\u0000b"}`, 400, "invalid_text"},
		{"NUL after a backslash", "application/json", `{"name": "\\\u0000"}`, 400, "invalid_text"},
		{"half a surrogate pair", "application/json", `{"name": "\ud83d!"}`, 400, "invalid_text"},
		{"the halves the wrong way round", "application/json", `{"name": "\ude00\ud83d"}`, 400, "invalid_text"},
		{"too large", "application/json", long, 413, "too_large"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(c.body))
		r.Header.Set("Content-Type", c.contentType)
		var got topicNew
		err := (&call{Request: r, w: httptest.NewRecorder()}).decode(&got)
		if c.status == 0 {
			if err != nil {
				t.Errorf("%s: %v", c.about, err)
			}
			continue
		}
		if err == nil {
			t.Errorf("%s: taken as %+v, want %d %s", c.about, got, c.status, c.code)
			continue
		}
		if p := asProblem(err, ""); p.Status != c.status || p.Code != c.code {
			t.Errorf("%s: %d %s, want %d %s", c.about, p.Status, p.Code, c.status, c.code)
		}
	}
}
