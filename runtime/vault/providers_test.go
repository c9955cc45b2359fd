package vault_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/docvault/docvault/runtime/classify"
	"github.com/docvault/docvault/runtime/config"
	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/runtimetest"
	"github.com/docvault/docvault/runtime/vault"
)

// to is a change to a value.
func to[T any](value T) vault.Change[T] { return vault.Change[T]{Given: true, Value: &value} }

// usingModel has a vault use a provider at a server on loopback.
func usingModel(t *testing.T, v *vault.Vault, provider, url string) {
	t.Helper()
	_, err := v.UpdateSettings(t.Context(), anonymous, vault.SettingsPatch{
		ActiveProvider: to(provider),
		Providers:      to(map[string]vault.Change[vault.ProviderPatch]{provider: to(vault.ProviderPatch{BaseURL: to(url + "/v1")})}),
	})
	if err != nil {
		t.Fatal(err)
	}
}

func choose(ids ...string) string {
	for i, id := range ids {
		ids[i] = fmt.Sprintf(`{"id": %q, "confidence": 0.75}`, id)
	}
	return `{"topics": [` + strings.Join(ids, ", ") + `]}`
}

// read uploads a text and reads it; its filing is due then.
func read(t *testing.T, app *runtimetest.App, v *vault.Vault, name, text string) document.ID {
	t.Helper()
	d := upload(t, v, name, []byte(text))
	if outcome, err := v.Extract(t.Context(), d.ID, generation(t, app, d.ID)); outcome != vault.Done || err != nil {
		t.Fatalf("reading ended as %s, %v", outcome, err)
	}
	return d.ID
}

func classifyTask(t *testing.T, app *runtimetest.App, v *vault.Vault, id document.ID, want vault.Outcome) {
	t.Helper()
	if outcome, err := v.ClassifyTask(t.Context(), id, generation(t, app, id)); outcome != want || err != nil {
		t.Fatalf("classifying ended as %s, %v; want %s", outcome, err, want)
	}
}

