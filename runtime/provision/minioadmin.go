package provision

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
	"net/url"
	"slices"

	"github.com/minio/minio-go/v7/pkg/signer"
	"github.com/secure-io/sio-go"
)

const (
	adminPath = "/minio/admin/v3/"
	// maxAdminAnswer bounds an answer; `info` of a large cluster is some hundred KiB.
	maxAdminAnswer = 16 << 20
)

// body makes a request's body, which may be sealed with the caller's secret.
type body func(secretKey string) ([]byte, error)

// adminError is a refusal of the admin API.
type adminError struct {
	Status  int    `json:"-"`
	Code    string `json:"Code"`
	Message string `json:"Message"`
}

// Error implements error.
func (e *adminError) Error() string {
	return fmt.Sprintf("%s (%s, HTTP %d)", e.Message, e.Code, e.Status)
}

func isAdminError(err error, codes ...string) bool {
	var refusal *adminError
	return errors.As(err, &refusal) && slices.Contains(codes, refusal.Code)
}

// admin calls MinIO's admin API as the admin and decodes the answer, if wanted.
func (o *ObjectStore) admin(ctx context.Context, method, call string, query url.Values, content body, answer any) error {
	return o.adminAs(ctx, Key{AccessKey: o.server.AccessKey, SecretKey: o.server.SecretKey}, method, call, query, content, answer)
}

func (o *ObjectStore) adminAs(ctx context.Context, as Key, method, call string, query url.Values, content body, answer any) error {
	var payload []byte
	if content != nil {
		var err error
		if payload, err = content(as.SecretKey); err != nil {
			return err
		}
	}
	target := url.URL{Scheme: "http", Host: o.server.Endpoint, Path: adminPath + call, RawQuery: query.Encode()}
	if o.server.Secure {
		target.Scheme = "https"
	}
	request, err := http.NewRequestWithContext(ctx, method, target.String(), bytes.NewReader(payload))
	if err != nil {
		return fmt.Errorf("make the request: %w", err)
	}
	digest := sha256.Sum256(payload)
	request.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(digest[:]))
	request = signer.SignV4(*request, as.AccessKey, as.SecretKey, "", o.server.Region)
	response, err := o.transport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return readAnswer(response, answer)
}

func readAnswer(response *http.Response, answer any) error {
	data, err := io.ReadAll(io.LimitReader(response.Body, maxAdminAnswer))
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if response.StatusCode/100 != 2 {
		refusal := &adminError{Status: response.StatusCode}
		if json.Unmarshal(data, refusal) != nil || refusal.Code == "" {
			refusal.Code, refusal.Message = "Unknown", http.StatusText(response.StatusCode)
		}
		return refusal
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(data, answer); err != nil {
		return fmt.Errorf("decode the answer: %w", err)
	}
	return nil
}

// What the admin API's sealed bodies are made of: salt, id of the scheme, nonce, ciphertext.
const (
	sealSaltBytes = 32
	sealPBKDF2AES = 2 // PBKDF2-SHA256 and AES-256-GCM; the argon2id schemes cost 64 MiB a call
	sealRounds    = 8192
	sealKeyBytes  = 32
)

// seal encrypts what must not cross in the clear, with the caller's secret.
func seal(secretKey string, v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode the request: %w", err)
	}
	salt := make([]byte, sealSaltBytes)
	rand.Read(salt)
	key, err := pbkdf2.Key(sha256.New, secretKey, salt, sealRounds, sealKeyBytes)
	if err != nil {
		return nil, fmt.Errorf("derive the request's key: %w", err)
	}
	stream, err := sio.AES_256_GCM.Stream(key)
	if err != nil {
		return nil, fmt.Errorf("encrypt the request: %w", err)
	}
	nonce := make([]byte, stream.NonceSize())
	rand.Read(nonce)
	sealed := bytes.NewBuffer(append(append(salt, sealPBKDF2AES), nonce...))
	w := stream.EncryptWriter(sealed, nonce, nil)
	if _, err := w.Write(text); err != nil {
		return nil, fmt.Errorf("encrypt the request: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("encrypt the request: %w", err)
	}
	return sealed.Bytes(), nil
}
