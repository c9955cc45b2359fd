package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/url"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/telemetry"
)

// maxRetries bounds minio-go's tries of one request: its default of 10 keeps a caller waiting for minutes.
const maxRetries = 3

// answersWithin is what the store may take for a request of at most one part, tries included, and between two reads of an object: one that
// hangs is away, and nobody waits for it.
const answersWithin = 30 * time.Second

var errSilent = fmt.Errorf("nothing came for %s", answersWithin)

// Config says where an S3 store is and how to log in.
type Config struct {
	Endpoint             string // host:port
	Secure               bool   // https
	PublicEndpoint       string // URL that presigned links start with; empty: the endpoint
	Region               string
	Bucket               string
	AccessKey, SecretKey string
}

// S3 is a Store on a bucket. It is safe for use by many goroutines.
type S3 struct {
	core   minio.Core
	public *minio.Client // signs for the address that browsers reach; sends nothing
	bucket string
	parts  *partBuffers
}

// OpenS3 returns a store. It does not connect yet.
func OpenS3(c Config) (*S3, error) {
	client, err := c.client(c.Endpoint, c.Secure)
	if err != nil {
		return nil, fmt.Errorf("configure the object store: %w", err)
	}
	s := &S3{core: minio.Core{Client: client}, public: client, bucket: c.Bucket, parts: newPartBuffers()}
	if c.PublicEndpoint != "" {
		u, err := url.Parse(c.PublicEndpoint)
		if err != nil {
			return nil, fmt.Errorf("read the public endpoint: %w", err)
		}
		if s.public, err = c.client(u.Host, u.Scheme == "https"); err != nil {
			return nil, fmt.Errorf("configure the public endpoint: %w", err)
		}
	}
	return s, nil
}

// client has its region set: without, the first signature would ask the server for it.
func (c Config) client(endpoint string, secure bool) (*minio.Client, error) {
	return minio.New(endpoint, &minio.Options{
		Creds:  credentials.NewStaticV4(c.AccessKey, c.SecretKey, ""),
		Secure: secure, Region: c.Region, BucketLookup: minio.BucketLookupPath, MaxRetries: maxRetries,
	})
}

// Delete implements Store.
func (s *S3) Delete(ctx context.Context, key string) (err error) {
	ctx, end := telemetry.Step(ctx, "store delete")
	defer func() { end(err) }()
	if err := s.core.RemoveIncompleteUpload(ctx, s.bucket, key); err != nil && !isMissing(err) {
		return fault("end incomplete uploads", err)
	}
	if err := s.core.RemoveObject(ctx, s.bucket, key, minio.RemoveObjectOptions{}); err != nil && !isMissing(err) {
		return fault("delete the object", err)
	}
	return nil
}

// Presign implements Store.
func (s *S3) Presign(ctx context.Context, key, name, contentType string, expires time.Duration) (string, error) {
	disposition := mime.FormatMediaType("attachment", map[string]string{"filename": name})
	if disposition == "" {
		disposition = "attachment"
	}
	answer := url.Values{"response-content-disposition": {disposition}, "response-content-type": {contentType}}
	link, err := s.public.PresignedGetObject(ctx, s.bucket, key, expires, answer)
	if err != nil {
		return "", fmt.Errorf("sign the link: %w", err)
	}
	return link.String(), nil
}

// Check implements Store.
func (s *S3) Check(ctx context.Context) error {
	found, err := s.core.BucketExists(ctx, s.bucket)
	if err != nil {
		return fault("look at the bucket", err)
	}
	if !found {
		return fmt.Errorf("%w: the bucket does not exist", document.ErrUnavailable)
	}
	return nil
}

// Size implements Store.
func (s *S3) Size(ctx context.Context, key string) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, answersWithin)
	defer cancel()
	found, err := s.core.StatObject(ctx, s.bucket, key, minio.StatObjectOptions{})
	if err != nil {
		return 0, fault("look at the object", err)
	}
	return found.Size, nil
}

// Open implements Store.
func (s *S3) Open(ctx context.Context, key string, size int64) (_ io.ReadSeekCloser, err error) {
	stepped, end := telemetry.Step(ctx, "store open")
	defer func() { end(err) }()
	if _, err := s.Size(stepped, key); err != nil {
		return nil, err
	}
	return &objectReader{ctx: ctx, store: s, key: key, size: size}, nil
}

// objectReader fetches from its offset to the end with the first Read after a Seek, so that seeking costs nothing.
type objectReader struct {
	ctx    context.Context //nolint:containedctx // io.Reader has no other way to get one
	store  *S3
	key    string
	size   int64
	offset int64
	body   io.ReadCloser // from offset on; nil: not fetched
	silent *time.Timer   // ends the request of body
	cancel context.CancelFunc
}

// Read implements io.Reader.
func (r *objectReader) Read(p []byte) (int, error) {
	if r.offset >= r.size {
		return 0, io.EOF
	}
	if r.body == nil {
		if err := r.fetch(); err != nil {
			return 0, err
		}
	}
	r.silent.Reset(answersWithin)
	n, err := r.body.Read(p)
	r.silent.Stop()
	r.offset += int64(n)
	if errors.Is(err, io.EOF) {
		if r.offset == r.size {
			return n, io.EOF
		}
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return n, fault("read the object", r.cause(err))
	}
	return n, nil
}

func (r *objectReader) fetch() error {
	var wanted minio.GetObjectOptions
	if err := wanted.SetRange(r.offset, r.size-1); err != nil {
		return fmt.Errorf("set the range: %w", err)
	}
	ctx, cancel := context.WithCancel(r.ctx)
	silent := time.AfterFunc(answersWithin, cancel)
	body, _, _, err := r.store.core.GetObject(ctx, r.store.bucket, r.key, wanted)
	silent.Stop()
	if err != nil {
		cancel()
		return fault("fetch the object", r.cause(err))
	}
	r.body, r.silent, r.cancel = body, silent, cancel
	return nil
}

// cause tells a store that fell silent from a reader who went.
func (r *objectReader) cause(err error) error {
	if errors.Is(err, context.Canceled) && r.ctx.Err() == nil {
		return errSilent
	}
	return err
}

// Seek implements io.Seeker.
func (r *objectReader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.offset
	case io.SeekEnd:
		offset += r.size
	}
	if offset < 0 {
		return 0, errors.New("seek before the start")
	}
	if offset != r.offset {
		_ = r.Close()
		r.offset = offset
	}
	return offset, nil
}

// Close implements io.Closer.
func (r *objectReader) Close() error {
	if r.body == nil {
		return nil
	}
	body := r.body
	r.body = nil
	r.cancel()
	return body.Close()
}

// isMissing is not true of a missing bucket: that is a fault, and nothing is known of what was in it.
func isMissing(err error) bool {
	code := minio.ToErrorResponse(err).Code
	return code == minio.NoSuchKey || code == minio.NoSuchUpload
}

func fault(action string, err error) error {
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case isMissing(err):
		return fmt.Errorf("%s: %w", action, document.ErrNotFound)
	}
	return fmt.Errorf("%s: %w: %w", action, document.ErrUnavailable, err)
}
