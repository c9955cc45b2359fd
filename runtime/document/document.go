// Package document says what a document is: its states, its parts and what can go wrong with it. It imports the standard
// library only, so that every other package of the runtime can speak of documents without depending on another.
package document

import "time"

// Actor is who acts and with which rights. Every use case takes one. Until accounts exist there is one, Anonymous.
type Actor struct {
	// Owner is whose documents are meant; the nil UUID where documents have no user.
	Owner ID
}

// Anonymous is the one actor of a vault without accounts: it owns the documents that have no user.
var Anonymous = Actor{}

// Status is how far a document has come.
type Status string

// The states of a document: pending (stored, waiting), processing, then ready (read and searchable) or failed (will never succeed).
const (
	StatusPending    Status = "pending"
	StatusProcessing Status = "processing"
	StatusReady      Status = "ready"
	StatusFailed     Status = "failed"
)

// ClassificationStatus is how far the filing of a document has come. It follows StatusReady.
type ClassificationStatus string

// The states of a classification: none (not asked), pending, done, failed (earlier topics are kept), skipped (no text, or no topics).
const (
	ClassificationNone    ClassificationStatus = "none"
	ClassificationPending ClassificationStatus = "pending"
	ClassificationDone    ClassificationStatus = "done"
	ClassificationFailed  ClassificationStatus = "failed"
	ClassificationSkipped ClassificationStatus = "skipped"
)

// Kind groups media types as the list's filter `type` does.
type Kind string

// The kinds of documents.
const (
	KindPDF    Kind = "pdf"
	KindImage  Kind = "image"
	KindText   Kind = "text"
	KindOffice Kind = "office"
	KindEmail  Kind = "email"
)

// Problem is what went wrong with a document or its classification, for people (Detail) and for programs (Code).
type Problem struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// Classification is what automatic filing did.
type Classification struct {
	Status     ClassificationStatus `json:"status"`
	Provider   string               `json:"provider"`
	Model      string               `json:"model"`
	Confidence map[string]float64   `json:"confidence"` // by topic name, 0 to 1
	Error      *Problem             `json:"error"`
}

// Document is one document as its owner sees it. Text is not part of it: lists never touch text.
type Document struct {
	ID             ID
	Owner          ID
	OriginalName   string
	MIMEType       string
	Kind           Kind
	Size           int64  // bytes
	SHA256         string // hex, lower case, of the bytes as uploaded
	ObjectKey      string
	Status         Status
	Error          *Problem
	Topics         []string // names, sorted
	Classification Classification
	PageCount      int
	Language       string // ISO 639-1, empty while unknown
	TextTruncated  bool   // the text was cut to the limit of what is kept
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// Topic is a label that documents are filed under.
type Topic struct {
	ID          ID     `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Color       string `json:"color"` // #rrggbb
	DocCount    int64  `json:"doc_count"`
}
