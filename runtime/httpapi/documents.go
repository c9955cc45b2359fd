package httpapi

import (
	"time"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/vault"
)

const (
	// shownTextBytes is how much text comes with a document; …/text has all of it.
	shownTextBytes = 1 << 20
	// pagedDocuments is where pages end: to find page n the database walks over all before it. Cursors go on.
	pagedDocuments = 10_000
)

// pathID reads {id}. What is no UUID names nothing, so it is not found rather than wrong.
func (c *call) pathID() (document.ID, error) {
	id, err := document.ParseID(c.PathValue("id"))
	if err != nil {
		return id, document.ErrNotFound
	}
	return id, nil
}

func (a *api) listDocuments(c *call) (any, error) {
	wanted, err := listQuery(c.query)
	if err != nil {
		return nil, err
	}
	page, err := a.vault.List(c.Context(), a.actor(c.Request), wanted)
	if err != nil {
		return nil, err
	}
	return newDocumentList(wanted, page), nil
}

func listQuery(q query) (vault.ListQuery, error) {
	wanted := vault.ListQuery{
		Topic:         q.text("topic"),
		Untagged:      q.boolean("untagged"),
		Status:        document.Status(q.text("status")),
		Kind:          document.Kind(q.text("type")),
		CreatedAfter:  q.instant("created_after"),
		CreatedBefore: q.instant("created_before"),
		MinSize:       q.integer("min_size"),
		MaxSize:       q.integer("max_size"),
		Trashed:       q.boolean("trashed"),
		Search:        q.text("q"),
		Sort:          vault.Sort(q.text("sort")),
		PerPage:       int(*q.integer("per_page")),
		Cursor:        q.text("cursor"),
	}
	wanted.Classification = document.ClassificationStatus(q.text("classification_status"))
	page := q.integer("page")
	switch {
	case page != nil && wanted.Cursor != "":
		return wanted, errBadParameter("cursor", "cannot be given together with page.")
	case page != nil && *page > int64(pagedDocuments/wanted.PerPage):
		return wanted, errBadParameter("page", "times per_page must be at most 10,000. Go on with cursor, or filter.")
	case page != nil:
		wanted.Page = int(*page)
	case wanted.Cursor == "":
		wanted.Page = 1
	}
	return wanted, nil
}

func newDocumentList(wanted vault.ListQuery, page vault.Page) documentList {
	list := documentList{
		Documents: make([]ListEntry, len(page.Documents)),
		Total:     page.Total, TotalIsExact: page.TotalIsExact, PerPage: int64(wanted.PerPage),
	}
	for i, d := range page.Documents {
		list.Documents[i].Document = newDocumentBody(d, false)
		if wanted.Search != "" {
			list.Documents[i].Score, list.Documents[i].Highlight = &page.Matches[i].Score, &page.Matches[i].Highlight
		}
	}
	if wanted.Page > 0 {
		number := int64(wanted.Page)
		list.Page = &number
	}
	if page.NextCursor != "" {
		list.NextCursor = &page.NextCursor
	}
	return list
}

func (a *api) getDocument(c *call) (any, error) {
	id, err := c.pathID()
	if err != nil {
		return nil, err
	}
	d, err := a.vault.Get(c.Context(), a.actor(c.Request), id)
	if err != nil {
		return nil, err
	}
	text, truncated, err := a.vault.Text(c.Context(), a.actor(c.Request), id, shownTextBytes)
	if err != nil {
		return nil, err
	}
	d.TextTruncated = d.TextTruncated || truncated
	return documentWithText{Document: newDocumentBody(d, false), ExtractedText: text}, nil
}

func (a *api) downloadURL(c *call) (any, error) {
	id, err := c.pathID()
	if err != nil {
		return nil, err
	}
	expires := time.Duration(*c.query.integer("expires_minutes")) * time.Minute
	url, expiresAt, err := a.vault.DownloadURL(c.Context(), a.actor(c.Request), id, expires)
	if err != nil {
		return nil, err
	}
	return downloadLink{URL: url, ExpiresAt: expiresAt.UTC()}, nil
}

func (a *api) deleteDocument(c *call) (any, error) {
	id, err := c.pathID()
	if err != nil {
		return nil, err
	}
	return nil, a.vault.Delete(c.Context(), a.actor(c.Request), id, c.query.boolean("permanent"))
}

func (a *api) restoreDocument(c *call) (any, error) {
	id, err := c.pathID()
	if err != nil {
		return nil, err
	}
	d, err := a.vault.Restore(c.Context(), a.actor(c.Request), id)
	if err != nil {
		return nil, err
	}
	return newDocumentBody(d, false), nil
}

// classifyDocument answers with the document as it waits, so that a client can show it as pending at once.
func (a *api) classifyDocument(c *call) (any, error) {
	id, err := c.pathID()
	if err != nil {
		return nil, err
	}
	var body classifyBody
	if err := c.decodeOptional(&body); err != nil {
		return nil, err
	}
	if err := a.vault.Classify(c.Context(), a.actor(c.Request), id, body.Topics); err != nil {
		return nil, unknownTopic(err)
	}
	d, err := a.vault.Get(c.Context(), a.actor(c.Request), id)
	if err != nil {
		return nil, err
	}
	return newDocumentBody(d, false), nil
}
