package main

import (
	"bytes"
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/signer"
	"github.com/secure-io/sio-go"
)

// mark is an object, and a key of Redis, that each vault's own pod leaves: the other's attempts are at something that is there.
const mark = "crossing"

type store struct {
	*minio.Core
	endpoint, region, accessKey, secretKey string
}

func openStore() (*store, error) {
	s := &store{
		endpoint: os.Getenv("MINIO_ENDPOINT"), region: os.Getenv("MINIO_REGION"),
		accessKey: os.Getenv("MINIO_ACCESS_KEY"), secretKey: os.Getenv("MINIO_SECRET_KEY"),
	}
	var err error
	s.Core, err = minio.NewCore(s.endpoint, &minio.Options{
		Creds: credentials.NewStaticV4(s.accessKey, s.secretKey, ""), Region: s.region, BucketLookup: minio.BucketLookupPath, MaxRetries: 1,
	})
	if err != nil {
		return nil, fmt.Errorf("configure the object store: %w", err)
	}
	return s, nil
}

// ownBucket leaves the mark, or finds it as it was left.
func ownBucket(try trying, s *store, own Vault) {
	content := own.Namespace
	try("bucket: list own", func(context.Context) error { _, err := s.ListObjectsV2(own.Bucket, "", "", "", "", 1); return err })
	try("bucket: leave or find own mark", func(ctx context.Context) error {
		there, err := s.read(ctx, own.Bucket)
		if minio.ToErrorResponse(err).Code == minio.NoSuchKey {
			there = content
			err = s.put(ctx, own.Bucket, mark, content)
		}
		if err == nil && there != content {
			return errors.New("it was overwritten")
		}
		return err
	})
	try("bucket: put and delete in own", func(ctx context.Context) error {
		if err := s.put(ctx, own.Bucket, "passing", content); err != nil {
			return err
		}
		return s.RemoveObject(ctx, own.Bucket, "passing", minio.RemoveObjectOptions{})
	})
	try("bucket: see all", func(ctx context.Context) error { return s.seeOnly(ctx, own.Bucket) })
}

func (s *store) put(ctx context.Context, bucket, key, content string) error {
	_, err := s.Client.PutObject(ctx, bucket, key, strings.NewReader(content), int64(len(content)), minio.PutObjectOptions{})
	return err
}

func (s *store) read(ctx context.Context, bucket string) (string, error) {
	object, _, _, err := s.GetObject(ctx, bucket, mark, minio.GetObjectOptions{})
	if err != nil {
		return "", err
	}
	defer object.Close()
	content, err := io.ReadAll(object)
	return string(content), err
}

func (s *store) seeOnly(ctx context.Context, own string) error {
	buckets, err := s.ListBuckets(ctx)
	if err == nil && (len(buckets) != 1 || buckets[0].Name != own) {
		return fmt.Errorf("it sees %v", buckets)
	}
	return err
}

