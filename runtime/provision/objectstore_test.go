package provision_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/lifecycle"
	"github.com/minio/minio-go/v7/pkg/tags"

	"github.com/docvault/docvault/runtime/provision"
)

func minioServer(t *testing.T) provision.ObjectStoreServer {
	t.Helper()
	return provision.ObjectStoreServer{
		Endpoint: env(t, "TEST_MINIO_ENDPOINT"), AccessKey: env(t, "TEST_MINIO_ROOT_USER"), SecretKey: env(t, "TEST_MINIO_ROOT_PASSWORD"),
	}
}

func openStore(t *testing.T, s provision.ObjectStoreServer) *provision.ObjectStore {
	t.Helper()
	o, err := provision.OpenObjectStore(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func s3(t *testing.T, s provision.ObjectStoreServer, k provision.Key) *minio.Core {
	t.Helper()
	c, err := minio.NewCore(s.Endpoint, &minio.Options{Creds: credentials.NewStaticV4(k.AccessKey, k.SecretKey, ""), Region: "us-east-1", MaxRetries: 1})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func root(s provision.ObjectStoreServer) provision.Key {
	return provision.Key{AccessKey: s.AccessKey, SecretKey: s.SecretKey}
}

// newBucket names a vault's bucket that no other test knows. What is made of it is removed when the test ends.
func newBucket(t *testing.T, s provision.ObjectStoreServer) provision.Bucket {
	t.Helper()
	id := random(t)
	b := provision.Bucket{
		Identity: id, Name: "dv-" + id, User: "dv-" + id, UserSecret: "user " + id,
		Keys: []provision.Key{{AccessKey: "KEYA" + id, SecretKey: "sécret/+" + id}, {AccessKey: "KEYB" + id, SecretKey: "secret b " + id}},
	}
	t.Cleanup(func() {
		o, err := provision.OpenObjectStore(context.Background(), s)
		if err != nil {
			t.Fatal(err)
		}
		if err := o.RemoveBucket(context.Background(), b); err != nil {
			t.Errorf("remove: %v", err)
		}
	})
	return b
}

func ensureBucket(t *testing.T, s provision.ObjectStoreServer, b provision.Bucket) {
	t.Helper()
	if err := ensured(openStore(t, s).EnsureBucket(t.Context(), b)); err != nil {
		t.Fatal(err)
	}
}

// put tries again where a busy MinIO says that the body was incomplete: so it calls a deadline of its own that passed.
func put(c *minio.Core, bucket, key string) (err error) {
	for range 3 {
		_, err = c.Client.PutObject(context.Background(), bucket, key, strings.NewReader("x"), 1, minio.PutObjectOptions{})
		if minio.ToErrorResponse(err).Code != minio.IncompleteBody {
			return err
		}
	}
	return err
}

func TestTheKeysReadAndWriteObjects(t *testing.T) {
	t.Parallel()
	s := minioServer(t)
	b := newBucket(t, s)
	ensureBucket(t, s, b)
	for _, k := range b.Keys {
		checkKey(t, s, b, k)
	}
}

// checkKey does all that a key may do.
func checkKey(t *testing.T, s provision.ObjectStoreServer, b provision.Bucket, k provision.Key) {
	t.Helper()
	c, ctx := s3(t, s, k), context.Background()
	if err := put(c, b.Name, "a/b"); err != nil {
		t.Fatalf("put: %v", err)
	}
	object, _, _, err := c.GetObject(ctx, b.Name, "a/b", minio.GetObjectOptions{})
	if err != nil {
		t.Fatalf("get: %v", err)
	}
	if data, err := io.ReadAll(object); err != nil || string(data) != "x" {
		t.Errorf("got %q, %v", data, err)
	}
	upload, err := c.NewMultipartUpload(ctx, b.Name, "big", minio.PutObjectOptions{})
	if err != nil {
		t.Fatalf("begin a multipart upload: %v", err)
	}
	if _, err := c.PutObjectPart(ctx, b.Name, "big", upload, 1, strings.NewReader("x"), 1, minio.PutObjectPartOptions{}); err != nil {
		t.Errorf("put a part: %v", err)
	}
	if _, err := c.ListObjectParts(ctx, b.Name, "big", upload, 0, 10); err != nil {
		t.Errorf("list parts: %v", err)
	}
	if _, err := c.ListMultipartUploads(ctx, b.Name, "big", "", "", "", 10); err != nil {
		t.Errorf("list uploads: %v", err)
	}
	if err := c.AbortMultipartUpload(ctx, b.Name, "big", upload); err != nil {
		t.Errorf("abort: %v", err)
	}
	if exists, err := c.BucketExists(ctx, b.Name); err != nil || !exists {
		t.Errorf("bucket exists: %v, %v", exists, err)
	}
	if err := c.RemoveObject(ctx, b.Name, "a/b", minio.RemoveObjectOptions{}); err != nil {
		t.Errorf("delete: %v", err)
	}
}

func TestWhatTheKeyMayNotDo(t *testing.T) {
	t.Parallel()
	s := minioServer(t)
	mine, yours := newBucket(t, s), newBucket(t, s)
	ensureBucket(t, s, mine)
	ensureBucket(t, s, yours)
	if err := put(s3(t, s, yours.Keys[0]), yours.Name, "secret"); err != nil {
		t.Fatal(err)
	}
	c, ctx := s3(t, s, mine.Keys[0]), t.Context()
	other, err := tags.MapToBucketTags(map[string]string{"docvault-identity": "other"})
	if err != nil {
		t.Fatal(err)
	}
	expire := lifecycle.NewConfiguration()
	expire.Rules = []lifecycle.Rule{{ID: "x", Status: "Enabled", Expiration: lifecycle.Expiration{Days: 1}}}
	for what, try := range map[string]func() error{
		"make a bucket":             func() error { return c.MakeBucket(ctx, "dv-other-"+mine.Identity, minio.MakeBucketOptions{}) },
		"remove its bucket":         func() error { return c.RemoveBucket(ctx, mine.Name) },
		"change the mark":           func() error { return c.SetBucketTagging(ctx, mine.Name, other) },
		"remove the mark":           func() error { return c.RemoveBucketTagging(ctx, mine.Name) },
		"set a bucket policy":       func() error { return c.SetBucketPolicy(ctx, mine.Name, `{"Version":"2012-10-17","Statement":[]}`) },
		"set versioning":            func() error { return c.EnableVersioning(ctx, mine.Name) },
		"set a lifecycle":           func() error { return c.SetBucketLifecycle(ctx, mine.Name, expire) },
		"list a neighbour's bucket": func() error { _, err := c.ListObjectsV2(yours.Name, "", "", "", "", 1); return err },
		"stat a neighbour's object": func() error { _, err := c.StatObject(ctx, yours.Name, "secret", minio.StatObjectOptions{}); return err },
		"get a neighbour's object": func() error {
			_, _, _, err := c.GetObject(ctx, yours.Name, "secret", minio.GetObjectOptions{})
			return err
		},
		"put into a neighbour's bucket": func() error { return put(c, yours.Name, "mine") },
		"delete a neighbour's object":   func() error { return c.RemoveObject(ctx, yours.Name, "secret", minio.RemoveObjectOptions{}) },
		"copy a neighbour's object":     func() error { return copyObject(ctx, c, yours.Name, mine.Name) },
		"begin an upload at a neighbour's": func() error {
			_, err := c.NewMultipartUpload(ctx, yours.Name, "mine", minio.PutObjectOptions{})
			return err
		},
	} {
		if code := minio.ToErrorResponse(try()).Code; code != minio.AccessDenied {
			t.Errorf("%s: %q, want AccessDenied", what, code)
		}
	}
	if seen, err := c.ListBuckets(ctx); err != nil || len(seen) != 1 {
		t.Errorf("sees %v, %v; want its own bucket only", seen, err)
	}
}

func copyObject(ctx context.Context, c *minio.Core, from, to string) error {
	_, err := c.Client.CopyObject(ctx, minio.CopyDestOptions{Bucket: to, Object: "copy"}, minio.CopySrcOptions{Bucket: from, Object: "secret"})
	return err
}

// Neither a key nor the user behind it makes another key, for itself or for anyone, or does anything else that admins do.
func TestNoKeyMintsAKey(t *testing.T) {
	t.Parallel()
	s := minioServer(t)
	b := newBucket(t, s)
	ensureBucket(t, s, b)
	o := openStore(t, s)
	minted := provision.Key{AccessKey: "MINT" + b.Identity, SecretKey: "minted secret"}
	everything := map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{"Effect": "Allow", "Action": []string{"s3:*"}, "Resource": []string{"arn:aws:s3:::*"}}}}
	for _, caller := range append(b.Keys, provision.Key{AccessKey: b.User, SecretKey: b.UserSecret}) {
		for _, user := range []string{"", b.User, caller.AccessKey, s.AccessKey} {
			if err := o.MintAs(t.Context(), caller, user, minted); !contains(err, "AccessDenied") {
				t.Errorf("%s mints a key of %q: %v", caller.AccessKey, user, err)
			}
		}
		for call, query := range map[string]url.Values{
			"add-user":                 {"accessKey": {"x" + b.Identity}},
			"add-canned-policy":        {"name": {b.User}},
			"set-user-or-group-policy": {"policyName": {"readwrite"}, "userOrGroup": {b.User}, "isGroup": {"false"}},
		} {
			if err := o.AdminAs(t.Context(), caller, http.MethodPut, call, query, everything); !contains(err, "AccessDenied") {
				t.Errorf("%s calls %s: %v", caller.AccessKey, call, err)
			}
		}
	}
	if _, err := s3(t, s, minted).ListBuckets(t.Context()); err == nil {
		t.Error("a minted key works")
	}
}

func TestASettledBucketIsNotWrittenTo(t *testing.T) {
	t.Parallel()
	s := minioServer(t)
	b := newBucket(t, s)
	ensureBucket(t, s, b)
	f := newFuse(t, s.Endpoint, httpEffect, unlimited)
	s.Endpoint = f.Addr().String()
	ensureBucket(t, s, b)
	requests := regexp.MustCompile(`(?m)^[A-Z]+ /\S* HTTP/1.1\r$`).FindAllString(f.sent(), -1)
	if len(requests) == 0 {
		t.Fatal("the proxy saw no request: this test proves nothing")
	}
	for _, r := range requests {
		if !strings.HasPrefix(r, "GET ") {
			t.Errorf("a second run sent %s", r)
		}
	}
}

// Whatever an administrator does to a vault's access is put right, and told.
func TestAccessIsMended(t *testing.T) {
	t.Parallel()
	s := minioServer(t)
	o := openStore(t, s)
	admin := func(method, call string, query url.Values, content any) error {
		return o.AdminAs(t.Context(), root(s), method, call, query, content)
	}
	attach := func(b *provision.Bucket, policies string) error {
		return admin(http.MethodPut, "set-user-or-group-policy", url.Values{"policyName": {policies}, "userOrGroup": {b.User}, "isGroup": {"false"}}, nil)
	}
	allow := func(b *provision.Bucket, actions ...string) error {
		return o.WritePolicy(t.Context(), b.User, map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
			"Effect": "Allow", "Action": actions, "Resource": []string{"arn:aws:s3:::" + b.Name, "arn:aws:s3:::" + b.Name + "/*"},
		}}})
	}
	for what, tc := range map[string]struct {
		harm func(b *provision.Bucket) error
		told string
	}{
		"key removed": {func(b *provision.Bucket) error {
			return admin(http.MethodDelete, "delete-service-account", url.Values{"accessKey": {b.Keys[0].AccessKey}}, nil)
		}, "an access key"},
		"user removed": {func(b *provision.Bucket) error {
			return admin(http.MethodDelete, "remove-user", url.Values{"accessKey": {b.User}}, nil)
		}, "was missing"},
		"user disabled": {func(b *provision.Bucket) error {
			return admin(http.MethodPut, "set-user-status", url.Values{"accessKey": {b.User}, "status": {"disabled"}}, nil)
		}, "was disabled"},
		"another policy besides": {func(b *provision.Bucket) error { return attach(b, b.User+",readwrite") }, "other policies"},
		"another policy instead": {func(b *provision.Bucket) error { return attach(b, "readwrite") }, "other policies"},
		"in a group": {func(b *provision.Bucket) error {
			return o.JoinGroup(t.Context(), "group-"+b.Identity, b.User)
		}, "in groups"},
		"policy widened":      {func(b *provision.Bucket) error { return allow(b, "s3:*") }, "policy"},
		"policy narrowed":     {func(b *provision.Bucket) error { return allow(b, "s3:ListBucket", "s3:GetObject") }, "policy"},
		"other secret wanted": {func(b *provision.Bucket) error { b.Keys[1].SecretKey = "another secret"; return nil }, "an access key"},
		"other user secret wanted": {func(b *provision.Bucket) error {
			b.UserSecret, b.Keys[0].SecretKey = "another one", "another secret"
			return nil
		}, "an access key"},
	} {
		t.Run(what, func(t *testing.T) {
			b := newBucket(t, s)
			ensureBucket(t, s, b)
			b.Made = true
			if err := tc.harm(&b); err != nil {
				t.Fatal(err)
			}
			repaired, err := o.EnsureBucket(t.Context(), b)
			if err != nil || !contains(errors.New(strings.Join(repaired, "; ")), tc.told) {
				t.Errorf("told %q, want %q; %v", repaired, tc.told, err)
			}
			for _, k := range b.Keys {
				checkKey(t, s, b, k)
				if seen, err := s3(t, s, k).ListBuckets(t.Context()); err != nil || len(seen) != 1 {
					t.Errorf("sees %d buckets, %v", len(seen), err)
				}
				if err := s3(t, s, k).RemoveBucketTagging(t.Context(), b.Name); minio.ToErrorResponse(err).Code != minio.AccessDenied {
					t.Errorf("the mark can be removed: %v", err)
				}
			}
			if again, err := o.EnsureBucket(t.Context(), b); err != nil || len(again) > 0 {
				t.Errorf("a second run tells %q, %v", again, err)
			}
		})
	}
}

