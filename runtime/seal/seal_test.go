package seal_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/docvault/docvault/runtime/seal"
)

var (
	first  = bytes.Repeat([]byte{1}, 32)
	second = bytes.Repeat([]byte{2}, 40)
)

func keys(t *testing.T, purpose string, secret []byte, previous ...[]byte) *seal.Keys {
	t.Helper()
	k, err := seal.NewKeys(purpose, secret, previous...)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSealedOpensWithTheSameAndWithLaterKeys(t *testing.T) {
	t.Parallel()
	sealed := keys(t, "p", first).Seal("sk-secret", "here")
	if strings.Contains(string(sealed.Data), "sk-secret") || strings.Contains(sealed.KeyID, string(first)) {
		t.Fatalf("not sealed: %q", sealed)
	}
	for name, k := range map[string]*seal.Keys{
		"same": keys(t, "p", first), "rotated": keys(t, "p", second, first), "several": keys(t, "p", second, bytes.Repeat([]byte{3}, 32), first),
	} {
		if got, err := k.Open(sealed, "here"); err != nil || got != "sk-secret" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if again := keys(t, "p", first).Seal("sk-secret", "here"); bytes.Equal(again.Data, sealed.Data) {
		t.Error("sealed twice with one nonce")
	}
}

func TestSealedStaysShut(t *testing.T) {
	t.Parallel()
	k := keys(t, "p", first)
	sealed := k.Seal("sk-secret", "here")
	flipped := seal.Sealed{KeyID: sealed.KeyID, Data: bytes.Clone(sealed.Data)}
	flipped.Data[len(flipped.Data)-1] ^= 1
	for name, open := range map[string]func() (string, error){
		"another place":   func() (string, error) { return k.Open(sealed, "there") },
		"another key":     func() (string, error) { return keys(t, "p", second).Open(sealed, "here") },
		"another purpose": func() (string, error) { return keys(t, "q", first).Open(sealed, "here") },
		"changed":         func() (string, error) { return k.Open(flipped, "here") },
		"cut":             func() (string, error) { return k.Open(seal.Sealed{KeyID: sealed.KeyID, Data: []byte{1}}, "here") },
		"empty":           func() (string, error) { return k.Open(seal.Sealed{}, "here") },
	} {
		if got, err := open(); !errors.Is(err, seal.ErrUnreadable) || got != "" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}
