package queue

import (
	"context"
	"errors"
	"slices"

	"github.com/docvault/docvault/runtime/config"
)

// Depth counts the tasks of a vault, previews too, by what becomes of them.
type Depth struct {
	Pending, Active, Retry, Archived int
}

var errStillLooking = errors.New("the last look at the queue has not ended")

// Depth looks at the queue, for no longer than ctx. asynq's inspector knows no context: a look that takes longer ends by itself, and
// no other begins before it has. A queue that Redis does not know, as after it was emptied, is empty.
func (q *Queue) Depth(ctx context.Context) (Depth, error) {
	if !q.looking.TryLock() {
		return Depth{}, unavailable("look at the queue", errStillLooking)
	}
	type answer struct {
		depth Depth
		err   error
	}
	looked := make(chan answer, 1)
	go func() {
		defer q.looking.Unlock()
		depth, err := q.depth()
		looked <- answer{depth, err}
	}()
	select {
	case a := <-looked:
		return a.depth, unavailable("look at the queue", a.err)
	case <-ctx.Done():
		return Depth{}, unavailable("look at the queue", ctx.Err())
	}
}

func (q *Queue) depth() (depth Depth, err error) {
	known, err := q.inspector.Queues()
	if err != nil {
		return Depth{}, err
	}
	for _, name := range []string{q.name, config.PreviewQueue} {
		if !slices.Contains(known, name) {
			continue
		}
		info, err := q.inspector.GetQueueInfo(name)
		if err != nil {
			return Depth{}, err
		}
		depth.Pending += info.Pending
		depth.Active += info.Active
		depth.Retry += info.Retry + info.Scheduled
		depth.Archived += info.Archived
	}
	return depth, nil
}