func TestFiledByAModel(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	for _, provider := range []string{classify.NameOpenAI, classify.NameLMStudio} {
		server := runtimetest.NewModelServer(t, func(w http.ResponseWriter, n int, _ runtimetest.ModelCall) {
			// Topics come by name: t1 Invoices, t2 Recipes, t3 Tax.
			runtimetest.AnswerOpenAI(w, []string{choose("t1", "t3", "t8"), choose("t2", "t3"), choose()}[n-1], "stop")
		})
		usingModel(t, app.Vault, provider, server.URL)
		invoices := createTopic(t, app.Vault, "Invoices", "bills and payments")
		recipes := createTopic(t, app.Vault, "Recipes", "cooking")
		tax := createTopic(t, app.Vault, "Tax", "")
		d := upload(t, app.Vault, "invoice.txt", []byte(invoice+provider))
		exec(t, app, "INSERT INTO document_topics (document_id, topic_id, by_hand) VALUES ($1, $2, true)", d.ID.String(), tax.ID.String())
		want := func(about string, confident map[string]float64, topics ...string) {
			t.Helper()
			finish(t, app.Vault, app, d.ID)
			got := get(t, app.Vault, d.ID)
			if strings.Join(got.Topics, ",") != strings.Join(topics, ",") || fmt.Sprint(got.Classification.Confidence) != fmt.Sprint(confident) ||
				got.Classification.Status != document.ClassificationDone || got.Classification.Provider != provider {
				t.Fatalf("%s: %v, %+v", about, got.Topics, got.Classification)
			}
		}
		// What was filed by hand stays so, also when the model chooses the same.
		want("first", map[string]float64{"Invoices": 0.75}, "Invoices", "Tax")
		if n := rows(t, app, `SELECT count(*) FROM documents WHERE id = $1 AND classification_model = 'gpt-4o-2024-08-06' AND
			classification_input_tokens = 310 AND classification_output_tokens = 17 AND classification_unknown_dropped = 1 AND
			length(classification_prompt_hash) = 64 AND NOT classification_truncated`, d.ID.String()); n != 1 {
			t.Fatal(state(t, app, d.ID))
		}
		again := func() {
			t.Helper()
			if err := app.Classify(t.Context(), anonymous, d.ID, nil); err != nil {
				t.Fatal(err)
			}
		}
		again()
		want("again", map[string]float64{"Recipes": 0.75}, "Recipes", "Tax")
		again()
		want("nothing fits", map[string]float64{}, "Tax")
		for _, topic := range []document.Topic{invoices, recipes, tax} {
			if err := app.DeleteTopic(t.Context(), anonymous, topic.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestModelsAreNotAskedWithoutNeed(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	server := runtimetest.NewModelServer(t, func(w http.ResponseWriter, _ int, _ runtimetest.ModelCall) {
		runtimetest.AnswerOpenAI(w, choose(), "stop")
	})
	usingModel(t, app.Vault, classify.NameLMStudio, server.URL)
	noTopics := read(t, app, app.Vault, "a.txt", "a text, but no topics")
	classifyTask(t, app, app.Vault, noTopics, vault.Done)
	createTopic(t, app.Vault, "Invoices", "")
	noText := read(t, app, app.Vault, "b.txt", " \n ")
	classifyTask(t, app, app.Vault, noText, vault.Nothing)
	if n := len(server.Calls()); n != 0 {
		t.Fatalf("asked %d times", n)
	}
	// A long text is cut, and that is recorded. Documents filed by hand are shown to nobody else.
	example := read(t, app, app.Vault, "example.txt", "an example that is private")
	exec(t, app, "INSERT INTO document_topics (document_id, topic_id, by_hand) SELECT $1, id, true FROM topics", example.String())
	long := read(t, app, app.Vault, "long.txt", strings.Repeat("a long text of many words ", 10_000))
	classifyTask(t, app, app.Vault, long, vault.Done)
	if n := rows(t, app, "SELECT count(*) FROM documents WHERE id = $1 AND classification_truncated", long.String()); n != 1 {
		t.Fatal(state(t, app, long))
	}
	if asked := fmt.Sprint(server.Calls()[0].Body); strings.Contains(asked, "private") || len(asked) > 40_000 {
		t.Fatalf("%d bytes were sent: %.500s", len(asked), asked)
	}
}

func TestFinalFailureKeepsTopics(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	server := runtimetest.NewModelServer(t, func(w http.ResponseWriter, n int, _ runtimetest.ModelCall) {
		if n == 1 {
			runtimetest.AnswerOpenAI(w, choose("t1"), "stop")
			return
		}
		runtimetest.RefuseOpenAI(w, 401, "invalid_api_key", "Incorrect API key provided: sk-1234.")
	})
	usingModel(t, app.Vault, classify.NameOpenAI, server.URL)
	createTopic(t, app.Vault, "Invoices", "")
	id := read(t, app, app.Vault, "invoice.txt", invoice)
	classifyTask(t, app, app.Vault, id, vault.Done)
	if err := app.Classify(t.Context(), anonymous, id, nil); err != nil {
		t.Fatal(err)
	}
	classifyTask(t, app, app.Vault, id, vault.Failed)
	d := get(t, app.Vault, id)
	c := d.Classification
	if d.Status != document.StatusReady || c.Status != document.ClassificationFailed || len(d.Topics) != 1 || c.Error == nil ||
		c.Error.Code != classify.CodeUnauthorized || strings.Contains(c.Error.Detail, "sk-") || strings.Contains(c.Error.Detail, "Incorrect") {
		t.Fatalf("%+v", d)
	}
	classifyTask(t, app, app.Vault, id, vault.Nothing)
	if strings.Contains(app.Log.String(), "sk-1234") {
		t.Error("the log shows what the provider said")
	}
}

// TestRetryAfterHoldsForAllWorkers, while reading goes on, and until the settings change.
func TestRetryAfterHoldsForAllWorkers(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	server := runtimetest.NewModelServer(t, func(w http.ResponseWriter, n int, _ runtimetest.ModelCall) {
		if n == 1 {
			w.Header().Set("Retry-After", "3600")
			runtimetest.RefuseOpenAI(w, 429, "rate_limit_exceeded", "Rate limit reached")
			return
		}
		runtimetest.AnswerOpenAI(w, choose("t1"), "stop")
	})
	usingModel(t, app.Vault, classify.NameLMStudio, server.URL)
	createTopic(t, app.Vault, "Invoices", "")
	other := app.Another(t)
	first := read(t, app, app.Vault, "1.txt", invoice+"1")
	classifyTask(t, app, app.Vault, first, vault.PutOff)
	second := read(t, app, other, "2.txt", invoice+"2") // reading goes on
	classifyTask(t, app, other, second, vault.PutOff)
	if n := len(server.Calls()); n != 1 {
		t.Fatalf("asked %d times during the pause", n)
	}
	waiting := `SELECT count(*) FROM documents WHERE classification_status = 'pending' AND attempts = 0
		AND not_before BETWEEN now() + interval '50 minutes' AND now() + interval '61 minutes'`
	if n := rows(t, app, waiting); n != 2 {
		t.Fatalf("%d wait without an attempt counted:\n%s\n%s", n, state(t, app, first), state(t, app, second))
	}
	// Another provider is not paused, and what waits is due at once.
	if _, err := app.UpdateSettings(t.Context(), anonymous, vault.SettingsPatch{ActiveProvider: to(classify.NameBuiltin)}); err != nil {
		t.Fatal(err)
	}
	if n := rows(t, app, "SELECT count(*) FROM documents WHERE classification_status = 'pending' AND not_before <= now()"); n != 2 {
		t.Fatalf("%d are due after the settings changed", n)
	}
	classifyTask(t, app, other, second, vault.Done)
	// Settings of the paused provider end its pause: the change may be what it needs.
	usingModel(t, app.Vault, classify.NameLMStudio, server.URL)
	classifyTask(t, app, app.Vault, first, vault.Done)
	if d := get(t, app.Vault, first); d.Classification.Provider != classify.NameLMStudio || len(server.Calls()) != 2 {
		t.Fatalf("%+v after %d calls", d.Classification, len(server.Calls()))
	}
}

// TestPutOffWorkReturnsWhenItIsDue, with the timing and the sweeps of the real program: what looks for work that the queue lost waits
// far longer.
func TestPutOffWorkReturnsWhenItIsDue(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	proxy := app.ProxyStore(t)
	app.Rules.Timing = vault.Timing{}
	app.Vault = app.Another(t)
	server := runtimetest.NewModelServer(t, func(w http.ResponseWriter, n int, _ runtimetest.ModelCall) {
		if n <= 2 || n == 4 {
			w.Header().Set("Retry-After", map[bool]string{true: "1", false: "3600"}[n <= 2])
			runtimetest.RefuseOpenAI(w, 429, "rate_limit_exceeded", "Rate limit reached")
			return
		}
		runtimetest.AnswerOpenAI(w, choose("t1"), "stop")
	})
	usingModel(t, app.Vault, classify.NameLMStudio, server.URL)
	createTopic(t, app.Vault, "Invoices", "")
	first := read(t, app, app.Vault, "1.txt", invoice+"1")
	works(t, app)
	filed := func(id document.ID) func() bool {
		return func() bool { return get(t, app.Vault, id).Classification.Status == document.ClassificationDone }
	}
	runtimetest.Wait(t, 20*time.Second, "the filing that was put off twice", filed(first))

	// As when the settings change.
	second := read(t, app, app.Vault, "2.txt", invoice+"2")
	runtimetest.Wait(t, 10*time.Second, "the filing to be put off for an hour", func() bool {
		return rows(t, app, "SELECT count(*) FROM documents WHERE not_before > now() + interval '30 minutes'") == 1
	})
	usingModel(t, app.Vault, classify.NameLMStudio, server.URL+"/")
	runtimetest.Wait(t, 12*time.Second, "the filing after the settings changed", filed(second))

	// Reading and drawing, as when the store is away.
	third := upload(t, app.Vault, "3.txt", []byte("another text"))
	runtimetest.Wait(t, 10*time.Second, "the third to be filed", filed(third.ID))
	proxy.Refuse()
	if _, err := app.Reprocess(t.Context(), anonymous, third.ID); err != nil {
		t.Fatal(err)
	}
	asked(t, app, third.ID, 1, 256)
	runtimetest.Wait(t, 10*time.Second, "both to be put off", func() bool {
		return rows(t, app, "SELECT (SELECT count(*) FROM documents WHERE faults > 0) + (SELECT count(*) FROM previews WHERE faults > 0)") == 2
	})
	proxy.Resume()
	runtimetest.Wait(t, 18*time.Second, "both to be done", func() bool {
		return filed(third.ID)() && rows(t, app, "SELECT count(*) FROM previews WHERE state = 'ready'") == 1
	})
}

// TestProviderThatStaysAwayIsGivenUp after a day, which is shorter here.
func TestProviderThatStaysAwayIsGivenUp(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	app.Rules.Timing.RetryFor = 5 * time.Second
	v := app.Another(t)
	server := runtimetest.NewModelServer(t, func(w http.ResponseWriter, _ int, _ runtimetest.ModelCall) {
		runtimetest.RefuseOpenAI(w, 529, "overloaded_error", "Overloaded")
	})
	usingModel(t, v, classify.NameLMStudio, server.URL)
	createTopic(t, v, "Invoices", "")
	id := read(t, app, v, "1.txt", invoice)
	runtimetest.Wait(t, time.Minute, "the filing to be given up", func() bool {
		sweep(t, v)
		if rows(t, app, "SELECT count(*) FROM documents WHERE not_before <= now()") == 1 {
			if _, err := v.ClassifyTask(t.Context(), id, generation(t, app, id)); err != nil {
				t.Fatal(err)
			}
		}
		return get(t, v, id).Classification.Status == document.ClassificationFailed
	})
	c := get(t, v, id).Classification
	if c.Error == nil || c.Error.Code != classify.CodeUnavailable || !strings.Contains(c.Error.Detail, "529") || len(server.Calls()) < 2 {
		t.Fatalf("%+v after %d calls", c.Error, len(server.Calls()))
	}
	// Asked for anew, the time begins anew.
	if err := v.Classify(t.Context(), anonymous, id, nil); err != nil {
		t.Fatal(err)
	}
	classifyTask(t, app, v, id, vault.PutOff)
}

// TestNoConnectionIsHeldDuringACall has a pool of one connection and a model that waits.
func TestNoConnectionIsHeldDuringACall(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	app.Store = runtimetest.OpenStore(t, app.Database.App+"&pool_max_conns=1")
	v := app.Another(t)
	asked, answer := make(chan struct{}), make(chan struct{})
	server := runtimetest.NewModelServer(t, func(w http.ResponseWriter, _ int, _ runtimetest.ModelCall) {
		close(asked)
		<-answer
		runtimetest.AnswerOpenAI(w, choose("t1"), "stop")
	})
	usingModel(t, v, classify.NameLMStudio, server.URL)
	createTopic(t, v, "Invoices", "")
	id := read(t, app, v, "1.txt", invoice)
	current, ended := generation(t, app, id), make(chan result, 1)
	go func() {
		outcome, err := v.ClassifyTask(t.Context(), id, current)
		ended <- result{outcome, err}
	}()
	<-asked
	if d := get(t, v, id); d.Classification.Status != document.ClassificationPending {
		t.Errorf("%+v", d.Classification)
	}
	close(answer)
	if r := <-ended; r.outcome != vault.Done || r.err != nil {
		t.Fatalf("%+v", r)
	}
}

// TestEnvironmentKeyGoesToTheProviderAlone, never to a URL that someone set.
func TestEnvironmentKeyGoesToTheProviderAlone(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	app.Rules.ProviderKeys = map[string]config.Secret{classify.NameOpenAI: "sk-of-the-environment"}
	v := app.Another(t)
	server := runtimetest.NewModelServer(t, func(w http.ResponseWriter, _ int, _ runtimetest.ModelCall) {
		runtimetest.AnswerOpenAI(w, choose(), "stop")
	})
	if s, _ := v.Settings(t.Context(), anonymous); !s.Providers.OpenAI.APIKeySet {
		t.Error("the environment's key is not seen")
	}
	usingModel(t, v, classify.NameOpenAI, server.URL)
	if s, _ := v.Settings(t.Context(), anonymous); s.Providers.OpenAI.APIKeySet {
		t.Error("the environment's key counts for another URL")
	}
	createTopic(t, v, "Invoices", "")
	classifyTask(t, app, v, read(t, app, v, "1.txt", invoice), vault.Done)
	if got := server.Calls()[0].Header.Get("Authorization"); got != "" {
		t.Fatalf("%q was sent", got)
	}
}