func TestForeignBucketsAndKeysAreLeftAlone(t *testing.T) {
	t.Parallel()
	s := minioServer(t)
	admin, ctx := s3(t, s, root(s)), context.Background()
	for what, content := range map[string]struct{ tag, object string }{
		"no mark, empty": {}, "no mark": {object: "theirs"}, "another's mark": {tag: "other"}, "another's, full": {tag: "other", object: "theirs"},
	} {
		t.Run(what, func(t *testing.T) {
			id := random(t)
			b := provision.Bucket{Identity: id, Name: "dv-" + id, User: "dv-" + id, UserSecret: "user secret", Keys: []provision.Key{{AccessKey: "K" + id, SecretKey: "key secret"}}}
			if err := admin.MakeBucket(ctx, b.Name, minio.MakeBucketOptions{}); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = admin.RemoveBucketWithOptions(ctx, b.Name, minio.RemoveBucketOptions{ForceDelete: true}) })
			if content.object != "" {
				if err := put(admin, b.Name, content.object); err != nil {
					t.Fatal(err)
				}
			}
			if content.tag != "" {
				theirs, _ := tags.MapToBucketTags(map[string]string{"docvault-identity": content.tag})
				if err := admin.SetBucketTagging(ctx, b.Name, theirs); err != nil {
					t.Fatal(err)
				}
			}
			for range 2 { // a refusal leaves nothing that a second try takes for a claim
				if err := ensured(openStore(t, s).EnsureBucket(ctx, b)); !errors.Is(err, provision.ErrForeign) {
					t.Errorf("ensure: %v, want ErrForeign", err)
				}
				if err := openStore(t, s).RemoveBucket(ctx, b); !errors.Is(err, provision.ErrForeign) {
					t.Errorf("remove: %v, want ErrForeign", err)
				}
			}
			if exists, err := admin.BucketExists(ctx, b.Name); err != nil || !exists {
				t.Errorf("the bucket is gone: %v", err)
			}
			if content.object != "" {
				if _, err := admin.StatObject(ctx, b.Name, content.object, minio.StatObjectOptions{}); err != nil {
					t.Errorf("the object is gone: %v", err)
				}
			}
			found, err := admin.GetBucketTagging(ctx, b.Name)
			if content.tag == "" && minio.ToErrorResponse(err).Code != "NoSuchTagSet" || content.tag != "" && found.ToMap()["docvault-identity"] != content.tag {
				t.Errorf("the mark was changed: %v, %v", found, err)
			}
		})
	}
	t.Run("a key of another's user", func(t *testing.T) {
		theirs, mine := newBucket(t, s), newBucket(t, s)
		ensureBucket(t, s, theirs)
		mine.Keys[0] = provision.Key{AccessKey: theirs.Keys[0].AccessKey, SecretKey: "taken over"}
		if err := ensured(openStore(t, s).EnsureBucket(ctx, mine)); !errors.Is(err, provision.ErrForeign) {
			t.Errorf("ensure: %v, want ErrForeign", err)
		}
		checkKey(t, s, theirs, theirs.Keys[0])
	})
	t.Run("a user of another", func(t *testing.T) {
		theirs, mine := newBucket(t, s), newBucket(t, s)
		ensureBucket(t, s, theirs)
		stolen := mine
		stolen.User = theirs.User
		if err := ensured(openStore(t, s).EnsureBucket(ctx, stolen)); !errors.Is(err, provision.ErrForeign) {
			t.Errorf("ensure: %v, want ErrForeign", err)
		}
		checkKey(t, s, theirs, theirs.Keys[0])
	})
}

