package provision_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/minio/minio-go/v7"
)

// A step removes a thousand versions at most, old ones and delete markers among them, and the keys with the first.
func TestABucketIsEmptiedStepByStep(t *testing.T) {
	t.Parallel()
	s := minioServer(t)
	b := newBucket(t, s)
	ensureBucket(t, s, b)
	admin := s3(t, s, root(s))
	if err := admin.EnableVersioning(t.Context(), b.Name); err != nil {
		t.Fatal(err)
	}
	const objects = 550
	fill(t, admin, b.Name, objects) // each once more, and one marked deleted
	fill(t, admin, b.Name, objects)
	if err := admin.RemoveObject(t.Context(), b.Name, "object-0", minio.RemoveObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	var steps []int
	for o, done := openStore(t, s), false; !done; {
		n, ended, err := o.RemoveBucketStep(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		steps, done = append(steps, n), ended
		if _, err := s3(t, s, b.Keys[0]).ListBuckets(t.Context()); err == nil {
			t.Fatal("a key works after a step")
		}
	}
	if got, want := fmt.Sprint(steps), fmt.Sprint([]int{1000, 2*objects + 1 - 1000, 0}); got != want {
		t.Errorf("the steps removed %s versions, want %s", got, want)
	}
	checkGone(t, s, b)
}

func fill(t *testing.T, c *minio.Core, bucket string, objects int) {
	t.Helper()
	var wait sync.WaitGroup
	errs := make(chan error, objects)
	for worker := range 8 {
		wait.Go(func() {
			for n := worker; n < objects; n += 8 {
				errs <- put(c, bucket, fmt.Sprintf("object-%d", n))
			}
		})
	}
	wait.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}
