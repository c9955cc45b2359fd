package httpapi_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/docvault/docvault/runtime/document"
)

func TestPatchDocument(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.topic(t, `{"name": "Letters"}`)
	d := a.stored(t, "a.txt", "to be filed")
	path := "/api/documents/" + d.ID
	patch := func(body, name string, topics ...string) {
		t.Helper()
		var got doc
		a.send(t, "PATCH", path, body).want(t, body, 200, "").into(t, &got)
		if got.OriginalName != name || !slices.Equal(got.Topics, topics) {
			t.Errorf("%s made %q under %v", body, got.OriginalName, got.Topics)
		}
	}
	patch(`{}`, "a.txt")
	patch(`{"original_name": null, "topics": null}`, "a.txt")
	patch(`{"original_name": "C:\\x\\Brief\u0007.pdf"}`, "Brief.pdf")
	patch(`{"topics": ["LETTERS", "Letters"]}`, "Brief.pdf", "Letters")
	patch(`{"original_name": "`+strings.Repeat("ä", 200)+`"}`, strings.Repeat("ä", 127), "Letters")
	patch(`{"original_name": "unnamed", "topics": []}`, "unnamed")

	for _, name := range []string{``, `/`, `a/`, `\u0007`, `..`, ` `} {
		a.send(t, "PATCH", path, `{"original_name": "`+name+`"}`).want(t, "name "+name, 400, "invalid_value")
	}
	a.send(t, "PATCH", path, `{"original_name": 7}`).want(t, "a number", 400, "invalid_value")
	a.send(t, "PATCH", path, `{"original_name": "a\u0000"}`).want(t, "NUL", 400, "invalid_text")
	a.send(t, "PATCH", path, `{"topics": "Letters"}`).want(t, "no list", 400, "invalid_value")
	a.send(t, "PATCH", path, `{"original_name": "b", "topics": ["none"]}`).want(t, "an unknown topic", 422, "unknown_topic")
	a.send(t, "PATCH", path, `{"topics": [null]}`).want(t, "null among the topics", 422, "unknown_topic")
	patch(`{}`, "unnamed")
	for _, body := range []string{`{}`, `{"topics": ["none"]}`, `{"topics": ["Letters"]}`} {
		for _, id := range []string{"x", document.NewID().String()} {
			a.send(t, "PATCH", "/api/documents/"+id, body).want(t, body+" for "+id, 404, "not_found")
		}
	}
	a.delete(t, path).want(t, "delete", 204, "")
	a.send(t, "PATCH", path, `{}`).want(t, "in the trash", 404, "not_found")
}

func TestReprocess(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	d := a.stored(t, "a.txt", "to be read")
	if read := a.read(t, d.ID); read.Status != "ready" {
		t.Fatalf("status %s", read.Status)
	}
	path := "/api/documents/" + d.ID
	var asked doc
	a.send(t, "POST", path+"/reprocess", "").want(t, "reprocess", 202, "").into(t, &asked)
	if asked.Status != "pending" || asked.Classification.Status != "pending" {
		t.Errorf("it is %+v", asked)
	}
	if got := a.get(t, path+"/text"); string(got.body) != "to be read" {
		t.Errorf("the text of before is %q", got.body)
	}
	a.send(t, "POST", "/api/documents/"+document.NewID().String()+"/reprocess", "").want(t, "an unknown one", 404, "not_found")
	a.delete(t, path).want(t, "delete", 204, "")
	a.send(t, "POST", path+"/reprocess", "").want(t, "in the trash", 404, "not_found")
	a.get(t, path+"/reprocess").want(t, "another method", 405, "method_not_allowed")
}

type bulk struct {
	Done   []string
	Failed []struct{ ID, Code, Detail string }
}

func TestBulk(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.topic(t, `{"name": "Letters"}`)
	one, two, none := a.stored(t, "1.txt", "one").ID, a.stored(t, "2.txt", "two").ID, document.NewID().String()
	ids := fmt.Sprintf(`[%q, "x", %q, %q, %q, "x", null]`, strings.ToUpper(one), none, two, one)
	for _, action := range []string{
		`"add_topics", "topics": ["letters"]`, `"remove_topics", "topics": ["Letters"]`, `"classify"`,
		`"classify", "topics": ["Letters"]`, `"reprocess"`, `"delete"`, `"restore", "topics": null`,
	} {
		var got bulk
		a.send(t, "POST", "/api/documents/bulk", `{"ids": `+ids+`, "action": `+action+`}`).want(t, action, 200, "").into(t, &got)
		if !slices.Equal(got.Done, []string{one, two}) || len(got.Failed) != 3 {
			t.Fatalf("%s: %+v", action, got)
		}
		for i, id := range []string{"x", none, ""} {
			if f := got.Failed[i]; f.ID != id || f.Code != "not_found" || f.Detail == "" {
				t.Errorf("%s: %+v", action, f)
			}
		}
	}
	var nothing bulk
	a.send(t, "POST", "/api/documents/bulk", `{"ids": [], "action": "delete"}`).want(t, "no ids", 200, "").into(t, &nothing)
	if nothing.Done == nil || nothing.Failed == nil {
		t.Errorf("%+v", nothing)
	}
}

