// Package queue tells workers, through Redis, that there may be work. What is due stands in Postgres: a task that is lost is handed
// out again, a task that comes twice finds nothing to do.
package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/docvault/docvault/runtime/config"
	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/telemetry"
)

// Kind is what is to be done with a document; the type of its task.
type Kind string

// The kinds of work.
const (
	Extract  Kind = "extract"
	Classify Kind = "classify"
	Preview  Kind = "preview" // a picture of one of its pages
)

const (
	// maxRetries is how often asynq tries a task that a worker could not even begin. The sweeper tries without end.
	maxRetries = 5
	// noTimeout leaves the time to the work itself: without, asynq ends it after 30 minutes.
	noTimeout = 24 * time.Hour
)

// Task is a piece of work under a generation: a higher one makes it void.
type Task struct {
	Kind       Kind        `json:"-"`
	DocumentID document.ID `json:"document_id"`
	Generation int64       `json:"generation"`
	// PreviewID is which of the document's previews is meant; the generation is the preview's then.
	PreviewID document.ID `json:"preview_id,omitzero"`
	// Origin is which request caused it. Tasks that the sweeper hands out may have none.
	Origin telemetry.Origin `json:"origin,omitzero"`
}

// Name identifies a task in the queue: the same work is never in it twice.
func (t Task) Name() string {
	of := t.DocumentID
	if t.Kind == Preview {
		of = t.PreviewID
	}
	return fmt.Sprintf("%s:%s:%d", t.Kind, of, t.Generation)
}

// ParseTask reads what a worker got.
func ParseTask(kind string, payload []byte) (Task, error) {
	t := Task{Kind: Kind(kind)}
	if err := json.Unmarshal(payload, &t); err != nil {
		return Task{}, fmt.Errorf("read the task: %w", err)
	}
	return t, nil
}

// Queue is the queue of a vault. It is safe for use by many goroutines.
type Queue struct {
	name      string
	redis     redis.UniversalClient
	client    atomic.Pointer[asynq.Client]
	inspector *asynq.Inspector
	looking   sync.Mutex // at the depth
}

// Connect returns a client of Redis. asynq's own parser drops the user's name, go-redis' does not. It does not connect yet.
// The error does not quote the URL: it holds a password.
func Connect(url string) (redis.UniversalClient, error) {
	options, err := redis.ParseURL(url)
	if err != nil {
		return nil, errors.New("not a Redis URL")
	}
	options.DialTimeout = 2 * time.Second
	options.MaxRetries = 1 // an upload waits for it
	return redis.NewClient(options), nil
}

// New returns the queue of a name in a Redis.
func New(client redis.UniversalClient, name string) *Queue {
	q := &Queue{name: name, redis: client, inspector: asynq.NewInspectorFromRedisClient(client)}
	q.client.Store(asynq.NewClientFromRedisClient(client))
	return q
}

// queueOf is the queue that a task stands in.
func (q *Queue) queueOf(t Task) string {
	if t.Kind == Preview {
		return config.PreviewQueue
	}
	return q.name
}

// Ping tells whether Redis answers.
func (q *Queue) Ping(ctx context.Context) error {
	return unavailable("ping Redis", q.redis.Ping(ctx).Err())
}

// Enqueue hands a task out, with its origin, which is the one of ctx where the task has none. One that is in the queue already stays
// as it is.
func (q *Queue) Enqueue(ctx context.Context, t Task) (err error) {
	ctx, end := telemetry.Step(ctx, "enqueue "+string(t.Kind))
	defer func() { end(err) }()
	if t.Origin == (telemetry.Origin{}) {
		t.Origin = telemetry.OriginOf(ctx)
	}
	payload, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("write the task: %w", err)
	}
	_, err = q.client.Load().EnqueueContext(ctx, asynq.NewTask(string(t.Kind), payload),
		asynq.Queue(q.queueOf(t)), asynq.TaskID(t.Name()), asynq.MaxRetry(maxRetries), asynq.Timeout(noTimeout))
	if errors.Is(err, asynq.ErrTaskIDConflict) {
		return nil
	}
	return unavailable("enqueue", err)
}

// Waits tells whether a task stands in the queue, waiting for a worker.
func (q *Queue) Waits(t Task) (bool, error) {
	info, err := q.inspector.GetTaskInfo(q.queueOf(t), t.Name())
	switch {
	case errors.Is(err, asynq.ErrQueueNotFound):
		// Redis was emptied. asynq's client believes that the queue is still listed, and would never list it again.
		q.client.Store(asynq.NewClientFromRedisClient(q.redis))
		return false, nil
	case errors.Is(err, asynq.ErrTaskNotFound):
		return false, nil
	case err != nil:
		return false, unavailable("look for the task", err)
	}
	return info.State == asynq.TaskStatePending, nil
}

// Origin tells which request caused a task, if the queue still has it, in whatever state; else nothing.
func (q *Queue) Origin(t Task) telemetry.Origin {
	info, err := q.inspector.GetTaskInfo(q.queueOf(t), t.Name())
	if err != nil {
		return telemetry.Origin{}
	}
	known, err := ParseTask(info.Type, info.Payload)
	if err != nil {
		return telemetry.Origin{}
	}
	return known.Origin
}

// Remove takes tasks out of the queue as far as it can while ctx lasts: a worker that gets one all the same finds nothing to do.
func (q *Queue) Remove(ctx context.Context, tasks ...Task) {
	for _, t := range tasks {
		if ctx.Err() != nil { // asynq takes no context
			return
		}
		_ = q.inspector.DeleteTask(q.queueOf(t), t.Name())
	}
}

func unavailable(action string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("%s: %w: %w", action, document.ErrUnavailable, err)
}
