package httpapi

import (
	"errors"
	"fmt"
	"strings"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/vault"
)

func (a *api) patchDocument(c *call) (any, error) {
	id, err := c.pathID()
	if err != nil {
		return nil, err
	}
	var body documentPatch
	if err := c.decode(&body); err != nil {
		return nil, err
	}
	edit := vault.Edit{Topics: body.Topics}
	if body.OriginalName != nil {
		name, err := newName(*body.OriginalName)
		if err != nil {
			return nil, err
		}
		edit.Name = &name
	}
	d, err := a.vault.Edit(c.Context(), a.actor(c.Request), id, edit)
	if err != nil {
		return nil, unknownTopic(err)
	}
	return newDocumentBody(d, false), nil
}

// newName is the name that a document gets by hand. One that comes to nothing is a slip, not a file without a name.
func newName(sent string) (string, error) {
	name, nothing := document.StoredName(sent), document.StoredName("")
	if name == nothing && !strings.HasSuffix(sent, nothing) {
		return "", errBadParameter("original_name", "must have letters or digits after the last slash.")
	}
	return name, nil
}

// reprocessDocument answers with the document as it waits.
func (a *api) reprocessDocument(c *call) (any, error) {
	id, err := c.pathID()
	if err != nil {
		return nil, err
	}
	d, err := a.vault.Reprocess(c.Context(), a.actor(c.Request), id)
	if err != nil {
		return nil, err
	}
	return newDocumentBody(d, false), nil
}

// bulkDocuments answers 200 whatever became of the single documents: each id that was sent is among done or failed, once.
func (a *api) bulkDocuments(c *call) (any, error) {
	var body bulkBody
	if err := c.decode(&body); err != nil {
		return nil, err
	}
	switch {
	case body.IDs == nil:
		return nil, errBadParameter("ids", "must be a list of ids.")
	case len(body.IDs) > vault.MaxBulk:
		return nil, errBadParameter("ids", fmt.Sprintf("must have at most %d elements.", vault.MaxBulk))
	}
	ids := make([]document.ID, 0, len(body.IDs))
	for _, text := range body.IDs {
		if id, err := document.ParseID(text); err == nil {
			ids = append(ids, id)
		}
	}
	done, err := a.vault.Bulk(c.Context(), a.actor(c.Request), ids, vault.Action(body.Action), body.Topics)
	if err != nil {
		return nil, unknownTopicOf(err, len(body.Topics) > 0)
	}
	return newBulkResult(body.IDs, done), nil
}

// unknownTopicOf is unknownTopic where names were given; that they are missing is another fault.
func unknownTopicOf(err error, given bool) error {
	invalid, ok := errors.AsType[*document.InvalidError](err)
	if ok && given && invalid.Field == "topics" {
		return unknownTopic(err)
	}
	return err
}

func newBulkResult(asked []string, done []document.ID) bulkResult {
	result := bulkResult{Done: make([]string, len(done)), Failed: []bulkFailure{}}
	told := make(map[string]bool, len(asked))
	for i, id := range done {
		result.Done[i] = id.String()
		told[id.String()] = true
	}
	for _, text := range asked {
		key := strings.ToLower(text)
		if told[key] {
			continue
		}
		told[key] = true
		result.Failed = append(result.Failed, bulkFailure{ID: text, Code: "not_found", Detail: subjectDocument + " not found"})
	}
	return result
}

func (a *api) mergeTopic(c *call) (any, error) {
	id, err := c.pathID()
	if err != nil {
		return nil, err
	}
	var body mergeBody
	if err := c.decode(&body); err != nil {
		return nil, err
	}
	if body.Into == "" {
		return nil, errBadParameter("into", "must be the id of the topic that stays.")
	}
	into, _ := document.ParseID(body.Into) // what is no id is that of no topic
	t, err := a.vault.MergeTopic(c.Context(), a.actor(c.Request), id, into)
	switch {
	case errors.Is(err, document.ErrConflict):
		return nil, errBadParameter("into", "must be another topic than the one that goes.")
	case err != nil:
		return nil, unknownTopic(err)
	}
	return topicBody(t), nil
}

func (a *api) stats(c *call) (any, error) {
	s, err := a.vault.Stats(c.Context(), a.actor(c.Request))
	if err != nil {
		return nil, err
	}
	body := statsBody{
		Documents: documentCounts{
			Pending: s.Pending, Processing: s.Processing, Ready: s.Ready, Failed: s.Failed,
			Total: s.Pending + s.Processing + s.Ready + s.Failed, Trashed: s.Trashed,
		},
		Bytes: s.Bytes, TrashedBytes: s.TrashedBytes, OldestPendingSeconds: int64(s.OldestPending.Seconds()),
	}
	if s.Queue != nil {
		waits := int64(s.Queue.Pending + s.Queue.Retry)
		body.Queue = queueCounts{Depth: &waits, Active: new(int64(s.Queue.Active))}
	}
	return body, nil
}
