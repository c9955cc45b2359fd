package httpapi

import (
	"math"
	"net/http"
	"slices"

	"github.com/docvault/docvault/runtime/vault"
)

// noLimit is the upper bound of a number that has none.
const noLimit = math.MaxInt64

// What a 404 says was not found.
const (
	subjectDocument = "Document"
	subjectTopic    = "Topic"
)

// routes is the API: all there is, and nothing that is not built.
func (a *api) routes() []route {
	return slices.Concat(a.documentRoutes(), a.topicRoutes(), a.otherRoutes())
}

func (a *api) documentRoutes() []route {
	return []route{
		{
			method: "POST", path: "/api/documents/upload", id: "uploadDocument", subject: subjectDocument,
			summary: "Store a file",
			description: "The type is told from the content, never from the name. The same bytes again give the document that is " +
				"there already, with duplicate true: out of the trash if it was there, tried again if it had failed.",
			body: uploadForm{}, form: true, streams: true,
			answer: a.upload, reply: Document{}, status: http.StatusOK,
		},
		{
			method: "GET", path: "/api/documents", id: "listDocuments", subject: subjectDocument,
			summary: "List documents",
			description: "Conditions are combined by and. The total is counted to 10,000. Parameters that are not listed here are " +
				"refused, so that a misspelt filter does not list everything.",
			params: listParams, strict: true,
			answer: a.listDocuments, reply: documentList{}, status: http.StatusOK,
		},
		{
			method: "GET", path: "/api/documents/{id}", id: "getDocument", subject: subjectDocument,
			summary:     "A document with its text",
			description: "The text is given to 1 MiB; text_truncated says that there is more.",
			answer:      a.getDocument, reply: documentWithText{}, status: http.StatusOK,
		},
		{
			method: "GET", path: "/api/documents/{id}/text", id: "getDocumentText", subject: subjectDocument,
			summary: "All the text of a document", description: "Takes Range.",
			write: a.documentText, media: []string{"text/plain"}, status: http.StatusOK, streams: true,
			also:    []int{http.StatusPartialContent, http.StatusNotModified},
			refusal: []int{http.StatusRequestedRangeNotSatisfiable},
		},
		{
			method: "GET", path: "/api/documents/{id}/content", id: "getDocumentContent", subject: subjectDocument,
			summary: "The bytes as uploaded",
			description: "Takes Range and If-None-Match; the ETag is the SHA-256. PDF, raster images and plain text are shown by " +
				"browsers, the rest is downloaded.",
			params: []param{boolParam("download", "Download whatever the type is.")},
			write:  a.documentContent, media: []string{"*/*"}, status: http.StatusOK, streams: true,
			also:    []int{http.StatusPartialContent, http.StatusNotModified},
			refusal: []int{http.StatusRequestedRangeNotSatisfiable},
		},
		{
			method: "GET", path: "/api/documents/{id}/download-url", id: "getDownloadURL", subject: subjectDocument,
			summary: "A link to the bytes that works without a token, for a while",
			params:  []param{intParam("expires_minutes", int64(60), 1, 1440, "How long the link works.")},
			answer:  a.downloadURL, reply: downloadLink{}, status: http.StatusOK,
		},
		a.previewRoute(),
		{
			method: "DELETE", path: "/api/documents/{id}", id: "deleteDocument", subject: subjectDocument,
			summary: "Put a document into the trash, or remove it for good",
			params:  []param{boolParam("permanent", "Remove the document, its bytes and its queued work now; also from the trash.")},
			answer:  a.deleteDocument, status: http.StatusNoContent,
		},
		{
			method: "POST", path: "/api/documents/{id}/restore", id: "restoreDocument", subject: subjectDocument,
			summary: "Take a document out of the trash",
			answer:  a.restoreDocument, reply: Document{}, status: http.StatusOK,
		},
		{
			method: "POST", path: "/api/documents/{id}/classify", id: "classifyDocument", subject: subjectDocument,
			summary:     "File a document anew",
			description: "Replaces what automatic filing chose before; topics given by hand stay. The body may be left out.",
			body:        classifyBody{}, bodyOptional: true,
			answer: a.classifyDocument, reply: Document{}, status: http.StatusAccepted,
			refusal: []int{http.StatusUnprocessableEntity},
		},
	}
}

