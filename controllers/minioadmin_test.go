package controllers_test

import (
	"bytes"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/minio/minio-go/v7/pkg/signer"
	"github.com/secure-io/sio-go"
	"golang.org/x/crypto/argon2"
)

// accessNames lists the MinIO users and policies that there are, whosever they are, and the access keys of one user.
func accessNames(t testing.TB, user string) (users, policies, keys []string) {
	t.Helper()
	var all, documents map[string]json.RawMessage
	var accounts struct {
		Accounts []struct {
			AccessKey string `json:"accessKey"`
		} `json:"accounts"`
	}
	decode(t, unseal(t, askMinIO(t, "list-users", nil)), &all)
	decode(t, askMinIO(t, "list-canned-policies", nil), &documents)
	users, policies = slices.Collect(maps.Keys(all)), slices.Collect(maps.Keys(documents))
	if _, there := all[user]; there {
		decode(t, unseal(t, askMinIO(t, "list-service-accounts", url.Values{"user": {user}})), &accounts)
	}
	for _, account := range accounts.Accounts {
		keys = append(keys, account.AccessKey)
	}
	return users, policies, keys
}

// askMinIO returns what the admin API answers to its admin.
func askMinIO(t testing.TB, call string, query url.Values) []byte {
	t.Helper()
	return callMinIO(t, http.MethodGet, call, query, bytes.NewReader(nil))
}

func callMinIO(t testing.TB, method, call string, query url.Values, body *bytes.Reader) []byte {
	t.Helper()
	target := url.URL{
		Scheme: "http", Host: need(t, "TEST_MINIO_ENDPOINT"), Path: "/minio/admin/v3/" + call, RawQuery: query.Encode(),
	}
	digest := sha256.New()
	if _, err := body.WriteTo(digest); err != nil {
		t.Fatal(err)
	}
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), method, target.String(), body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(digest.Sum(nil)))
	request = signer.SignV4(*request, need(t, "TEST_MINIO_ROOT_USER"), need(t, "TEST_MINIO_ROOT_PASSWORD"), "", "us-east-1")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %s %v", call, response.Status, answer, err)
	}
	return answer
}

// unseal decrypts an answer with the admin's secret: salt, id of the scheme, nonce, ciphertext.
func unseal(t testing.TB, sealed []byte) []byte {
	t.Helper()
	salt, scheme, rest := sealed[:32], sealed[32], sealed[33:]
	secret := need(t, "TEST_MINIO_ROOT_PASSWORD")
	algorithm, key := sio.AES_256_GCM, argon2.IDKey([]byte(secret), salt, 1, 64*1024, 4, 32)
	switch scheme {
	case 0:
	case 1:
		algorithm = sio.ChaCha20Poly1305
	case 2:
		var err error
		if key, err = pbkdf2.Key(sha256.New, secret, salt, 8192, 32); err != nil {
			t.Fatal(err)
		}
	default:
		t.Fatal(fmt.Errorf("the answer is sealed by scheme %d", scheme))
	}
	stream, err := algorithm.Stream(key)
	if err != nil {
		t.Fatal(err)
	}
	nonce, text := rest[:stream.NonceSize()], rest[stream.NonceSize():]
	plain, err := io.ReadAll(stream.DecryptReader(bytes.NewReader(text), nonce, nil))
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

func decode(t testing.TB, text []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("decode %q: %v", text, err)
	}
}
