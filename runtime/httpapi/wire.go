package httpapi

import (
	"cmp"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/docvault/docvault/runtime/document"
)

// The bodies of requests and responses. Their tags are what the OpenAPI document says of them; huma reads them.

// Document is a document as the API shows it. It is exported for the generator alone, which reads no embedded type that is not.
type Document struct {
	ID                  document.ID        `json:"id" format:"uuid"`
	OriginalName        string             `json:"original_name" doc:"As uploaded, without folders and control characters."`
	MIMEType            string             `json:"mime_type" doc:"Told from the content."`
	Size                int64              `json:"size" minimum:"1" doc:"Bytes."`
	SHA256              string             `json:"sha256" pattern:"^[0-9a-f]{64}$"`
	Status              string             `json:"status" enum:"pending,processing,ready,failed"`
	Error               *document.Problem  `json:"error" doc:"Why the document will never be read."`
	Topics              []string           `json:"topics" doc:"Names."`
	Classification      classificationBody `json:"classification"`
	ClassificationError *string            `json:"classification_error" doc:"The detail of classification.error."`
	PageCount           int                `json:"page_count" minimum:"0" doc:"0 while unknown."`
	Language            string             `json:"language" doc:"ISO 639-1; empty while unknown."`
	TextTruncated       bool               `json:"text_truncated" doc:"There is more text than is kept or shown here."`
	CreatedAt           time.Time          `json:"created_at"`
	UpdatedAt           time.Time          `json:"updated_at"`
	Duplicate           bool               `json:"duplicate" doc:"The vault had these bytes already; of an upload only."`
}

type documentWithText struct {
	Document
	ExtractedText string `json:"extracted_text"`
}

type classificationBody struct {
	Status     string             `json:"status" enum:"none,pending,done,failed,skipped"`
	Provider   string             `json:"provider"`
	Model      string             `json:"model"`
	Confidence map[string]float64 `json:"confidence" doc:"By topic, 0 to 1."`
	Error      *document.Problem  `json:"error" doc:"Why filing failed; topics that were there stay."`
}

// ListEntry is a document as the list shows it, exported as Document is.
type ListEntry struct {
	Document
	Score     *float64 `json:"score,omitempty" minimum:"0" maximum:"1" doc:"How well it fits q: from 0.5 on it has the words themselves."`
	Highlight *string  `json:"highlight,omitempty" doc:"What was found, as HTML: text, escaped, and <mark>. Of searches alone."`
}

type documentList struct {
	Documents    []ListEntry `json:"documents"`
	Total        int64       `json:"total" minimum:"0" maximum:"10000" doc:"Counted to 10,000."`
	TotalIsExact bool        `json:"total_is_exact"`
	Page         *int64      `json:"page" doc:"Null where a cursor was given."`
	PerPage      int64       `json:"per_page"`
	NextCursor   *string     `json:"next_cursor" doc:"Null on the last page."`
}

type downloadLink struct {
	URL       string    `json:"url" format:"uri"`
	ExpiresAt time.Time `json:"expires_at"`
}

type uploadForm struct {
	File         string `json:"file" format:"binary" doc:"The file: exactly one."`
	AutoClassify bool   `json:"auto_classify,omitempty" default:"true" doc:"File it when it is read. Also 1, 0, yes, no, on, off."`
}

type classifyBody struct {
	Topics []string `json:"topics,omitempty" doc:"Choose among these topics only."`
}

type documentPatch struct {
	OriginalName *string  `json:"original_name,omitempty" nullable:"true" minLength:"1" doc:"By the rules of uploads, any extension."`
	Topics       []string `json:"topics,omitempty" nullable:"true" doc:"Names: all that it is filed under from now on, by hand."`
}

type bulkBody struct {
	IDs    []string `json:"ids" maxItems:"1000" doc:"Documents. One that is named twice counts once."`
	Action string   `json:"action" enum:"delete,restore,classify,reprocess,add_topics,remove_topics" doc:"delete is into the trash."`
	Topics []string `json:"topics,omitempty" nullable:"true" doc:"Names: for add_topics and remove_topics; for classify, to choose among."`
}

type bulkResult struct {
	Done   []string      `json:"done" doc:"The ids of the documents with which it was done."`
	Failed []bulkFailure `json:"failed" doc:"The rest."`
}

type bulkFailure struct {
	ID     string `json:"id" doc:"As it was sent."`
	Code   string `json:"code" enum:"not_found"`
	Detail string `json:"detail"`
}

