package vault

import (
	"context"
	"fmt"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/queue"
	"github.com/docvault/docvault/runtime/store"
	"github.com/docvault/docvault/runtime/store/sqlrows"
)

// Edit is what a user changes on a document by hand; nil leaves it.
type Edit struct {
	Name   *string  // in the form in which names are stored
	Topics []string // all that it is filed under from now on; automatic filing leaves these alone
}

// Edit changes a document. What it was filed under automatically and is not named goes, what is named is by hand from now on.
// Errors: document.ErrNotFound, *document.InvalidError (field "topics": an unknown name).
func (v *Vault) Edit(ctx context.Context, a document.Actor, id document.ID, e Edit) (document.Document, error) {
	if e.Name == nil && e.Topics == nil {
		return v.Get(ctx, a, id)
	}
	change := store.Edit{Name: e.Name}
	if e.Topics != nil {
		named, err := v.topicsFor(ctx, a, id, e.Topics)
		if err != nil {
			return document.Document{}, err
		}
		change.Topics = append([]document.ID{}, named...) // no topics are a change, too
	}
	if err := v.store.EditDocument(ctx, a.Owner, id, change); err != nil {
		return document.Document{}, fmt.Errorf("change the document: %w", topicWent(err))
	}
	return v.Get(ctx, a, id)
}

// Reprocess has a document read and filed again. The text of before stays until there is another, and so does what automatic filing
// chose. Errors: document.ErrNotFound.
func (v *Vault) Reprocess(ctx context.Context, a document.Actor, id document.ID) (document.Document, error) {
	asked, err := v.store.AskReprocess(ctx, sqlrows.AskReprocessParams{Owner: a.Owner, Ids: []document.ID{id}})
	if err != nil {
		return document.Document{}, fmt.Errorf("ask for reading it again: %w", err)
	}
	if len(asked) == 0 {
		return document.Document{}, document.ErrNotFound
	}
	v.handOutAll(ctx, extractTasks(asked))
	return v.Get(ctx, a, id)
}

func extractTasks(asked []sqlrows.AskReprocessRow) []queue.Task {
	tasks := make([]queue.Task, len(asked))
	for i, row := range asked {
		tasks[i] = queue.Task{Kind: queue.Extract, DocumentID: row.ID, Generation: row.Generation}
	}
	return tasks
}

// classifyTasks are those of documents that are read already; the others' filing follows their reading.
func classifyTasks(asked []sqlrows.AskClassifyRow) []queue.Task {
	var tasks []queue.Task
	for _, row := range asked {
		if row.Status == document.StatusReady {
			tasks = append(tasks, queue.Task{Kind: queue.Classify, DocumentID: row.ID, Generation: row.Generation})
		}
	}
	return tasks
}
