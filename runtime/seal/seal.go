// Package seal encrypts the secrets that a vault stores, with keys derived from SECRET_KEY.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// ErrUnreadable says that a secret was sealed with a key that is not there any more, for another place, or was changed.
var ErrUnreadable = errors.New("the secret cannot be decrypted")

// Sealed is an encrypted secret, as it is stored.
type Sealed struct {
	KeyID string `json:"key_id"` // says which key, and nothing of it
	Data  []byte `json:"data"`   // nonce and ciphertext
}

// Keys seal with the first key and open with any. They are safe for use by many goroutines.
type Keys struct {
	current string
	byID    map[string]cipher.AEAD
}

const (
	keyBytes = 32 // AES-256
	idBytes  = 8
)

// NewKeys derives the keys for one purpose: what is sealed for another cannot be opened with them.
func NewKeys(purpose string, secret []byte, previous ...[]byte) (*Keys, error) {
	k := &Keys{byID: map[string]cipher.AEAD{}}
	for i, s := range append([][]byte{secret}, previous...) {
		// Two labels, so that the id tells nothing of the key.
		id, errID := hkdf.Key(sha256.New, s, nil, "docvault "+purpose+" key id", idBytes)
		key, errKey := hkdf.Key(sha256.New, s, nil, "docvault "+purpose+" aes-256-gcm", keyBytes)
		if err := errors.Join(errID, errKey); err != nil {
			return nil, fmt.Errorf("derive a key: %w", err)
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, fmt.Errorf("make a cipher: %w", err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("make a cipher: %w", err)
		}
		name := hex.EncodeToString(id)
		k.byID[name] = aead
		if i == 0 {
			k.current = name
		}
	}
	return k, nil
}

// Seal encrypts a secret for a place (whose it is, what it opens): copied to another it cannot be opened.
func (k *Keys) Seal(secret, place string) Sealed {
	data := k.byID[k.current].Seal(nil, nil, []byte(secret), []byte(place)) //nolint:gosec // it makes a random nonce, and wants none
	return Sealed{KeyID: k.current, Data: data}
}

// Open decrypts a secret. Errors: ErrUnreadable.
func (k *Keys) Open(s Sealed, place string) (string, error) {
	aead, known := k.byID[s.KeyID]
	if !known {
		return "", ErrUnreadable
	}
	secret, err := aead.Open(nil, nil, s.Data, []byte(place))
	if err != nil {
		return "", ErrUnreadable
	}
	return string(secret), nil
}