type mergeBody struct {
	Into string `json:"into" format:"uuid" doc:"The topic that stays."`
}

type statsBody struct {
	Documents            documentCounts `json:"documents"`
	Bytes                int64          `json:"bytes" minimum:"0" doc:"Of all documents, without the trash."`
	TrashedBytes         int64          `json:"trashed_bytes" minimum:"0"`
	Queue                queueCounts    `json:"queue"`
	OldestPendingSeconds int64          `json:"oldest_pending_seconds" minimum:"0" doc:"How long the longest wait is; 0: none."`
}

type documentCounts struct {
	Pending    int64 `json:"pending" minimum:"0"`
	Processing int64 `json:"processing" minimum:"0"`
	Ready      int64 `json:"ready" minimum:"0"`
	Failed     int64 `json:"failed" minimum:"0"`
	Total      int64 `json:"total" minimum:"0" doc:"Of these four."`
	Trashed    int64 `json:"trashed" minimum:"0"`
}

type queueCounts struct {
	Depth  *int64 `json:"depth" minimum:"0" doc:"Tasks that wait for a worker; null while Redis does not answer."`
	Active *int64 `json:"active" minimum:"0" doc:"Tasks that a worker has; null as well."`
}

type topicBody struct {
	ID          document.ID `json:"id" format:"uuid"`
	Name        string      `json:"name"`
	Description string      `json:"description"`
	Color       string      `json:"color" pattern:"^#[0-9a-fA-F]{6}$"`
	DocCount    int64       `json:"doc_count" minimum:"0"`
}

type topicList struct {
	Topics []topicBody `json:"topics"`
}

type topicNew struct {
	Name        string  `json:"name" minLength:"1" maxLength:"100" doc:"Unique without regard to case."`
	Description string  `json:"description,omitempty" doc:"What belongs here; providers read it."`
	Color       *string `json:"color,omitempty" pattern:"^#[0-9a-fA-F]{6}$" default:"#6366f1"`
}

type topicPatch struct {
	Name        *string `json:"name,omitempty" nullable:"true" minLength:"1" maxLength:"100"`
	Description *string `json:"description,omitempty" nullable:"true"`
	Color       *string `json:"color,omitempty" nullable:"true" pattern:"^#[0-9a-fA-F]{6}$"`
}

type sessionBody struct {
	Token string `json:"token"`
}

type healthBody struct {
	Status string            `json:"status" enum:"ok,degraded"`
	Checks map[string]string `json:"checks" doc:"ok, or error: and a reason, for postgres, minio and redis."`
}

type probeBody struct {
	Status string `json:"status" enum:"ok"`
}

// TransformSchema says that error may be null, which tags cannot say of an object. It holds for what embeds Document, too.
func (Document) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	return orNull(s, "error")
}

// TransformSchema says that error may be null.
func (classificationBody) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	return orNull(s, "error")
}

func orNull(s *huma.Schema, property string) *huma.Schema {
	was := s.Properties[property]
	s.Properties[property] = &huma.Schema{Description: was.Description, AnyOf: []*huma.Schema{{Ref: was.Ref}, {Type: "null"}}}
	return s
}

func newDocumentBody(d document.Document, duplicate bool) Document {
	return Document{
		ID: d.ID, OriginalName: d.OriginalName, MIMEType: d.MIMEType, Size: d.Size, SHA256: d.SHA256,
		Status: string(d.Status), Error: d.Error, Topics: orEmpty(d.Topics),
		Classification: newClassificationBody(d.Classification), ClassificationError: detailOf(d.Classification.Error),
		PageCount: d.PageCount, Language: d.Language, TextTruncated: d.TextTruncated,
		CreatedAt: d.CreatedAt.UTC(), UpdatedAt: d.UpdatedAt.UTC(), Duplicate: duplicate,
	}
}

func newClassificationBody(c document.Classification) classificationBody {
	confidence := c.Confidence
	if confidence == nil {
		confidence = map[string]float64{}
	}
	return classificationBody{
		Status:   string(cmp.Or(c.Status, document.ClassificationNone)),
		Provider: c.Provider, Model: c.Model, Confidence: confidence, Error: c.Error,
	}
}

func detailOf(p *document.Problem) *string {
	if p == nil {
		return nil
	}
	return &p.Detail
}

func orEmpty(names []string) []string {
	if names == nil {
		return []string{}
	}
	return names
}
