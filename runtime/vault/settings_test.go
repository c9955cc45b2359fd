package vault_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/docvault/docvault/runtime/classify"
	"github.com/docvault/docvault/runtime/runtimetest"
	"github.com/docvault/docvault/runtime/vault"
)

// put changes settings by what clients send.
func put(t *testing.T, v *vault.Vault, body string) vault.Settings {
	t.Helper()
	var p vault.SettingsPatch
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		t.Fatal(err)
	}
	s, err := v.UpdateSettings(t.Context(), anonymous, p)
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return s
}

// TestStoredKeyIsSealed, outlives a change of SECRET_KEY, and is missed without its own.
func TestStoredKeyIsSealed(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	server := runtimetest.NewModelServer(t, func(w http.ResponseWriter, _ int, c runtimetest.ModelCall) {
		if c.Header.Get("Authorization") != "Bearer sk-stored" {
			runtimetest.RefuseOpenAI(w, 401, "invalid_api_key", "x")
			return
		}
		fmt.Fprint(w, `{"object": "list", "data": [{"id": "gpt-4o", "object": "model"}]}`)
	})
	put(t, app.Vault, `{"providers": {"openai": {"base_url": "`+server.URL+`/v1", "api_key": "sk-stored"}}}`)
	if row := value(t, app, "SELECT value::text FROM settings"); strings.Contains(row, "sk-stored") || !strings.Contains(row, "key_id") {
		t.Fatalf("stored as %s", row)
	}
	for name, c := range map[string]struct {
		current  string
		previous []string
		readable bool
	}{
		"same": {"a", nil, true}, "rotated": {"b", []string{"a"}, true}, "lost": {"b", nil, false},
	} {
		app.Keys = runtimetest.NewKeys(t, c.current, c.previous...)
		v := app.Another(t)
		s, err := v.Settings(t.Context(), anonymous)
		if err != nil || s.Providers.OpenAI.APIKeySet != c.readable {
			t.Errorf("%s: api_key_set %t, %v", name, s.Providers.OpenAI.APIKeySet, err)
		}
		check, err := v.CheckProvider(t.Context(), anonymous, classify.NameOpenAI)
		if err != nil || check.OK != c.readable || strings.Contains(check.Detail, "SECRET_KEY") == c.readable {
			t.Errorf("%s: %+v, %v", name, check, err)
		}
	}
}

// TestKeyMovedInTheDatabaseOpensNothing: who can write rows, but has no SECRET_KEY, cannot have the key sent elsewhere.
func TestKeyMovedInTheDatabaseOpensNothing(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	put(t, app.Vault, `{"providers": {"openai": {"api_key": "sk-stored"}}}`)
	exec(t, app, `UPDATE settings SET value = jsonb_set(value, '{providers,openai,base_url}', '"http://127.0.0.1:1/v1"')`)
	if s, err := app.Settings(t.Context(), anonymous); err != nil || s.Providers.OpenAI.APIKeySet || s.Providers.OpenAI.BaseURL != "http://127.0.0.1:1/v1" {
		t.Fatalf("%+v, %v", s, err)
	}
}

func TestConcurrentChangesLoseNothing(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	var all sync.WaitGroup
	for _, body := range []string{
		`{"active_provider": "lmstudio"}`, `{"system_prompt": "File them."}`, `{"providers": {"anthropic": {"model": "a"}}}`,
		`{"providers": {"anthropic": {"api_key": "k"}}}`, `{"providers": {"openai": {"model": "b"}}}`,
		`{"providers": {"lmstudio": {"model": "c"}}}`, `{"providers": {"lmstudio": {"base_url": "http://127.0.0.1:1234/v1/"}}}`,
	} {
		all.Go(func() { put(t, app.Vault, body) })
	}
	all.Wait()
	s, err := app.Settings(t.Context(), anonymous)
	p := s.Providers
	if err != nil || s.ActiveProvider != "lmstudio" || s.SystemPrompt != "File them." || p.Anthropic.Model != "a" || !p.Anthropic.APIKeySet ||
		p.OpenAI.Model != "b" || p.LMStudio.Model != "c" || p.LMStudio.BaseURL != "http://127.0.0.1:1234/v1" {
		t.Fatalf("%+v, %v", s, err)
	}
}
