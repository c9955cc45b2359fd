package vault

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/queue"
	"github.com/docvault/docvault/runtime/store/sqlrows"
)

const (
	// MaxBulk is how many documents one call may name.
	MaxBulk = 1000
	// handOutAtOnce is how many tasks of a call are on their way to Redis at a time.
	handOutAtOnce = 8
)

// Action is what is done with many documents at once.
type Action string

// The actions: each does for many what the call of its name does for one.
const (
	BulkDelete       Action = "delete" // into the trash
	BulkRestore      Action = "restore"
	BulkClassify     Action = "classify"
	BulkReprocess    Action = "reprocess"
	BulkAddTopics    Action = "add_topics"
	BulkRemoveTopics Action = "remove_topics"
)

// Bulk does one thing with many documents, and returns those with which it was done, in the order in which they were asked for. What is
// not among them is not there. Topics are names: those to file under or to take out of, and those that classify chooses among, where
// none means all. Errors: *document.InvalidError (fields "ids", "action", "topics"); nothing was done then.
func (v *Vault) Bulk(
	ctx context.Context, a document.Actor, ids []document.ID, action Action, topics []string,
) (done []document.ID, err error) {
	if len(ids) > MaxBulk {
		return nil, &document.InvalidError{Field: "ids", Detail: fmt.Sprintf("must have at most %d elements", MaxBulk)}
	}
	refiles := action == BulkAddTopics || action == BulkRemoveTopics
	if refiles && len(topics) == 0 {
		return nil, &document.InvalidError{Field: "topics", Detail: "must be given for " + string(action)}
	}
	var named []document.ID
	if refiles || action == BulkClassify {
		if named, err = v.topicsNamed(ctx, a, topics); err != nil {
			return nil, err
		}
	}
	found, err := v.bulk(ctx, a, ids, action, named)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", action, topicWent(err))
	}
	return inOrder(ids, found), nil
}

func (v *Vault) bulk(
	ctx context.Context, a document.Actor, ids []document.ID, action Action, topics []document.ID,
) (done []document.ID, err error) {
	switch action {
	case BulkDelete:
		if v.rules.TrashFor == 0 {
			return v.store.PurgeAll(ctx, a.Owner, ids)
		}
		return v.store.TrashAll(ctx, a.Owner, ids)
	case BulkRestore:
		return v.store.RestoreAll(ctx, a.Owner, ids)
	case BulkAddTopics:
		return v.store.FileDocuments(ctx, a.Owner, ids, topics)
	case BulkRemoveTopics:
		return v.store.UnfileDocuments(ctx, a.Owner, ids, topics)
	case BulkClassify:
		asked, err := v.store.AskClassify(ctx, sqlrows.AskClassifyParams{Among: topics, Owner: a.Owner, Ids: ids})
		for _, row := range asked {
			done = append(done, row.ID)
		}
		v.handOutAll(ctx, classifyTasks(asked))
		return done, err
	case BulkReprocess:
		asked, err := v.store.AskReprocess(ctx, sqlrows.AskReprocessParams{Owner: a.Owner, Ids: ids})
		for _, row := range asked {
			done = append(done, row.ID)
		}
		v.handOutAll(ctx, extractTasks(asked))
		return done, err
	}
	return nil, &document.InvalidError{
		Field: "action", Detail: "is one of delete, restore, classify, reprocess, add_topics, remove_topics",
	}
}

// inOrder returns those of wanted that were found, each once.
func inOrder(wanted, found []document.ID) []document.ID {
	left := make(map[document.ID]bool, len(found))
	for _, id := range found {
		left[id] = true
	}
	return slices.DeleteFunc(slices.Clone(wanted), func(id document.ID) bool {
		there := left[id]
		delete(left, id)
		return !there
	})
}

// handOutAll tells the workers of tasks that the database holds already. Once one cannot be handed out the rest are left to the sweeper:
// Redis is away, and a thousand more attempts would take the caller's time.
func (v *Vault) handOutAll(ctx context.Context, tasks []queue.Task) {
	if len(tasks) == 0 {
		return
	}
	ctx, cancel := afterwards(ctx)
	defer cancel()
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	waiting := make(chan queue.Task, len(tasks))
	for _, t := range tasks {
		waiting <- t
	}
	close(waiting)
	var all sync.WaitGroup
	for range min(handOutAtOnce, len(tasks)) {
		all.Go(func() {
			for t := range waiting {
				if ctx.Err() != nil {
					return
				}
				if err := v.queue.Enqueue(ctx, t); err != nil {
					giveUp(err)
				}
			}
		})
	}
	all.Wait()
	if err := context.Cause(ctx); err != nil {
		v.log.WarnContext(ctx, "not all tasks handed out; the sweeper will", "tasks", len(tasks), "error", err)
	}
}