func crossBuckets(try trying, s *store, m Map) {
	own, other := m.Own.Bucket, m.Other.Bucket
	open := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":["s3:GetObject"],"Resource":["arn:aws:s3:::` +
		other + `/*"]}]}`
	try("bucket: list the other's", func(context.Context) error { _, err := s.ListObjectsV2(other, "", "", "", "", 1); return err })
	try("bucket: get from the other's", func(ctx context.Context) error { _, err := s.read(ctx, other); return err })
	try("bucket: get by a link", func(ctx context.Context) error { return s.getByLink(ctx, other) })
	try("bucket: copy from the other's", func(ctx context.Context) error {
		from, to := minio.CopySrcOptions{Bucket: other, Object: mark}, minio.CopyDestOptions{Bucket: own, Object: "taken"}
		_, err := s.Client.CopyObject(ctx, to, from)
		return err
	})
	try("bucket: put into the other's", func(ctx context.Context) error { return s.put(ctx, other, "taken", "taken") })
	try("bucket: overwrite in the other's", func(ctx context.Context) error { return s.put(ctx, other, mark, "taken") })
	try("bucket: begin an upload to the other's", func(ctx context.Context) error {
		_, err := s.NewMultipartUpload(ctx, other, "taken", minio.PutObjectOptions{})
		return err
	})
	try("bucket: delete from the other's", func(ctx context.Context) error {
		return s.RemoveObject(ctx, other, mark, minio.RemoveObjectOptions{})
	})
	try("bucket: open the other's to all", func(ctx context.Context) error { return s.SetBucketPolicy(ctx, other, open) })
	try("bucket: remove the other's", func(ctx context.Context) error { return s.RemoveBucket(ctx, other) })
	try("bucket: make one", func(ctx context.Context) error { return s.MakeBucket(ctx, own+"-taken", minio.MakeBucketOptions{}) })
}

// crossStoreAdmin tries to become more than the key that it has.
func crossStoreAdmin(try trying, s *store, m Map) {
	own, other := m.Own.Bucket, m.Other.Bucket
	everything := map[string]any{
		"Version":   "2012-10-17",
		"Statement": []any{map[string]any{"Effect": "Allow", "Action": []string{"s3:*"}, "Resource": []string{"arn:aws:s3:::*"}}},
	}
	minted := map[string]any{"name": "taken", "accessKey": "takentaken", "secretKey": "taken taken", "policy": everything}
	mintedFor := map[string]any{"name": "taken", "accessKey": "takentaken", "secretKey": "taken taken", "targetUser": other}
	user := map[string]any{"secretKey": "taken taken", "status": "enabled"}
	attach := "set-user-or-group-policy?policyName=" + other + "&userOrGroup=" + own + "&isGroup=false"
	for what, call := range map[string]struct {
		method, path string
		sealed       any
	}{
		"mint a key":             {http.MethodPut, "add-service-account", minted},
		"mint a key of another":  {http.MethodPut, "add-service-account", mintedFor},
		"list the other's keys":  {http.MethodGet, "list-service-accounts?user=" + other, nil},
		"make a user":            {http.MethodPut, "add-user?accessKey=taken", user},
		"read the other's user":  {http.MethodGet, "user-info?accessKey=" + other, nil},
		"list users":             {http.MethodGet, "list-users", nil},
		"take another's policy":  {http.MethodPut, attach, nil},
		"write another's policy": {http.MethodPut, "add-canned-policy?name=" + other, nil},
		"read how the server is": {http.MethodGet, "info", nil},
	} {
		try("store: "+what, func(ctx context.Context) error { return s.admin(ctx, call.method, call.path, call.sealed) })
	}
	try("store: assume a role", func(ctx context.Context) error { return s.assumeRole(ctx) })
}

// getByLink signs a link to the other's object and follows it.
func (s *store) getByLink(ctx context.Context, bucket string) error {
	link, err := s.PresignedGetObject(ctx, bucket, mark, patience, nil)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, link.String(), nil)
	if err != nil {
		return err
	}
	return call(http.DefaultClient, request)
}

// assumeRole asks the store for temporary credentials, as whoever has a key may do by the protocol.
func (s *store) assumeRole(ctx context.Context) error {
	assumed, err := credentials.NewSTSAssumeRole("http://"+s.endpoint, credentials.STSAssumeRoleOptions{
		AccessKey: s.accessKey, SecretKey: s.secretKey, Location: s.region,
	})
	if err != nil {
		return err
	}
	_, err = assumed.GetWithContext(&credentials.CredContext{Client: http.DefaultClient, Endpoint: "http://" + s.endpoint, Context: ctx})
	var told credentials.ErrorResponse
	if errors.As(err, &told) {
		return refusal("s3 " + told.STSError.Code)
	}
	return err
}

// admin calls MinIO's admin API with the vault's key.
func (s *store) admin(ctx context.Context, method, path string, sealed any) error {
	var body []byte
	if sealed != nil {
		var err error
		if body, err = seal(s.secretKey, sealed); err != nil {
			return err
		}
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://"+s.endpoint+"/minio/admin/v3/"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	digest := sha256.Sum256(body)
	request.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(digest[:]))
	response, err := http.DefaultClient.Do(signer.SignV4(*request, s.accessKey, s.secretKey, "", s.region))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusOK {
		return nil
	}
	var told struct{ Code string }
	if err := json.NewDecoder(response.Body).Decode(&told); err != nil {
		return refusal(fmt.Sprintf("http %d", response.StatusCode))
	}
	return refusal("s3 " + told.Code)
}

// seal encrypts a request as MinIO wants it (salt, id of the scheme, nonce, ciphertext): it looks into it before it looks at rights.
func seal(secretKey string, content any) ([]byte, error) {
	text, err := json.Marshal(content)
	if err != nil {
		return nil, err
	}
	salt := make([]byte, 32)
	rand.Read(salt)
	key, err := pbkdf2.Key(sha256.New, secretKey, salt, 8192, 32)
	if err != nil {
		return nil, err
	}
	stream, err := sio.AES_256_GCM.Stream(key)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, stream.NonceSize())
	rand.Read(nonce)
	sealed := bytes.NewBuffer(append(append(salt, 2), nonce...))
	w := stream.EncryptWriter(sealed, nonce, nil)
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	err = w.Close() // writes the end
	return sealed.Bytes(), err
}