func TestBadBulk(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	id := a.stored(t, "1.txt", "one").ID
	many := strings.Repeat(`"x",`, 1000) + `"x"`
	for _, body := range []string{
		`{}`, `{"ids": null, "action": "delete"}`, `{"ids": "x", "action": "delete"}`, `{"ids": [7], "action": "delete"}`,
		`{"ids": ["` + id + `"]}`, `{"ids": ["` + id + `"], "action": "sing"}`, `{"ids": [` + many + `], "action": "delete"}`,
		`{"ids": ["` + id + `"], "action": "add_topics"}`, `{"ids": ["` + id + `"], "action": "remove_topics", "topics": []}`,
	} {
		a.send(t, "POST", "/api/documents/bulk", body).want(t, body, 400, "invalid_value")
	}
	for _, action := range []string{"add_topics", "remove_topics", "classify"} {
		body := `{"ids": ["` + id + `"], "action": "` + action + `", "topics": ["none"]}`
		a.send(t, "POST", "/api/documents/bulk", body).want(t, body, 422, "unknown_topic")
	}
	fetch(t, a.client, http.MethodPost, a.url("/api/documents/bulk"), strings.NewReader("ids=1")).want(t, "a form", 415, "unsupported_media_type")
	a.get(t, "/api/documents/bulk").want(t, "it is no document", 404, "not_found")
}

func TestMerge(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	from, into := a.topic(t, `{"name": "Post"}`), a.topic(t, `{"name": "Letters"}`)
	d := a.stored(t, "a.txt", "a letter")
	a.send(t, "PATCH", "/api/documents/"+d.ID, `{"topics": ["Post"]}`).want(t, "file", 200, "")
	path := "/api/topics/" + from.ID + "/merge"
	for _, body := range []string{`{}`, `{"into": null}`, `{"into": 7}`, `{"into": "` + from.ID + `"}`} {
		a.send(t, "POST", path, body).want(t, body, 400, "invalid_value")
	}
	for _, id := range []string{"x", document.NewID().String()} {
		a.send(t, "POST", path, `{"into": "`+id+`"}`).want(t, "into "+id, 422, "unknown_topic")
		for _, other := range []string{into.ID, id, "y", document.NewID().String()} {
			a.send(t, "POST", "/api/topics/"+id+"/merge", `{"into": "`+other+`"}`).want(t, "of "+id+" into "+other, 404, "not_found")
		}
	}
	var merged topic
	a.send(t, "POST", path, `{"into": "`+into.ID+`"}`).want(t, "merge", 200, "").into(t, &merged)
	if merged.ID != into.ID || merged.DocCount != 1 {
		t.Errorf("merged into %+v", merged)
	}
	a.send(t, "POST", path, `{"into": "`+into.ID+`"}`).want(t, "merge again", 404, "not_found")
}

type stats struct {
	Documents struct{ Pending, Processing, Ready, Failed, Total, Trashed int64 }
	Bytes     int64
	Trashed   int64 `json:"trashed_bytes"`
	Queue     struct{ Depth, Active *int64 }
	Oldest    int64 `json:"oldest_pending_seconds"`
}

func TestStats(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	read := func() (s stats) {
		t.Helper()
		a.get(t, "/api/stats").want(t, "stats", 200, "").into(t, &s)
		return s
	}
	if s := read(); s.Documents.Total != 0 || s.Bytes != 0 || s.Queue.Depth == nil || *s.Queue.Depth != 0 || s.Oldest != 0 {
		t.Errorf("an empty vault has %+v", s)
	}
	first := a.stored(t, "1.txt", "1").ID
	a.stored(t, "2.txt", "22")
	trashed := a.stored(t, "3.txt", "333").ID
	a.read(t, first)
	a.delete(t, "/api/documents/"+trashed).want(t, "delete", 204, "")
	s := read()
	if d := s.Documents; d.Ready != 1 || d.Pending != 1 || d.Total != 2 || d.Trashed != 1 || s.Bytes != 3 || s.Trashed != 3 {
		t.Errorf("the numbers are %+v", s)
	}
	if *s.Queue.Depth != 4 || *s.Queue.Active != 0 { // three to read, one to classify
		t.Errorf("the queue has %d, %d", *s.Queue.Depth, *s.Queue.Active)
	}
	a.Redis.Kill(t)
	if s := read(); s.Queue.Depth != nil || s.Queue.Active != nil || s.Documents.Total != 2 {
		t.Errorf("without Redis they are %+v", s)
	}
}
