package runtimetest

import (
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/docvault/docvault/runtime/blob"
)

// Bucket is a bucket of the test's own.
type Bucket struct {
	Config blob.Config
	Admin  *minio.Client
}

// NewBucket makes a bucket; it and its objects go when the test ends.
func NewBucket(t testing.TB) Bucket {
	t.Helper()
	c := blob.Config{
		Endpoint: Env(t, "TEST_MINIO_ENDPOINT"), Region: "us-east-1", Bucket: randomName(),
		AccessKey: Env(t, "TEST_MINIO_ROOT_USER"), SecretKey: Env(t, "TEST_MINIO_ROOT_PASSWORD"),
	}
	admin, err := minio.New(c.Endpoint, &minio.Options{Creds: credentials.NewStaticV4(c.AccessKey, c.SecretKey, ""), Region: c.Region})
	if err != nil {
		t.Fatal(err)
	}
	if err := admin.MakeBucket(t.Context(), c.Bucket, minio.MakeBucketOptions{Region: c.Region}); err != nil {
		t.Fatal(err)
	}
	b := Bucket{Config: c, Admin: admin}
	t.Cleanup(func() { b.remove(t) })
	return b
}

// Open opens the bucket.
func (b Bucket) Open(t testing.TB) *blob.S3 {
	t.Helper()
	s, err := blob.OpenS3(b.Config)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Keys lists the objects, and the uploads that were begun and not ended, as the server has them.
func (b Bucket) Keys(t testing.TB) (objects, uploads []string) {
	t.Helper()
	ctx, cancel := cleanupContext(t)
	defer cancel()
	for object := range b.Admin.ListObjects(ctx, b.Config.Bucket, minio.ListObjectsOptions{Recursive: true}) {
		if object.Err != nil {
			t.Fatal(object.Err)
		}
		objects = append(objects, object.Key)
	}
	for upload := range b.Admin.ListIncompleteUploads(ctx, b.Config.Bucket, "", true) {
		if upload.Err != nil {
			t.Fatal(upload.Err)
		}
		uploads = append(uploads, upload.Key)
	}
	return objects, uploads
}

func (b Bucket) remove(t testing.TB) {
	ctx, cancel := cleanupContext(t)
	defer cancel()
	objects, uploads := b.Keys(t)
	for _, key := range uploads {
		_ = b.Admin.RemoveIncompleteUpload(ctx, b.Config.Bucket, key)
	}
	for _, key := range objects {
		_ = b.Admin.RemoveObject(ctx, b.Config.Bucket, key, minio.RemoveObjectOptions{})
	}
	if err := b.Admin.RemoveBucket(ctx, b.Config.Bucket); err != nil {
		t.Errorf("remove the test's bucket: %v", err)
	}
}
