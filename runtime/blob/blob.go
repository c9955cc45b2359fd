// Package blob keeps the bytes of documents in an object store. S3 is the implementation for MinIO and everything that speaks
// its protocol; Store is for users who bring another.
package blob

import (
	"context"
	"io"
	"time"
)

// Store keeps objects under keys. Every error is document.ErrNotFound (no such object), the error of the body that was read, or
// document.ErrUnavailable.
type Store interface {
	// Put stores what body gives until io.EOF, all or nothing: any other end of body, io.ErrUnexpectedEOF too, stores nothing.
	// Memory does not grow with the body.
	Put(ctx context.Context, key, mime string, body io.Reader) error
	// Size tells how many bytes an object has.
	Size(ctx context.Context, key string) (int64, error)
	// Open returns an object of a known size. Reads fetch from where Seek went; ctx is for all of them.
	Open(ctx context.Context, key string, size int64) (io.ReadSeekCloser, error)
	// Delete removes an object and what incomplete uploads left of it. What is not there is no error.
	Delete(ctx context.Context, key string) error
	// Presign returns a link to an object that browsers save under name, without asking the store. It is for as long as expires.
	Presign(ctx context.Context, key, name, mime string, expires time.Duration) (string, error)
	// Check tells whether the store answers and knows the key and the bucket.
	Check(ctx context.Context) error
}
