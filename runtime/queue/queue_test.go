package queue_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/queue"
	"github.com/docvault/docvault/runtime/runtimetest"
	"github.com/docvault/docvault/runtime/telemetry"
)

func TestEnqueuedOnceHoweverOften(t *testing.T) {
	t.Parallel()
	redis := runtimetest.NewRedis(t)
	q := queue.New(redis.Client, "documents")
	task := queue.Task{Kind: queue.Extract, DocumentID: document.NewID(), Generation: 1}
	for range 3 {
		if err := q.Enqueue(t.Context(), task); err != nil {
			t.Fatal(err)
		}
	}
	if n := redis.Client.LLen(t.Context(), "asynq:{documents}:pending").Val(); n != 1 {
		t.Fatalf("%d tasks", n)
	}
	q.Remove(t.Context(), task)
	if waits(t, q, task) {
		t.Fatal("waits after it was removed")
	}
	q.Remove(t.Context(), task)
}

// TestOriginGoesWithTheTask hands a task out on behalf of a request, and finds the request again. Its name stays what it was.
func TestOriginGoesWithTheTask(t *testing.T) {
	t.Parallel()
	redis := runtimetest.NewRedis(t)
	q := queue.New(redis.Client, "documents")
	task := queue.Task{Kind: queue.Extract, DocumentID: document.NewID(), Generation: 1}
	origin := telemetry.Origin{RequestID: "edge-7", TraceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", TraceState: "a=b"}
	if err := q.Enqueue(origin.Into(t.Context()), task); err != nil {
		t.Fatal(err)
	}
	if got := q.Origin(task); got != origin {
		t.Fatalf("came out as %+v", got)
	}
	if n := redis.Client.Exists(t.Context(), "asynq:{documents}:t:extract:"+task.DocumentID.String()+":1").Val(); n != 1 {
		t.Fatal("the task has another name")
	}
	if got := q.Origin(queue.Task{Kind: queue.Extract, DocumentID: document.NewID(), Generation: 1}); got != (telemetry.Origin{}) {
		t.Fatalf("a task that is not there came from %+v", got)
	}
}

// TestTasksOfEarlierProgramsAreRead reads a payload as programs wrote it before tasks had an origin.
func TestTasksOfEarlierProgramsAreRead(t *testing.T) {
	t.Parallel()
	id := document.NewID()
	task, err := queue.ParseTask("extract", []byte(`{"document_id":"`+id.String()+`","generation":3}`))
	if want := (queue.Task{Kind: queue.Extract, DocumentID: id, Generation: 3}); err != nil || task != want {
		t.Fatalf("%+v, %v", task, err)
	}
}

func TestDepth(t *testing.T) {
	t.Parallel()
	redis := runtimetest.NewRedis(t)
	q := queue.New(redis.Client, "documents")
	depth := func(want queue.Depth) {
		t.Helper()
		if got, err := q.Depth(t.Context()); err != nil || got != want {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	depth(queue.Depth{})
	for range 3 {
		if err := q.Enqueue(t.Context(), queue.Task{Kind: queue.Extract, DocumentID: document.NewID()}); err != nil {
			t.Fatal(err)
		}
	}
	depth(queue.Depth{Pending: 3})
	if err := redis.Client.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	depth(queue.Depth{})
}

// TestDepthOfAHangingRedis is bounded by its context, and a second look does not pile up behind the first.
func TestDepthOfAHangingRedis(t *testing.T) {
	t.Parallel()
	redis := runtimetest.NewRedis(t)
	proxy := runtimetest.NewProxy(t, strings.TrimSuffix(strings.TrimPrefix(redis.URL, "redis://"), "/0"))
	client, err := queue.Connect("redis://" + proxy.Addr + "/0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	q := queue.New(client, "documents")
	proxy.Hold()
	for range 2 {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if _, err := q.Depth(ctx); !errors.Is(err, document.ErrUnavailable) {
			t.Errorf("got %v, want %v", err, document.ErrUnavailable)
		}
		cancel()
	}
	proxy.Resume()
	runtimetest.Wait(t, 15*time.Second, "the queue to be looked at", func() bool {
		_, err := q.Depth(t.Context())
		return err == nil
	})
}

func TestQueueOutlivesAFlush(t *testing.T) {
	t.Parallel()
	redis := runtimetest.NewRedis(t)
	q := queue.New(redis.Client, "documents")
	task := queue.Task{Kind: queue.Classify, DocumentID: document.NewID(), Generation: 7}
	for range 2 {
		if waits(t, q, task) {
			t.Fatal("waits before it was enqueued")
		}
		if err := q.Enqueue(t.Context(), task); err != nil {
			t.Fatal(err)
		}
		if !waits(t, q, task) {
			t.Fatal("does not wait")
		}
		if err := redis.Client.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRedisAway(t *testing.T) {
	t.Parallel()
	redis := runtimetest.NewRedis(t)
	q := queue.New(redis.Client, "documents")
	redis.Kill(t)
	task := queue.Task{Kind: queue.Extract, DocumentID: document.NewID(), Generation: 1}
	_, looked := q.Waits(task)
	for what, err := range map[string]error{"ping": q.Ping(t.Context()), "enqueue": q.Enqueue(t.Context(), task), "look": looked} {
		if !errors.Is(err, document.ErrUnavailable) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestLoginWithName(t *testing.T) {
	t.Parallel()
	redis := runtimetest.NewRedis(t)
	if err := redis.Client.Do(t.Context(), "ACL", "SETUSER", "vault", "on", ">secret", "~*", "&*", "+@all").Err(); err != nil {
		t.Fatal(err)
	}
	client, err := queue.Connect(strings.Replace(redis.URL, "redis://", "redis://vault:secret@", 1))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	if who := client.Do(t.Context(), "ACL", "WHOAMI").Val(); who != "vault" {
		t.Fatalf("logged in as %v", who)
	}
	if _, err := queue.Connect("redis://vault:secret@:x:y"); err == nil || strings.Contains(err.Error(), "secret") {
		t.Fatalf("got %v", err)
	}
}

func waits(t *testing.T, q *queue.Queue, task queue.Task) bool {
	t.Helper()
	waits, err := q.Waits(task)
	if err != nil {
		t.Fatal(err)
	}
	return waits
}
