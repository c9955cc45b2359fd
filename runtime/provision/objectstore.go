package provision

import (
	"context"
	"errors"

	"github.com/minio/minio-go/v7"
)

// ObjectStoreServer says where a MinIO server is and who provisions on it.
type ObjectStoreServer struct {
	Endpoint             string // host:port
	Secure               bool   // https
	Region               string
	AccessKey, SecretKey string // of an admin
	CA                   []byte // PEM; empty: the system's roots
}

// ObjectStore is a server on which vaults are provisioned. It is safe for use by many goroutines.
type ObjectStore struct {
	s3 *minio.Client
}

// Key is an access key of a vault: a service account of its user.
type Key struct {
	AccessKey, SecretKey string
}

// Bucket is what a vault needs on an object store.
type Bucket struct {
	Identity   string // the mark: tag `docvault-identity` of the bucket, and the Sid of the policy
	Name       string
	User       string // the MinIO user, and the name of its policy
	UserSecret string // nobody uses it but MinIO wants one
	Keys       []Key
}

// OpenObjectStore returns a client of a server. It does not connect yet.
func OpenObjectStore(ctx context.Context, s ObjectStoreServer) (*ObjectStore, error) {
	return nil, errors.ErrUnsupported
}

// EnsureBucket makes everything of b that is missing and mends what differs. It tries the keys first: when they work, the
// admin API is not called.
// Errors: ErrForeign, ErrInsecureServer.
func (o *ObjectStore) EnsureBucket(ctx context.Context, b Bucket) error {
	return errors.ErrUnsupported
}

// RemoveBucket removes the keys, objects, bucket, user and policy of b. What is gone already is no error.
// Errors: ErrForeign.
func (o *ObjectStore) RemoveBucket(ctx context.Context, b Bucket) error {
	return errors.ErrUnsupported
}
