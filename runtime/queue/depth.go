package queue

import (
	"context"
	"errors"
	"slices"
)

// Depth counts the tasks of a queue by what becomes of them.
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

func (q *Queue) depth() (Depth, error) {
	known, err := q.inspector.Queues()
	if err != nil || !slices.Contains(known, q.name) {
		return Depth{}, err
	}
	info, err := q.inspector.GetQueueInfo(q.name)
	if err != nil {
		return Depth{}, err
	}
	return Depth{Pending: info.Pending, Active: info.Active, Retry: info.Retry + info.Scheduled, Archived: info.Archived}, nil
}
