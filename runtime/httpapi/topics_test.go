package httpapi_test

import (
	"strings"
	"testing"

	"github.com/docvault/docvault/runtime/document"
)

type topic struct {
	ID, Name, Description, Color string
	DocCount                     int64 `json:"doc_count"`
}

func (a *app) topic(t *testing.T, body string) topic {
	t.Helper()
	var made topic
	a.send(t, "POST", "/api/topics", body).want(t, "create "+body, 201, "").into(t, &made)
	return made
}

func TestTopics(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	letters := a.topic(t, `{"name": "Letters"}`)
	if letters.Color != "#6366f1" || letters.Description != "" || letters.DocCount != 0 {
		t.Errorf("the defaults are %+v", letters)
	}
	a.topic(t, `{"name": "Bills", "description": "To be paid", "color": "#00ff00", "unknown": true}`)
	a.send(t, "POST", "/api/topics", `{"name": "lETTERS"}`).want(t, "the same name", 409, "conflict")

	for _, method := range []string{"PATCH", "PUT"} {
		var changed topic
		body := `{"description": "` + method + `", "color": null}`
		a.send(t, method, "/api/topics/"+letters.ID, body).want(t, method, 200, "").into(t, &changed)
		if changed.Name != "Letters" || changed.Description != method || changed.Color != "#6366f1" {
			t.Errorf("%s made %+v", method, changed)
		}
	}
	a.send(t, "PATCH", "/api/topics/"+letters.ID, `{"name": "BILLS"}`).want(t, "a name that is taken", 409, "conflict")

	var list struct{ Topics []topic }
	a.get(t, "/api/topics").want(t, "list", 200, "").into(t, &list)
	if len(list.Topics) != 2 || list.Topics[0].Name != "Bills" {
		t.Errorf("the topics are %+v", list.Topics)
	}
	a.delete(t, "/api/topics/"+letters.ID).want(t, "delete", 204, "")
	a.delete(t, "/api/topics/"+letters.ID).want(t, "delete again", 404, "not_found")
}

func TestBadTopics(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	for _, body := range []string{
		`{}`, `{"name": ""}`, `{"name": "  "}`, `{"name": "` + strings.Repeat("x", 101) + `"}`, `{"name": 7}`,
		`{"name": "x", "color": "red"}`, `{"name": "x", "color": ""}`, `{"name": "x", "color": "#12345"}`, `{"name": "x", "description": []}`,
	} {
		a.send(t, "POST", "/api/topics", body).want(t, body, 400, "invalid_value")
	}
	a.send(t, "POST", "/api/topics", `{"name": "a\u0000"}`).want(t, "NUL", 400, "invalid_text")
	a.send(t, "POST", "/api/topics", `[]`).want(t, "a list", 400, "malformed_request")
	a.topic(t, `{"name": "`+strings.Repeat("ä", 100)+`"}`)
}

func TestClassify(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	d := a.stored(t, "a.txt", "to be filed")
	a.topic(t, `{"name": "Letters"}`)
	path := "/api/documents/" + d.ID + "/classify"
	var asked doc
	a.send(t, "POST", path, "").want(t, "no body", 202, "").into(t, &asked)
	if asked.Classification.Status != "pending" {
		t.Errorf("classification is %s", asked.Classification.Status)
	}
	a.send(t, "POST", path, `{"topics": ["letters"]}`).want(t, "a topic", 202, "")
	a.send(t, "POST", path, `{"topics": ["Letters", "Unknown"]}`).want(t, "an unknown topic", 422, "unknown_topic")
	a.send(t, "POST", path, `{"topics": "Letters"}`).want(t, "no list", 400, "invalid_value")
	for _, body := range []string{``, `{"topics": ["Letters"]}`, `{"topics": ["Unknown"]}`} {
		a.send(t, "POST", "/api/documents/"+document.NewID().String()+"/classify", body).want(t, "an unknown document, "+body, 404, "not_found")
	}
}