func TestEnsureBucketAfterACrashAnywhere(t *testing.T) {
	t.Parallel()
	s := minioServer(t)
	for n := 0; ; n++ {
		b := newBucket(t, s)
		f := newFuse(t, s.Endpoint, httpEffect, n)
		cut := s
		cut.Endpoint = f.Addr().String()
		err := ensured(openStore(t, cut).EnsureBucket(t.Context(), b))
		ensureBucket(t, s, b)
		for _, k := range b.Keys {
			checkKey(t, s, b, k)
		}
		if err == nil && !f.hasBlown() {
			expectCrashes(t, n, 7) // policy, bucket, mark, user, its policy, two keys
			return
		}
	}
}

func TestRemoveBucketAfterACrashAnywhere(t *testing.T) {
	t.Parallel()
	s := minioServer(t)
	for n := 0; ; n++ {
		b := newBucket(t, s)
		ensureBucket(t, s, b)
		if err := put(s3(t, s, b.Keys[0]), b.Name, "object"); err != nil {
			t.Fatal(err)
		}
		f := newFuse(t, s.Endpoint, httpEffect, n)
		cut := s
		cut.Endpoint = f.Addr().String()
		err := openStore(t, cut).RemoveBucket(t.Context(), b)
		if err := openStore(t, s).RemoveBucket(t.Context(), b); err != nil {
			t.Fatalf("remove after a crash at message %d: %v", n, err)
		}
		checkGone(t, s, b)
		if err == nil && !f.hasBlown() {
			expectCrashes(t, n, 3) // user, bucket, policy
			return
		}
	}
}

