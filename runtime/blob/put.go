package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"
	"golang.org/x/sync/errgroup"

	"github.com/docvault/docvault/runtime/telemetry"
)

const (
	// smallObject goes in one request of known size.
	smallObject = 1 << 20
	// smallStart is where the buffer of its content begins to grow: what one page of text needs.
	smallStart = 8 << 10
	// partSize times the store's limit of 10,000 parts is 78 GiB, above every limit of uploads.
	partSize = 8 << 20
	// partsOnTheWay of an upload are sent while one more is read: three buffers, 24 MiB.
	partsOnTheWay = 2
	abortTimeout  = 10 * time.Second
)

// Put implements Store.
func (s *S3) Put(ctx context.Context, key, contentType string, body io.Reader) (err error) {
	ctx, end := telemetry.Step(ctx, "store put")
	defer func() { end(err) }()
	var start bytes.Buffer
	start.Grow(smallStart)
	_, err = io.CopyN(&start, body, smallObject)
	switch {
	case errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return s.putSmall(ctx, key, contentType, start.Bytes())
	case err != nil:
		return err
	}
	return s.putParts(ctx, key, contentType, io.MultiReader(&start, body))
}

func (s *S3) putSmall(ctx context.Context, key, contentType string, content []byte) error {
	err := wholly(ctx, func(ctx context.Context) error {
		_, err := s.core.PutObject(ctx, s.bucket, key, bytes.NewReader(content), int64(len(content)), "", digestOf(content),
			minio.PutObjectOptions{ContentType: contentType, DisableContentSha256: true})
		return err
	})
	if err != nil {
		return fault("put the object", err)
	}
	return nil
}

// putTries is how often content is sent that the store says it has not got all of.
const putTries = 3

// wholly sends what is at hand as a whole, again where the store calls it incomplete: MinIO says so when a write of its own was cut
// short or took too long, as happens where it has too little of a processor.
func wholly(ctx context.Context, send func(context.Context) error) (err error) {
	for range putTries {
		bounded, cancel := context.WithTimeout(ctx, answersWithin)
		err = send(bounded)
		cancel()
		if minio.ToErrorResponse(err).Code != minio.IncompleteBody || ctx.Err() != nil {
			break
		}
	}
	return err
}

// digestOf is signed along with a request. Without it minio-go signs the content piece by piece, which costs both sides a buffer of
// 64 KiB a request and the time for it; with TLS it signs no content at all.
func digestOf(content []byte) string {
	digest := sha256.Sum256(content)
	return hex.EncodeToString(digest[:])
}

// putParts does what minio-go's PutObject does with an unknown size, but for two things: that one takes io.ErrUnexpectedEOF, which a
// connection cut in the middle gives, for the end of the file and reports success; and its buffers are not bounded across uploads.
func (s *S3) putParts(ctx context.Context, key, contentType string, body io.Reader) error {
	options := minio.PutObjectOptions{ContentType: contentType}
	bounded, cancel := context.WithTimeout(ctx, answersWithin)
	defer cancel()
	upload, err := s.core.NewMultipartUpload(bounded, s.bucket, key, options)
	if err != nil {
		return fault("begin the upload", err)
	}
	parts, err := s.sendParts(ctx, key, upload, body)
	if err != nil {
		s.abort(ctx, key, upload)
		return err
	}
	if _, err := s.core.CompleteMultipartUpload(ctx, s.bucket, key, upload, parts, options); err != nil {
		s.abort(ctx, key, upload)
		return fault("complete the upload", err)
	}
	return nil
}

func (s *S3) sendParts(ctx context.Context, key, upload string, body io.Reader) ([]minio.CompletePart, error) {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(partsOnTheWay)
	var (
		sent  []minio.CompletePart
		mutex sync.Mutex
		rest  error
	)
	for number := 1; rest == nil; number++ {
		var (
			buffer []byte
			n      int
		)
		if buffer, n, rest = s.parts.read(ctx, body); buffer == nil {
			break
		}
		group.Go(func() error {
			defer s.parts.give(buffer)
			var part minio.ObjectPart
			err := wholly(ctx, func(ctx context.Context) (err error) {
				part, err = s.core.PutObjectPart(ctx, s.bucket, key, upload, number, bytes.NewReader(buffer[:n]), int64(n),
					minio.PutObjectPartOptions{Sha256Hex: digestOf(buffer[:n]), DisableContentSha256: true})
				return err
			})
			if err != nil {
				return fault(fmt.Sprintf("put part %d", number), err)
			}
			mutex.Lock()
			defer mutex.Unlock()
			sent = append(sent, minio.CompletePart{PartNumber: number, ETag: part.ETag})
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if !errors.Is(rest, io.EOF) {
		return nil, rest
	}
	slices.SortFunc(sent, func(a, b minio.CompletePart) int { return a.PartNumber - b.PartNumber })
	return sent, nil
}

// abort is tried once: the sweeper ends what is left by the object's row.
func (s *S3) abort(ctx context.Context, key, upload string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
	defer cancel()
	_ = s.core.AbortMultipartUpload(ctx, s.bucket, key, upload)
}
