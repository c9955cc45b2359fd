package provision

import (
	"context"
	"fmt"

	"github.com/minio/minio-go/v7"
)

// removePage is how many versions of objects one step of a removal removes: the most that one request of S3 can, and on a busy
// disk a matter of a second.
const removePage = 1000

// RemoveBucket removes the keys, user, objects, bucket and policy of b, in this order: the policy is the proof of the rest. What is
// gone already is no error. Parts of unfinished multipart uploads go with the bucket, and from the disk when the server next
// cleans up (24 h).
// Errors: ErrForeign.
func (o *ObjectStore) RemoveBucket(ctx context.Context, b Bucket) error {
	for {
		if _, done, err := o.RemoveBucketStep(ctx, b); done || err != nil {
			return err
		}
	}
}

// RemoveBucketStep does what RemoveBucket does, but for one page of objects at most: nothing that takes long. Access goes with the
// first step, so nothing is added between steps. It returns how many versions of objects it removed, and whether all is gone.
// Errors: ErrForeign.
func (o *ObjectStore) RemoveBucketStep(ctx context.Context, b Bucket) (removed int, done bool, err error) {
	if err := b.validate(); err != nil {
		return 0, false, err
	}
	state, claimed, err := o.removable(ctx, b)
	if err != nil {
		return 0, false, err
	}
	if claimed {
		if err := o.removeUser(ctx, b); err != nil {
			return 0, false, err
		}
	}
	if state != bucketAbsent {
		if removed, err := o.removeObjects(ctx, b); removed > 0 || err != nil {
			return removed, false, err
		}
		// Forced, for what a listing does not show, such as the remains of a write that was cut off.
		err := o.s3.RemoveBucketWithOptions(ctx, b.Name, minio.RemoveBucketOptions{ForceDelete: true})
		if err != nil && minio.ToErrorResponse(err).Code != minio.NoSuchBucket {
			return 0, false, fmt.Errorf("remove bucket: %w", err)
		}
	}
	if claimed {
		return 0, true, o.removePolicy(ctx, b)
	}
	return 0, true, nil
}

// removable tells what is there of b, once it is clear that it is b's.
// Errors: ErrForeign.
func (o *ObjectStore) removable(ctx context.Context, b Bucket) (state bucketState, claimed bool, err error) {
	if state, err = o.bucketState(ctx, b); err != nil {
		return state, false, err
	}
	if claimed, err = o.claimed(ctx, b); err != nil {
		return state, false, err
	}
	if state == bucketForeign || (state == bucketUnmarked && !claimed) {
		return state, claimed, fmt.Errorf("bucket %q: %w", b.Name, ErrForeign)
	}
	return state, claimed, nil
}

// removeObjects removes the first page of what is in the bucket: old versions and delete markers, too.
func (o *ObjectStore) removeObjects(ctx context.Context, b Bucket) (removed int, err error) {
	page, err := o.firstObjects(ctx, b, removePage)
	if err != nil || len(page) == 0 {
		return 0, err
	}
	doomed := make(chan minio.ObjectInfo, len(page))
	for _, object := range page {
		doomed <- object
	}
	close(doomed)
	failed := 0
	for e := range o.s3.RemoveObjects(ctx, b.Name, doomed, minio.RemoveObjectsOptions{}) {
		failed, err = failed+1, e.Err
	}
	if err != nil {
		return 0, fmt.Errorf("remove objects, of which %d of %d stayed: %w", failed, len(page), err)
	}
	return len(page), nil
}

// firstObjects returns up to n of the versions in the bucket.
func (o *ObjectStore) firstObjects(ctx context.Context, b Bucket, n int) ([]minio.ObjectInfo, error) {
	options := minio.ListObjectsOptions{Recursive: true, MaxKeys: n, WithVersions: true}
	var page []minio.ObjectInfo
	for object := range o.s3.ListObjectsIter(ctx, b.Name, options) {
		if object.Err != nil {
			return nil, fmt.Errorf("list the bucket: %w", object.Err)
		}
		if page = append(page, object); len(page) == n {
			break
		}
	}
	return page, nil
}
