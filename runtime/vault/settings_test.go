package vault_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/docvault/docvault/runtime/classify"
	"github.com/docvault/docvault/runtime/config"
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

// TestSettingsBeginWithTheEnvironments: what is stored counts more, null leads back to them, and the environment's keys go where they
// were given for.
func TestSettingsBeginWithTheEnvironments(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	server := runtimetest.NewModelServer(t, func(w http.ResponseWriter, _ int, _ runtimetest.ModelCall) {
		runtimetest.RefuseOpenAI(w, 401, "invalid_api_key", "x")
	})
	const own = "https://api.openai.com/v1"
	given := server.URL + "/v1"
	app.Rules.ProviderKeys = map[string]config.Secret{classify.NameOpenAI: "sk-own", classify.NameAnthropic: "sk-own"}
	app.Rules.Classification = config.Classification{
		Provider: classify.NameOpenAI, Model: "given", BaseURL: given, APIKey: "sk-given", SystemPrompt: "File.",
	}
	v := app.Another(t)
	for _, c := range []struct{ change, active, prompt, model, url, key string }{
		{`{}`, "openai", "File.", "given", given, "sk-given"},
		{`{"active_provider": "builtin", "system_prompt": "Mine.", "providers": {"openai": {"model": "m"}}}`, "builtin", "Mine.", "m", given, "sk-given"},
		{`{"providers": {"openai": {"api_key": "sk-stored"}}}`, "builtin", "Mine.", "m", given, "sk-stored"},
		{`{"providers": {"openai": {"base_url": "` + given + `/"}}}`, "builtin", "Mine.", "m", given, "sk-stored"}, // is no change
		{`{"providers": {"openai": {"base_url": "` + own + `"}}}`, "builtin", "Mine.", "m", own, "sk-own"},
		{`{"providers": {"openai": {"base_url": "http://127.0.0.1:1/v1"}}}`, "builtin", "Mine.", "m", "http://127.0.0.1:1/v1", ""},
		{`{"active_provider": null, "system_prompt": null, "providers": {"openai": null}}`, "openai", "File.", "given", given, "sk-given"},
	} {
		s := put(t, v, c.change)
		if p := s.Providers.OpenAI; s.ActiveProvider != c.active || s.SystemPrompt != c.prompt || p.Model != c.model || p.BaseURL != c.url ||
			p.APIKeySet != (c.key != "") || !s.Providers.Anthropic.APIKeySet || s.Providers.LMStudio.Model != "" {
			t.Errorf("%s: %+v", c.change, s)
		}
		if c.url != given {
			continue
		}
		if _, err := v.CheckProvider(t.Context(), anonymous, classify.NameOpenAI); err != nil {
			t.Fatal(err)
		}
		calls := server.Calls()
		if got := calls[len(calls)-1].Header.Get("Authorization"); got != "Bearer "+c.key {
			t.Errorf("%s: %q was sent", c.change, got)
		}
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
