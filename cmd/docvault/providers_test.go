package main

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/docvault/docvault/runtime/runtimetest"
	"github.com/docvault/docvault/test/client"
)

// TestModelFilesAcrossProcesses: settings that the API stores reach workers that run already, the key with them and nowhere else; what
// one worker hears of the provider's limits, the other keeps to.
func TestModelFilesAcrossProcesses(t *testing.T) {
	t.Parallel()
	const key = "sk-that-no-log-may-show"
	var limited atomic.Bool
	limited.Store(true)
	model := runtimetest.NewModelServer(t, func(w http.ResponseWriter, _ int, c runtimetest.ModelCall) {
		switch {
		case c.Header.Get("Authorization") != "Bearer "+key:
			runtimetest.RefuseOpenAI(w, 401, "invalid_api_key", "Incorrect API key provided.")
		case limited.Load():
			w.Header().Set("Retry-After", "3600")
			runtimetest.RefuseOpenAI(w, 429, "rate_limit_exceeded", "Rate limit reached for "+key)
		default:
			runtimetest.AnswerOpenAI(w, `{"topics": [{"id": "t1", "confidence": 0.8}]}`, "stop")
		}
	})
	i := newInstallation(t)
	api := i.start(t, "api", "api", "metrics")
	workers := []*process{i.start(t, "worker", "metrics"), i.start(t, "worker", "metrics")}
	vault := &client.Client{BaseURL: "http://" + api.addresses["api"], Token: testToken}
	if err := vault.EnsureTopic(t.Context(), client.Topic{Name: "Ferries"}); err != nil {
		t.Fatal(err)
	}
	use := `{"active_provider": "openai", "providers": {"openai": {"base_url": "` + model.URL + `/v1", "api_key": "` + key + `"}}}`
	putSettings(t, api, use)
	var ids []string
	for _, text := range []string{"one", "two", "three", "four"} {
		d, err := vault.Upload(t.Context(), text+".txt", []byte("The ferry leaves at nine: "+text))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, d.ID)
	}
	runtimetest.Wait(t, 2*time.Minute, "all to be put off", func() bool {
		return rows(t, i, "SELECT count(*) FROM documents WHERE not_before > now() + interval '50 minutes'") == 4
	})
	// Those that were read at the same time as the first may have been asked about before the pause was known.
	if n := len(model.Calls()); n > 2*len(workers) {
		t.Errorf("the provider was asked %d times during the pause", n)
	}
	limited.Store(false)
	putSettings(t, api, use) // ends the pause
	runtimetest.Wait(t, 2*time.Minute, "all to be filed", func() bool {
		for _, id := range ids {
			if d, err := vault.Get(t.Context(), id); err != nil || len(d.Topics) != 1 {
				return false
			}
		}
		return true
	})
	counted := fetch(t, "http://"+workers[0].addresses["metrics"]+"/metrics") + fetch(t, "http://"+workers[1].addresses["metrics"]+"/metrics")
	for _, want := range []string{
		`docvault_provider_calls_total{outcome="ok",provider="openai"}`, `docvault_provider_calls_total{outcome="unavailable",provider="openai"}`,
		`docvault_provider_tokens_total{direction="input",provider="openai"}`, "docvault_provider_call_duration_seconds_bucket",
	} {
		if !strings.Contains(counted, want) {
			t.Errorf("no %s in the metrics", want)
		}
	}
	for _, p := range append(workers, api) {
		if strings.Contains(p.log.String(), key) {
			t.Error("a log shows the key")
		}
	}
	if n := rows(t, i, "SELECT count(*) FROM settings WHERE value::text LIKE '%"+key+"%'"); n != 0 {
		t.Error("the key is stored as it is")
	}
}

func putSettings(t *testing.T, api *process, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://"+api.addresses["api"]+"/api/settings", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+testToken)
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if answer, _ := io.ReadAll(response.Body); response.StatusCode != http.StatusOK || strings.Contains(string(answer), "sk-") {
		t.Fatalf("%d %s", response.StatusCode, answer)
	}
}
