package document_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/docvault/docvault/runtime/document"
)

func TestNewIDIsARandomUUID(t *testing.T) {
	a, b := document.NewID(), document.NewID()
	if a == b || a.IsZero() {
		t.Fatalf("made %s, then %s", a, b)
	}
	// RFC 9562: the version is the 13th hex digit, the variant the first two bits of the 17th.
	if s := a.String(); s[14] != '4' || !strings.ContainsRune("89ab", rune(s[19])) {
		t.Errorf("%s is no version 4 UUID", s)
	}
}

func TestIDSurvivesTextJSONAndSQL(t *testing.T) {
	id := document.NewID()
	parsed, err := document.ParseID(strings.ToUpper(id.String()))
	if err != nil || parsed != id {
		t.Errorf("read back %s, %v, want %s", parsed, err, id)
	}
	encoded, err := json.Marshal(id)
	if err != nil {
		t.Fatal(err)
	}
	var decoded document.ID
	if err := json.Unmarshal(encoded, &decoded); err != nil || decoded != id {
		t.Errorf("%s came back as %s, %v", encoded, decoded, err)
	}
	for _, src := range []any{id.String(), []byte(id.String()), id[:], [16]byte(id)} {
		var scanned document.ID
		if err := scanned.Scan(src); err != nil || scanned != id {
			t.Errorf("scanned %T as %s, %v, want %s", src, scanned, err, id)
		}
	}
}

func TestParseIDRefusesOtherTexts(t *testing.T) {
	good := "3b241101-e2bb-4255-8caf-4136c566a962"
	for _, s := range []string{
		"", "x", good[:35], good + "0", strings.ReplaceAll(good, "-", ""), "{" + good + "}", "urn:uuid:" + good,
		strings.Replace(good, "3b", "zz", 1), "../../../../../../../../etc/passwd00", good[:34] + "é",
	} {
		if id, err := document.ParseID(s); !errors.Is(err, document.ErrBadID) || !id.IsZero() {
			t.Errorf("%q was read as %s, %v", s, id, err)
		}
	}
	var id document.ID
	if err := id.Scan(42); !errors.Is(err, document.ErrBadID) {
		t.Errorf("scanned a number: %v", err)
	}
}
