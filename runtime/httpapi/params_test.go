package httpapi

import (
	"testing"
	"time"

	"github.com/docvault/docvault/runtime/vault"
)

func TestListParameters(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		"per_page=0", "per_page=101", "per_page=abc", "per_page=", "per_page=1e2", "per_page=99999999999999999999", "per_page=-1",
		"page=0", "page=-1", "page=abc", "page=9223372036854775807", "page=501", "page=101&per_page=100", "page=1&cursor=abc",
		"min_size=-1", "max_size=large", "status=done", "type=exe", "sort=random", "untagged=maybe", "trashed=2",
		"created_after=yesterday", "created_before=2026-13-01", "created_after=2026-01-01T00:00:00",
		"created_before=0001-01-01T00:00:00Z", "created_after=0000-06-01", "created_after=2026-01-31+01:00",
		"created_after=2026-01-31T12:00:00++02:00", "classification_status=ready",
		"statsu=ready", "q=a&q=b", "topic=a&topic=b", "topic=%zz", "a;b=c", "status=ready;page=1",
	} {
		if _, err := parseList(raw); err == nil || asProblem(err, "").Status != 400 {
			t.Errorf("?%s: %v, want 400", raw, err)
		}
	}
	for _, raw := range []string{
		"", "topic=&cursor=", "page=500", "page=100&per_page=100", "page=1&cursor=", "cursor=abc", "untagged=YES", "trashed=off",
		"created_after=2026-01-31", "created_before=2026-01-31T12:00:00%2B02:00", "min_size=0&max_size=9223372036854775807",
		"topic=%C3%84rger+und+mehr&status=ready&type=pdf&sort=-size",
	} {
		if _, err := parseList(raw); err != nil {
			t.Errorf("?%s: %v", raw, err)
		}
	}
}

func TestListParametersMean(t *testing.T) {
	t.Parallel()
	q, err := parseList("topic=%C3%84rger&created_before=2026-01-31T12:00:00%2B02:00&min_size=5&untagged=1&page=3&per_page=7")
	if err != nil {
		t.Fatal(err)
	}
	want := time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC)
	if q.Topic != "Ärger" || !q.CreatedBefore.Equal(want) || *q.MinSize != 5 || q.MaxSize != nil || !q.Untagged ||
		q.Page != 3 || q.PerPage != 7 {
		t.Errorf("read as %+v", q)
	}
	// A + that was not escaped stands for a space in a query; people and programs forget that.
	for _, raw := range []string{
		"2026-01-31T12:00:00+02:00", "2026-01-31T12:00:00 02:00", "2026-01-31T12:00:00.0+02:00", "2026-01-31T08:00:00-02:00",
		"2026-01-31t10:00:00z", "2026-01-31T10:00:00z", "2026-01-31t12:00:00.000 02:00",
	} {
		if q, err := parseList("created_after=" + raw); err != nil || !q.CreatedAfter.Equal(want) {
			t.Errorf("%s was read as %s, %v", raw, q.CreatedAfter, err)
		}
	}
	if q, err := parseList("classification_status=failed&status=ready"); err != nil || q.Classification != "failed" || q.Status != "ready" {
		t.Errorf("states were read as %+v, %v", q, err)
	}
	if q, err := parseList("topic=Rent;%20Heating;&page=2"); err != nil || q.Topic != "Rent; Heating;" || q.Page != 2 {
		t.Errorf("semicolons were read as %+v, %v", q, err)
	}
	if q, _ := parseList(""); q.Page != 1 || q.PerPage != 20 {
		t.Errorf("nothing given was read as %+v", q)
	}
	if q, _ := parseList("cursor=abc"); q.Page != 0 || q.Cursor != "abc" {
		t.Errorf("a cursor was read as %+v", q)
	}
}

func parseList(raw string) (vault.ListQuery, error) {
	q, err := parseQuery(raw, listParams, true)
	if err != nil {
		return vault.ListQuery{}, err
	}
	return listQuery(q)
}
