package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestProblemsNameFields: programs find what is wrong by field, and people read a sentence that begins with it.
func TestProblemsNameFields(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	const id = `"6f9619ff-8b86-4011-b42d-00cf4fc964aa"`
	cursor := *a.twoPages(t).NextCursor
	for _, c := range []struct{ method, path, body, field, detail string }{
		{"GET", "/api/documents?per_page=0", "", "per_page", "per_page must be a whole number from 1 to 100."},
		{"GET", "/api/documents?min_size=-1", "", "min_size", "min_size must be a whole number, at least 0."},
		{"GET", "/api/documents?statsu=ready", "", "statsu", "statsu is no parameter of this call."},
		{"GET", "/api/documents?q=a&q=b", "", "q", "q must not be given more than once."},
		{"GET", "/api/documents?page=1&cursor=x", "", "cursor", "cursor cannot be given together with page."},
		{"GET", "/api/documents?page=501", "", "page", "page times per_page must be at most 10,000. Go on with cursor, or filter."},
		{"GET", "/api/documents?sort=relevance", "", "sort", "sort can be relevance for searches alone: give q, too."},
		{"GET", "/api/documents?cursor=x", "", "cursor", "cursor must be the next_cursor of a page of the same list and sort."},
		{"GET", "/api/documents?per_page=1&q=x&sort=-created_at&cursor=" + cursor, "", "cursor", "cursor is of another search: q must stay the same from page to page."},
		{"GET", "/api/documents?created_after=now", "", "created_after", "created_after must be a time as 2026-01-31T12:00:00Z, or a date."},
		{"POST", "/api/documents/bulk", `{"action": "delete"}`, "ids", "ids must be a list of ids."},
		{"POST", "/api/documents/bulk", `{"ids": "x", "action": "delete"}`, "ids", "ids must be a list, not string."},
		{"POST", "/api/documents/bulk", `{"ids": [` + id + `, 7], "action": "delete"}`, "ids[1]", "ids[1] must be a string, not number."},
		{"POST", "/api/documents/bulk", `{"ids": [` + id + `], "action": "add_topics", "topics": ["a", "b", {}]}`, "topics[2]", "topics[2] must be a string, not object."},
		{"POST", "/api/documents/bulk", `{"ids": [` + id + `], "action": "add_topics"}`, "topics", "topics must be given for add_topics."},
		{"POST", "/api/documents/bulk", `{"ids": [` + strings.Repeat(id+",", 1000) + id + `], "action": "delete"}`, "ids", "ids must have at most 1000 elements."},
		{"PUT", "/api/settings", `{"providers": {"anthropic": {}, "openai": {"model": 1}}}`, "providers.openai.model", "providers.openai.model must be a string, not number."},
		{"PUT", "/api/settings", `{"providers": {"openai": "x"}}`, "providers.openai", "providers.openai must be an object, not string."},
		{"POST", "/api/topics", `{"name": 7}`, "name", "name must be a string, not number."},
	} {
		var got answer
		if c.method == http.MethodGet {
			got = a.get(t, c.path)
		} else {
			got = a.send(t, c.method, c.path, c.body)
		}
		p := got.want(t, c.path, 400, "invalid_value").problem(t)
		if p.Field != c.field || p.Detail != c.detail {
			t.Errorf("%s %s %.100s: field %q, detail %q", c.method, c.path, c.body, p.Field, p.Detail)
		}
	}
}

// twoPages lists the first of two documents.
func (a *app) twoPages(t *testing.T) docs {
	t.Helper()
	a.stored(t, "a.txt", "the first")
	a.stored(t, "b.txt", "the second")
	return a.list(t, "?per_page=1")
}
