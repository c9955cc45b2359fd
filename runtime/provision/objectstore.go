package provision

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/tags"
)

const (
	defaultRegion  = "us-east-1"
	requestTimeout = 30 * time.Second // for the answer to begin
	// identityTag marks a bucket. The vault's policy has no right to change tags.
	identityTag = "docvault-identity"
)

// ObjectStoreServer says where a MinIO server is and who provisions on it.
type ObjectStoreServer struct {
	Endpoint             string // host:port
	Secure               bool   // https
	Region               string // empty: us-east-1
	AccessKey, SecretKey string // of an admin
	CA                   []byte // PEM; empty: the system's roots
}

// ObjectStore is a server on which vaults are provisioned. It is safe for use by many goroutines.
type ObjectStore struct {
	server    ObjectStoreServer
	transport *http.Transport
	s3        *minio.Client // as the admin
}

// Key is an access key of a vault: a service account of its user.
type Key struct {
	AccessKey, SecretKey string
	// New says that the key had not been made before: making it is no repair.
	New bool
}

// Bucket is what a vault needs on an object store.
type Bucket struct {
	Identity   string // the mark: tag docvault-identity of the bucket, Sid of the policy
	Name       string
	User       string // the MinIO user, and the name of its policy
	UserSecret string // of the user, at least 8 letters; the vault itself never gets it
	Keys       []Key
	// Made says that the bucket had been made before: it is not made again.
	Made bool
}