// listParams are the filters, orders and pages of the list of documents.
var listParams = []param{
	textParam("topic", "Name of a topic. An unknown one gives an empty list."),
	boolParam("untagged", "Only documents without a topic."),
	choiceParam("status", "How far the document has come.", "pending", "processing", "ready", "failed"),
	choiceParam("type", "The kind of file.", "pdf", "image", "text", "office", "email"),
	timeParam("created_after", "Stored later than this."),
	timeParam("created_before", "Stored earlier than this."),
	intParam("min_size", nil, 0, noLimit, "Bytes, inclusive."),
	intParam("max_size", nil, 0, noLimit, "Bytes, inclusive."),
	boolParam("trashed", "The trash instead of the vault."),
	choiceParam("sort", "The order; the default is -created_at, the newest first.",
		string(vault.SortNewest), string(vault.SortOldest), string(vault.SortName), string(vault.SortNameDesc),
		string(vault.SortSize), string(vault.SortSizeDesc)),
	intParam("per_page", int64(20), 1, 100, "How many documents a page has."),
	intParam("page", nil, 1, noLimit, "The page, from 1. Pages end at 10,000 documents; a cursor goes on. Not together with cursor."),
	textParam("cursor", "next_cursor of the page before. Not together with page."),
}

func (a *api) topicRoutes() []route {
	change := route{
		path: "/api/topics/{id}", subject: subjectTopic, summary: "Change a topic",
		description: "What is absent or null stays.",
		body:        topicPatch{}, answer: a.updateTopic, reply: topicBody{}, status: http.StatusOK,
		refusal: []int{http.StatusConflict},
	}
	patch, put := change, change
	patch.method, patch.id = "PATCH", "patchTopic"
	put.method, put.id = "PUT", "putTopic"
	return []route{
		{
			method: "GET", path: "/api/topics", id: "listTopics", subject: subjectTopic, summary: "All topics with their counts",
			answer: a.listTopics, reply: topicList{}, status: http.StatusOK,
		},
		{
			method: "POST", path: "/api/topics", id: "createTopic", subject: subjectTopic, summary: "Create a topic",
			body: topicNew{}, answer: a.createTopic, reply: topicBody{}, status: http.StatusCreated,
			refusal: []int{http.StatusConflict},
		},
		patch,
		put,
		{
			method: "DELETE", path: "/api/topics/{id}", id: "deleteTopic", subject: subjectTopic,
			summary: "Delete a topic", description: "Its documents stay.",
			answer: a.deleteTopic, status: http.StatusNoContent,
		},
	}
}

func (a *api) otherRoutes() []route {
	return []route{
		{
			method: "GET", path: "/api/settings", id: "getSettings", summary: "How documents are classified",
			description: "Keys never come out.",
			answer:      a.getSettings, reply: vault.Settings{}, status: http.StatusOK,
		},
		{
			method: "POST", path: "/api/session", id: "openSession", summary: "Exchange the token for a cookie", open: true,
			body: sessionBody{}, answer: a.openSession, status: http.StatusNoContent,
			refusal: []int{http.StatusUnauthorized, http.StatusTooManyRequests},
		},
		{
			method: "DELETE", path: "/api/session", id: "closeSession", summary: "End the cookie's session", open: true,
			answer: a.closeSession, status: http.StatusNoContent,
		},
		{
			method: "GET", path: "/health", id: "health", summary: "Each dependency, for people", open: true,
			description: "200 also when degraded.",
			answer:      a.health, reply: healthBody{}, status: http.StatusOK,
		},
		{
			method: "GET", path: "/livez", id: "live", summary: "The process answers", open: true,
			answer: a.live, reply: probeBody{}, status: http.StatusOK,
		},
		{
			method: "GET", path: "/readyz", id: "ready", summary: "The vault can serve", open: true,
			description: "Postgres answers and its schema is new enough, else 503.",
			answer:      a.ready, reply: probeBody{}, status: http.StatusOK,
		},
		{
			method: "GET", path: "/openapi.json", id: "openapi", summary: "This document", open: true,
			write: a.openAPI, media: []string{"application/json"}, status: http.StatusOK,
			also: []int{http.StatusNotModified},
		},
		{
			method: "GET", path: "/docs", id: "docs", summary: "This document for people", open: true,
			write: a.docsPage, media: []string{"text/html"}, status: http.StatusOK,
			also: []int{http.StatusNotModified},
		},
	}
}
