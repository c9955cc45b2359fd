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
	return slices.Concat(a.documentRoutes(), a.editRoutes(), a.topicRoutes(), a.watchRoutes(), a.otherRoutes())
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
			refusal: []int{http.StatusPreconditionFailed, http.StatusRequestedRangeNotSatisfiable},
		},
		{
			method: "GET", path: "/api/documents/{id}/content", id: "getDocumentContent", subject: subjectDocument,
			summary: "The bytes as uploaded",
			description: "Takes Range and If-None-Match; the ETag is the SHA-256. PDF, raster images and plain text are shown by " +
				"browsers, the rest is downloaded.",
			params: []param{boolParam("download", "Download whatever the type is.")},
			write:  a.documentContent, media: []string{"*/*"}, status: http.StatusOK, streams: true,
			also:    []int{http.StatusPartialContent, http.StatusNotModified},
			refusal: []int{http.StatusPreconditionFailed, http.StatusRequestedRangeNotSatisfiable},
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

// editRoutes change documents that are there.
func (a *api) editRoutes() []route {
	return []route{
		{
			method: "PATCH", path: "/api/documents/{id}", id: "patchDocument", subject: subjectDocument,
			summary: "Rename a document, or file it by hand",
			description: "What is absent or null stays. Topics are all that it is filed under from now on, by hand: automatic filing " +
				"leaves these alone, and what it chose and is not among them goes.",
			body: documentPatch{}, answer: a.patchDocument, reply: Document{}, status: http.StatusOK,
			refusal: []int{http.StatusUnprocessableEntity},
		},
		{
			method: "POST", path: "/api/documents/{id}/reprocess", id: "reprocessDocument", subject: subjectDocument,
			summary: "Read and file a document again",
			description: "Whatever its status is. The text and the topics of before stay until there are others. " +
				"A reading that is under way is given up.",
			answer: a.reprocessDocument, reply: Document{}, status: http.StatusAccepted,
		},
		{
			method: "POST", path: "/api/documents/bulk", id: "bulkDocuments", subject: subjectDocument,
			summary: "Do one thing with many documents",
			description: "200 also where a document is not there: each id is among done or failed, once. An unknown topic is 422, " +
				"and nothing is done.",
			body: bulkBody{}, answer: a.bulkDocuments, reply: bulkResult{}, status: http.StatusOK,
			refusal: []int{http.StatusUnprocessableEntity},
		},
	}
}

// listParams are the filters, orders and pages of the list of documents.
var listParams = []param{
	textParam("topic", "Name of a topic. An unknown one gives an empty list."),
	boolParam("untagged", "Only documents without a topic."),
	choiceParam("status", "How far the document has come.", "pending", "processing", "ready", "failed"),
	choiceParam("classification_status", "How far the document's filing has come.", "none", "pending", "done", "failed", "skipped"),
	choiceParam("type", "The kind of file.", "pdf", "image", "text", "office", "email"),
	timeParam("created_after", "Stored later than this."),
	timeParam("created_before", "Stored earlier than this."),
	intParam("min_size", nil, 0, noLimit, "Bytes, inclusive."),
	intParam("max_size", nil, 0, noLimit, "Bytes, inclusive."),
	boolParam("trashed", "The trash instead of the vault."),
	textParam("q", "Search in texts and names. Words are combined by and; or, \"quotes\" and -exclusions are understood; word*, "+
		"and the last word, may go on. Any text is taken; of it, 1,000 characters and 32 words are read."),
	choiceParam("sort", "The order; the default is -created_at, the newest first, and relevance, the best first, with q.",
		string(vault.SortRelevance), string(vault.SortNewest), string(vault.SortOldest), string(vault.SortName), string(vault.SortNameDesc),
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
			method: "POST", path: "/api/topics/{id}/merge", id: "mergeTopic", subject: subjectTopic,
			summary:     "Merge a topic into another",
			description: "Its documents are filed under the other, by hand from then on, and with the higher confidence. The topic goes.",
			body:        mergeBody{}, streams: true, // each document is moved: hundreds of thousands take more than half a minute
			answer: a.mergeTopic, reply: topicBody{}, status: http.StatusOK,
			refusal: []int{http.StatusUnprocessableEntity},
		},
		{
			method: "DELETE", path: "/api/topics/{id}", id: "deleteTopic", subject: subjectTopic,
			summary: "Delete a topic", description: "Its documents stay.", streams: true, // each is taken out of it: as with merging
			answer: a.deleteTopic, status: http.StatusNoContent,
		},
	}
}

// watchRoutes tell how the vault fares.
func (a *api) watchRoutes() []route {
	return []route{
		{
			method: "GET", path: "/api/stats", id: "stats", summary: "The vault in numbers",
			description: "Kept as documents change, not counted: it takes the same time however many there are.",
			answer:      a.stats, reply: statsBody{}, status: http.StatusOK,
		},
		{
			method: "GET", path: "/api/events", id: "events", summary: "What changes, as it happens",
			description: "Server-sent events. `document`: one changed; its data are {id, status, classification: {status}, topics, " +
				"deleted}, deleted meaning the trash, too. `topics`: a topic was made, changed, merged or removed, or its count " +
				"changed. `reset`: something was missed, read anew what you show. A document is told of five times a second at " +
				"most, as it is then. A comment comes every 15 s. A client that sends Last-Event-ID is told reset first: what " +
				"happened while it was away is not kept.",
			write: a.events, media: []string{"text/event-stream"}, status: http.StatusOK, streams: true,
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
			method: "PUT", path: "/api/settings", id: "putSettings", summary: "Change how documents are classified",
			description: "What is absent stays, null is reset. An api_key goes in and never comes out; a changed base_url drops it, " +
				"unless a new one comes along.",
			body: settingsPatch{}, answer: a.putSettings, reply: vault.Settings{}, status: http.StatusOK,
		},
		{
			method: "POST", path: "/api/settings/check", id: "checkProvider", summary: "Try a provider with the stored settings",
			description: "200 also when it fails: ok says so, and detail why.",
			body:        checkBody{}, bodyOptional: true,
			answer: a.checkProvider, reply: vault.ProviderCheck{}, status: http.StatusOK,
		},
		{
			method: "POST", path: "/api/session", id: "openSession", summary: "Exchange the token for a cookie", open: true,
			body: sessionBody{}, answer: a.openSession, status: http.StatusNoContent,
			refusal: []int{http.StatusUnauthorized, http.StatusTooManyRequests},
		},
		{
			method: "DELETE", path: "/api/session", id: "closeSession", summary: "End the session", open: true,
			description: "At every replica; copies of its cookie end with it.",
			answer:      a.closeSession, status: http.StatusNoContent,
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