// OpenObjectStore returns a client of a server. It does not connect yet.
func OpenObjectStore(_ context.Context, s ObjectStoreServer) (*ObjectStore, error) {
	if s.Region == "" {
		s.Region = defaultRegion
	}
	transport, err := minio.DefaultTransport(s.Secure)
	if err != nil {
		return nil, fmt.Errorf("configure the object store's connection: %w", err)
	}
	transport.ResponseHeaderTimeout = requestTimeout
	if len(s.CA) > 0 {
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(s.CA) {
			return nil, errors.New("the CA holds no certificate in PEM")
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	o := &ObjectStore{server: s, transport: transport}
	if o.s3, err = o.client(Key{AccessKey: s.AccessKey, SecretKey: s.SecretKey}); err != nil {
		return nil, err
	}
	return o, nil
}

// client speaks S3 with a key. It does not retry: whoever provisions tries again anyway.
func (o *ObjectStore) client(k Key) (*minio.Client, error) {
	c, err := minio.New(o.server.Endpoint, &minio.Options{
		Creds: credentials.NewStaticV4(k.AccessKey, k.SecretKey, ""), Secure: o.server.Secure, Region: o.server.Region,
		Transport: o.transport, BucketLookup: minio.BucketLookupPath, MaxRetries: 1,
	})
	if err != nil {
		return nil, fmt.Errorf("configure the object store: %w", err)
	}
	return c, nil
}

// Answers asks whether the server says anything at all to anybody.
func (o *ObjectStore) Answers(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, o.s3.EndpointURL().String()+"/", http.NoBody)
	if err != nil {
		return fmt.Errorf("ask the object store: %w", err)
	}
	answer, err := o.transport.RoundTrip(request)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

// Check asks the server, as its admin, whether vaults can be provisioned on it.
// Errors: ErrInsecureServer.
func (o *ObjectStore) Check(ctx context.Context) error { return o.refuseInsecure(ctx) }

// EnsureBucket makes everything of b that is missing and mends what differs; it writes nothing when all is as it should be. Of a
// bucket that had been made before it tells what it mended.
// Errors: ErrForeign, ErrBucketGone, ErrInsecureServer.
func (o *ObjectStore) EnsureBucket(ctx context.Context, b Bucket) (repaired []string, err error) {
	if err := b.validate(); err != nil {
		return nil, err
	}
	state, err := o.bucketState(ctx, b)
	if err != nil {
		return nil, err
	}
	switch {
	case state == bucketForeign:
		return nil, fmt.Errorf("bucket %q: %w", b.Name, ErrForeign)
	case state == bucketAbsent && b.Made:
		return nil, fmt.Errorf("bucket %q: %w", b.Name, ErrBucketGone)
	}
	var seen accessDrift
	if state == bucketOurs {
		if seen, err = o.inspectAccess(ctx, b); err != nil || seen.none() {
			return nil, err
		}
	}
	if err := o.refuseInsecure(ctx); err != nil {
		return nil, err
	}
	if err := o.claim(ctx, b, state); err != nil {
		return nil, err
	}
	if err := o.ensureMarkedBucket(ctx, b, state); err != nil {
		return nil, err
	}
	if err := o.ensureAccess(ctx, b); err != nil || !b.Made {
		return nil, err
	}
	return seen.differs, nil
}

// bucketState is what a bucket's name stands for.
type bucketState int

const (
	bucketAbsent   bucketState = iota
	bucketOurs                 // bears the mark
	bucketUnmarked             // empty and without tags: ours if we claimed it before it was made
	bucketForeign              // bears another mark, or holds objects and bears none
)

func (o *ObjectStore) bucketState(ctx context.Context, b Bucket) (bucketState, error) {
	found, err := o.s3.GetBucketTagging(ctx, b.Name)
	switch minio.ToErrorResponse(err).Code {
	case minio.NoSuchBucket:
		return bucketAbsent, nil
	case "NoSuchTagSet":
		return o.unmarkedState(ctx, b)
	}
	switch {
	case err != nil:
		return bucketForeign, fmt.Errorf("read the bucket's mark: %w", err)
	case found.ToMap()[identityTag] == b.Identity:
		return bucketOurs, nil
	}
	return bucketForeign, nil
}

func (o *ObjectStore) unmarkedState(ctx context.Context, b Bucket) (bucketState, error) {
	objects, err := o.firstObjects(ctx, b, 1)
	var answer minio.ErrorResponse
	switch {
	case errors.As(err, &answer) && answer.Code == minio.NoSuchBucket: // MinIO says NoSuchTagSet of a bucket that is not there
		return bucketAbsent, nil
	case err != nil:
		return bucketForeign, err
	case len(objects) > 0:
		return bucketForeign, nil
	}
	return bucketUnmarked, nil
}

// ensureMarkedBucket makes the bucket. Its mark can only come after it, so between the two it is known by the claim.
func (o *ObjectStore) ensureMarkedBucket(ctx context.Context, b Bucket, state bucketState) error {
	if state == bucketOurs {
		return nil
	}
	err := o.s3.MakeBucket(ctx, b.Name, minio.MakeBucketOptions{Region: o.server.Region})
	code := minio.ToErrorResponse(err).Code
	if err != nil && code != minio.BucketAlreadyOwnedByYou && code != minio.BucketAlreadyExists {
		return fmt.Errorf("make bucket: %w", err)
	}
	if err != nil { // made meanwhile, by another provisioner of this vault or by a stranger
		now, err := o.bucketState(ctx, b)
		if err != nil {
			return err
		}
		if now == bucketForeign {
			return fmt.Errorf("bucket %q: %w", b.Name, ErrForeign)
		}
	}
	mark, err := tags.MapToBucketTags(map[string]string{identityTag: b.Identity})
	if err != nil {
		return fmt.Errorf("mark the bucket: %w", err)
	}
	if err := o.s3.SetBucketTagging(ctx, b.Name, mark); err != nil {
		return fmt.Errorf("mark the bucket: %w", err)
	}
	return nil
}

// keyWorks reports whether a key sees the vault's bucket and no other.
func (o *ObjectStore) keyWorks(ctx context.Context, b Bucket, k Key) (bool, error) {
	client, err := o.client(k)
	if err != nil {
		return false, err
	}
	seen, err := client.ListBuckets(ctx)
	switch minio.ToErrorResponse(err).Code {
	case minio.AccessDenied, minio.InvalidAccessKeyID, minio.SignatureDoesNotMatch:
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("try key %q: %w", k.AccessKey, err)
	}
	return len(seen) == 1 && seen[0].Name == b.Name, nil
}

// validate refuses what MinIO would read as something else: an empty target user of a key means the admin itself.
func (b Bucket) validate() error {
	for what, value := range map[string]string{"identity": b.Identity, "name": b.Name, "user": b.User, "user secret": b.UserSecret} {
		if value == "" {
			return fmt.Errorf("bucket %q: no %s", b.Name, what)
		}
	}
	for _, k := range b.Keys {
		if k.AccessKey == "" || k.SecretKey == "" || k.AccessKey == b.User {
			return fmt.Errorf("bucket %q: a key needs a name that is not its user's, and a secret", b.Name)
		}
	}
	return nil
}
