package queue_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/queue"
	"github.com/docvault/docvault/runtime/runtimetest"
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
	q.Remove(task)
	if waits(t, q, task) {
		t.Fatal("waits after it was removed")
	}
	q.Remove(task)
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
