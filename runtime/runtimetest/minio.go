package runtimetest

import (
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/docvault/docvault/runtime/blob"
	"github.com/docvault/docvault/runtime/provision"
)

// Bucket is a bucket of the test's own, with the restricted key that vaults have.
type Bucket struct {
	Config blob.Config
	Admin  *minio.Client
}

// NewBucket provisions a bucket; it and all in it go when the test ends.
func NewBucket(t testing.TB) Bucket {
	t.Helper()
	return newBucket(t, Env(t, "TEST_MINIO_ENDPOINT"), testAdmin(t))
}

// admin is who makes buckets.
type admin struct{ User, Password string }

func testAdmin(t testing.TB) admin {
	t.Helper()
	return admin{User: Env(t, "TEST_MINIO_ROOT_USER"), Password: Env(t, "TEST_MINIO_ROOT_PASSWORD")}
}

func newBucket(t testing.TB, endpoint string, by admin) Bucket {
	t.Helper()
	b := unmadeBucket(t, endpoint, by)
	name := b.Config.Bucket
	server, err := provision.OpenObjectStore(t.Context(), provision.ObjectStoreServer{
		Endpoint: b.Config.Endpoint, Region: b.Config.Region, AccessKey: by.User, SecretKey: by.Password,
	})
	if err != nil {
		t.Fatal(err)
	}
	wanted := provision.Bucket{
		Identity: name, Name: name, User: name, UserSecret: name,
		Keys: []provision.Key{{AccessKey: b.Config.AccessKey, SecretKey: b.Config.SecretKey}},
	}
	if _, err := server.EnsureBucket(t.Context(), wanted); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := cleanupContext(t)
		defer cancel()
		if err := server.RemoveBucket(ctx, wanted); err != nil {
			t.Errorf("remove the test's bucket: %v", err)
		}
	})
	return b
}

// NewUnmadeBucket is for tests that have the bucket made, and unmake it.
func NewUnmadeBucket(t testing.TB) Bucket {
	t.Helper()
	return unmadeBucket(t, Env(t, "TEST_MINIO_ENDPOINT"), testAdmin(t))
}

func unmadeBucket(t testing.TB, endpoint string, by admin) Bucket {
	t.Helper()
	name := randomName()
	c := blob.Config{
		Endpoint: endpoint, Region: "us-east-1", Bucket: name,
		AccessKey: name[:20], // as long as MinIO allows
		SecretKey: "secret-of-" + name,
	}
	root := credentials.NewStaticV4(by.User, by.Password, "")
	admin, err := minio.New(c.Endpoint, &minio.Options{Creds: root, Region: c.Region})
	if err != nil {
		t.Fatal(err)
	}
	return Bucket{Config: c, Admin: admin}
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