func checkGone(t *testing.T, s provision.ObjectStoreServer, b provision.Bucket) {
	t.Helper()
	o := openStore(t, s)
	if exists, err := s3(t, s, root(s)).BucketExists(t.Context(), b.Name); err != nil || exists {
		t.Errorf("bucket: %v, %v", exists, err)
	}
	if _, err := s3(t, s, b.Keys[0]).ListBuckets(t.Context()); err == nil {
		t.Error("a key still works")
	}
	for call, query := range map[string]url.Values{"user-info": {"accessKey": {b.User}}, "info-canned-policy": {"name": {b.User}}} {
		if err := o.AdminAs(t.Context(), root(s), http.MethodGet, call, query, nil); !contains(err, "NoSuch") {
			t.Errorf("%s: %v, want none", call, err)
		}
	}
}

// The real server behind a proxy that makes it say an older release.
func TestInsecureReleasesAreRefused(t *testing.T) {
	t.Parallel()
	for version, refused := range map[string]bool{
		"2025-09-07T16:13:09Z": true, "2025-10-15T17:29:55Z": false, "DEVELOPMENT.GOGET": false, "unknown": true,
	} {
		s := minioServer(t)
		b := newBucket(t, s)
		proxy := httptest.NewServer(saying(version, s.Endpoint))
		t.Cleanup(proxy.Close)
		s.Endpoint = strings.TrimPrefix(proxy.URL, "http://")
		err := ensured(openStore(t, s).EnsureBucket(t.Context(), b))
		if errors.Is(err, provision.ErrInsecureServer) != refused || !refused && err != nil {
			t.Errorf("release %s: %v", version, err)
		}
	}
}

func saying(version, endpoint string) *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: endpoint})
			r.Out.Host = r.In.Host // signed
		},
		ModifyResponse: func(r *http.Response) error {
			data, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			data = regexp.MustCompile(`"version":"[^"]*"`).ReplaceAll(data, []byte(`"version":"`+version+`"`))
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(data)), int64(len(data))
			r.Header.Set("Content-Length", fmt.Sprint(len(data)))
			return nil
		},
	}
}
