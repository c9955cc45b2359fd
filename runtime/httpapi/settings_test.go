package httpapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/docvault/docvault/runtime/runtimetest"
)

type settings struct {
	ActiveProvider string `json:"active_provider"`
	SystemPrompt   string `json:"system_prompt"`
	Providers      map[string]map[string]any
}

func (a *app) settings(t *testing.T) (s settings) {
	t.Helper()
	got := a.get(t, "/api/settings").want(t, "settings", 200, "")
	got.into(t, &s)
	if strings.Contains(string(got.body), "sk-") {
		t.Errorf("a key came out: %s", got.body)
	}
	return s
}

func (a *app) putSettings(t *testing.T, body string) settings {
	t.Helper()
	var s settings
	a.send(t, "PUT", "/api/settings", body).want(t, body, 200, "").into(t, &s)
	if now := a.settings(t); fmt.Sprint(now) != fmt.Sprint(s) {
		t.Fatalf("%s answered %+v, and left %+v", body, s, now)
	}
	return s
}

func TestSettings(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	first := a.settings(t)
	if first.ActiveProvider != "builtin" || len(first.Providers) != 4 || first.Providers["openai"]["model"] != "gpt-4o" ||
		first.Providers["lmstudio"]["base_url"] != "http://host.docker.internal:1234/v1" || first.Providers["openai"]["api_key_set"] != false {
		t.Errorf("the defaults are %+v", first)
	}
	for _, c := range []struct{ body, provider, field, want string }{
		{`{}`, "openai", "model", "gpt-4o"},
		{`{"active_provider": "openai", "unknown": 1}`, "openai", "model", "gpt-4o"},
		{`{"providers": {"openai": {"model": "gpt-5", "unknown": 1}, "other": {}, "builtin": {}}}`, "openai", "model", "gpt-5"},
		{`{"providers": {"openai": {"api_key": "sk-secret"}}}`, "openai", "api_key_set", "true"},
		{`{"providers": {"openai": {"model": null}}}`, "openai", "model", "gpt-4o"},
		{`{"providers": {"openai": {"base_url": "https://api.openai.com/v1/", "api_key_set": true}}}`, "openai", "api_key_set", "true"}, // not changed
		{`{"providers": {"openai": {"base_url": "http://127.0.0.1:9/v1"}}}`, "openai", "api_key_set", "false"},
		{`{"providers": {"openai": {"base_url": "http://127.0.0.1:10/v1/", "api_key": "sk-other"}}}`, "openai", "api_key_set", "true"},
		{`{"providers": {"openai": {"base_url": "http://127.0.0.1:10/v1"}}}`, "openai", "api_key_set", "true"},
		{`{"providers": {"openai": {"base_url": null}}}`, "openai", "api_key_set", "false"},
		{`{"providers": {"openai": {"base_url": null}}}`, "openai", "base_url", "https://api.openai.com/v1"},
		{`{"providers": {"anthropic": {"api_key": "sk-ant", "base_url": "http://127.0.0.1:9"}}}`, "anthropic", "api_key_set", "true"},
		{`{"providers": {"anthropic": {"api_key": null}}}`, "anthropic", "api_key_set", "false"},
		{`{"providers": {"lmstudio": {"model": "qwen", "base_url": "http://192.168.1.7:1234/v1"}}}`, "lmstudio", "model", "qwen"},
		{`{"providers": {"lmstudio": {"model": ""}}}`, "lmstudio", "base_url", "http://192.168.1.7:1234/v1"},
		{`{"providers": {"lmstudio": null}}`, "lmstudio", "base_url", "http://host.docker.internal:1234/v1"},
	} {
		s := a.putSettings(t, c.body)
		if got := fmt.Sprint(s.Providers[c.provider][c.field]); got != c.want {
			t.Fatalf("after %s %s.%s is %s, want %s", c.body, c.provider, c.field, got, c.want)
		}
	}
	if s := a.putSettings(t, `{"system_prompt": "File them.", "providers": {"anthropic": {"api_key": "sk-ant"}}}`); s.SystemPrompt != "File them." ||
		s.ActiveProvider != "openai" {
		t.Errorf("%+v", s)
	}
	if s := a.putSettings(t, `{"active_provider": null, "system_prompt": null, "providers": null}`); fmt.Sprint(s) != fmt.Sprint(first) {
		t.Errorf("reset to %+v, want %+v", s, first)
	}
}

func TestBadSettings(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	long := strings.Repeat("x", 10_001)
	for _, body := range []string{
		`{"active_provider": "gemini"}`, `{"active_provider": 7}`, `{"active_provider": ""}`, `{"system_prompt": ""}`, `{"system_prompt": "` + long + `"}`,
		`{"providers": []}`, `{"providers": {"openai": "x"}}`, `{"providers": {"openai": {"model": ""}}}`, `{"providers": {"openai": {"model": 1}}}`,
		`{"providers": {"openai": {"model": "a\nb"}}}`, `{"providers": {"openai": {"model": "` + long[:201] + `"}}}`,
		`{"providers": {"openai": {"base_url": ""}}}`, `{"providers": {"openai": {"base_url": "ftp://h/v1"}}}`,
		`{"providers": {"openai": {"base_url": "http://u:p@h/v1"}}}`, `{"providers": {"openai": {"base_url": "http://h/v1?key=x"}}}`,
		`{"providers": {"openai": {"base_url": "http://h/v1#x"}}}`, `{"providers": {"openai": {"base_url": "h:1234"}}}`,
		`{"providers": {"lmstudio": {"base_url": "file:///etc/passwd"}}}`, `{"providers": {"openai": {"base_url": "http://` + long[:2000] + `"}}}`,
		`{"providers": {"openai": {"api_key": ""}}}`, `{"providers": {"openai": {"api_key": "a b"}}}`, `{"providers": {"openai": {"api_key": "ä"}}}`,
		`{"providers": {"anthropic": {"api_key": "` + long[:1001] + `"}}}`,
	} {
		a.send(t, "PUT", "/api/settings", body).want(t, body, 400, "invalid_value")
	}
	a.send(t, "PUT", "/api/settings", `{"system_prompt": "\u0000"}`).want(t, "NUL", 400, "invalid_text")
	a.send(t, "PUT", "/api/settings", `[]`).want(t, "a list", 400, "malformed_request")
	a.send(t, "PUT", "/api/settings", ``).want(t, "nothing", 400, "malformed_request")
	if s := a.settings(t); s.ActiveProvider != "builtin" {
		t.Errorf("a refused change left %+v", s)
	}
}

func TestCheckProvider(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	check := func(body string) (c struct {
		OK        bool
		LatencyMS int64 `json:"latency_ms"`
		Detail    string
	},
	) {
		t.Helper()
		a.send(t, "POST", "/api/settings/check", body).want(t, "check "+body, 200, "").into(t, &c)
		if c.Detail == "" || strings.Contains(c.Detail, "sk-") || strings.Contains(c.Detail, "internal.example") {
			t.Errorf("check %s: %q", body, c.Detail)
		}
		return c
	}
	if c := check(`{"provider": "builtin"}`); !c.OK {
		t.Errorf("%+v", c)
	}
	if c := check(`{"provider": "anthropic"}`); c.OK || !strings.Contains(c.Detail, "key") {
		t.Errorf("without a key: %+v", c)
	}
	var status atomic.Int32
	status.Store(200)
	server := runtimetest.NewModelServer(t, func(w http.ResponseWriter, _ int, _ runtimetest.ModelCall) {
		if s := status.Load(); s != 200 {
			runtimetest.RefuseOpenAI(w, int(s), "x", "Incorrect API key sk-1 at internal.example")
			return
		}
		fmt.Fprint(w, `{"object": "list", "data": [{"id": "qwen2.5-7b-instruct", "object": "model", "owned_by": "organization_owner"}]}`)
	})
	a.putSettings(t, `{"active_provider": "lmstudio", "providers": {"lmstudio": {"base_url": "`+server.URL+`/v1"}}}`)
	for _, s := range []int32{401, 404, 429, 500, 200} {
		status.Store(s)
		if c := check(`{"provider": "lmstudio"}`); c.OK != (s == 200) {
			t.Errorf("%d: %+v", s, c)
		}
	}
	if c := check(``); !c.OK || c.LatencyMS > 30_000 {
		t.Errorf("the active one: %+v", c)
	}
	server.Close()
	if c := check(`{"provider": "lmstudio"}`); c.OK || !strings.Contains(c.Detail, "reached") {
		t.Errorf("gone: %+v", c)
	}
	a.send(t, "POST", "/api/settings/check", `{"provider": "gemini"}`).want(t, "unknown", 400, "invalid_value")
}
