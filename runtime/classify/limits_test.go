package classify_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/docvault/docvault/runtime/classify"
	"github.com/docvault/docvault/runtime/runtimetest"
)

func TestRetryAfterInAllItsForms(t *testing.T) {
	t.Parallel()
	in := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
	for name, c := range map[string]struct {
		headers []string // name, value
		want    time.Duration
	}{
		"seconds":             {[]string{"Retry-After", "30"}, 30 * time.Second},
		"a fraction":          {[]string{"Retry-After", "1.5"}, 1500 * time.Millisecond},
		"a date":              {[]string{"Retry-After", in(time.Minute)}, time.Minute},
		"a date gone by":      {[]string{"Retry-After", in(-time.Hour)}, 0},
		"OpenAI's":            {[]string{"Retry-After-Ms", "250", "Retry-After", "1"}, 250 * time.Millisecond},
		"nothing":             {nil, 0},
		"nonsense":            {[]string{"Retry-After", "soon"}, 0},
		"no number":           {[]string{"Retry-After", "NaN"}, 0},
		"negative":            {[]string{"Retry-After", "-5"}, 0},
		"a year":              {[]string{"Retry-After", "31536000"}, 24 * time.Hour},
		"more than fits":      {[]string{"Retry-After", "1e300"}, 24 * time.Hour},
		"Anthropic's limit":   {[]string{"Anthropic-Ratelimit-Requests-Remaining", "0", "Anthropic-Ratelimit-Requests-Reset", time.Now().Add(40 * time.Second).UTC().Format(time.RFC3339)}, 40 * time.Second},
		"OpenAI's limit":      {[]string{"X-Ratelimit-Remaining-Tokens", "0", "X-Ratelimit-Reset-Tokens", "6m0s"}, 6 * time.Minute},
		"a limit not reached": {[]string{"X-Ratelimit-Remaining-Tokens", "12", "X-Ratelimit-Reset-Tokens", "6m0s"}, 0},
		"asked and limited":   {[]string{"Retry-After", "2", "X-Ratelimit-Remaining-Tokens", "0", "X-Ratelimit-Reset-Tokens", "6m0s"}, 2 * time.Second},
	} {
		a := newAskable(t, classify.NameOpenAI, classify.Limits{}, func(w http.ResponseWriter, _ int, _ runtimetest.ModelCall) {
			for i := 0; i < len(c.headers); i += 2 {
				w.Header().Set(c.headers[i], c.headers[i+1])
			}
			runtimetest.RefuseOpenAI(w, 429, "rate_limit_exceeded", "x")
		})
		_, err := a.Classify(t.Context(), papers)
		away, ok := errors.AsType[*classify.Unavailable](err)
		// Dates have whole seconds, and the clock goes on.
		if slack := c.want - away.RetryAfter; !ok || slack < 0 || slack > 20*time.Second {
			t.Errorf("%s: %s, %v; want %s", name, away.RetryAfter, err, c.want)
		}
	}
}

// sent is what a model is asked about: its topics and the text.
func sent(t *testing.T, c runtimetest.ModelCall) (topics []string, text string) {
	t.Helper()
	turns := c.Body["messages"].([]any)
	user := turns[len(turns)-1].(map[string]any)["content"].(string)
	list, document, ok := strings.Cut(user, "</topics>")
	if !ok {
		t.Fatal(user)
	}
	topics = strings.Split(strings.TrimSpace(strings.TrimPrefix(list, "<topics>")), "\n")
	_, text, _ = strings.Cut(document, ">\n")
	return topics, text[:strings.LastIndex(text, "\n</document-")]
}

// TestThousandTopicsFit: descriptions are shortened first, then names; the text keeps its share, from its beginning.
func TestThousandTopicsFit(t *testing.T) {
	eachProvider(t, func(t *testing.T, name string, wire wire) {
		long := classify.Request{Text: "It begins here. " + strings.Repeat("And it goes on in many words. ", 10_000)}
		for i := range 1_000 {
			long.Topics = append(long.Topics, topic(fmt.Sprintf("Topic number %d", i), strings.Repeat("what belongs here ", 50)))
		}
		a := newAskable(t, name, classify.Limits{InputTokens: 90_000}, func(w http.ResponseWriter, _ int, _ runtimetest.ModelCall) {
			wire.answer(w, `{"topics": [{"id": "t1000", "confidence": 1}]}`, wire.stop)
		})
		result, err := a.Classify(t.Context(), long)
		if err != nil || !result.Truncated || result.Confidence[long.Topics[999].ID] != 1 {
			t.Fatalf("%+v, %v", result, err)
		}
		topics, text := sent(t, a.server.Calls()[0])
		if len(topics) != 1_000 || !strings.Contains(topics[999], "Topic number 999") || !strings.Contains(topics[999], "what belongs") {
			t.Errorf("%d topics, the last as %s", len(topics), topics[len(topics)-1])
		}
		if !strings.HasPrefix(text, "It begins here.") || len(text) < 30_000 || len(text) > 200_000 {
			t.Errorf("%d bytes of text: %.30q", len(text), text)
		}
		raw, err := json.Marshal(a.server.Calls()[0].Body)
		if err != nil || len(raw) > 90_000*4 {
			t.Errorf("%d bytes for 90,000 tokens, %v", len(raw), err)
		}
	})
}

func TestTopicsThatDoNotFitAreSaid(t *testing.T) {
	t.Parallel()
	a := newAskable(t, classify.NameLMStudio, classify.Limits{InputTokens: 3_000}, nil)
	many := classify.Request{Text: "a text"}
	for i := range 1_000 {
		many.Topics = append(many.Topics, topic(fmt.Sprintf("Topic number %d", i), ""))
	}
	_, err := a.Classify(t.Context(), many)
	wantFailure(t, err, classify.CodePromptTooLarge)
	if len(a.server.Calls()) != 0 {
		t.Error("asked all the same")
	}
}

// TestThousandNamesFitALocalModel, for which a prompt is short otherwise.
func TestThousandNamesFitALocalModel(t *testing.T) {
	t.Parallel()
	a := newAskable(t, classify.NameLMStudio, classify.Limits{}, func(w http.ResponseWriter, _ int, _ runtimetest.ModelCall) {
		runtimetest.AnswerOpenAI(w, `{"topics": []}`, "stop")
	})
	many := classify.Request{Text: strings.Repeat("a text ", 20_000)}
	for i := range 1_000 {
		many.Topics = append(many.Topics, topic(fmt.Sprintf("Topic number %d", i), "what belongs here"))
	}
	if result, err := a.Classify(t.Context(), many); err != nil || !result.Truncated {
		t.Fatalf("%+v, %v", result, err)
	}
	topics, text := sent(t, a.server.Calls()[0])
	if len(topics) != 1_000 || len(text) < 10_000 || len(text) > 60_000 {
		t.Errorf("%d topics and %d bytes of text", len(topics), len(text))
	}
}

func TestMoreTopicsThanASchemaTakes(t *testing.T) {
	t.Parallel()
	a := newAskable(t, classify.NameOpenAI, classify.Limits{}, func(w http.ResponseWriter, _ int, _ runtimetest.ModelCall) {
		runtimetest.AnswerOpenAI(w, `{"topics": [{"id": "t1001", "confidence": 1}, {"id": "t1002", "confidence": 1}]}`, "stop")
	})
	many := classify.Request{Text: "a text"}
	for i := range 1_001 {
		many.Topics = append(many.Topics, topic(fmt.Sprintf("Topic %d", i), ""))
	}
	result, err := a.Classify(t.Context(), many)
	if err != nil || len(result.Confidence) != 1 || result.UnknownDropped != 1 || result.Truncated {
		t.Fatalf("%+v, %v", result, err)
	}
	if raw, _ := json.Marshal(a.server.Calls()[0].Body); strings.Contains(string(raw), `"enum"`) {
		t.Error("an enum of 1,001 values, which OpenAI refuses")
	}
}

// TestOtherAlphabetsTakeMoreTokens: a cut by bytes or characters would send too much of them.
func TestOtherAlphabetsTakeMoreTokens(t *testing.T) {
	t.Parallel()
	lengths := map[string]int{}
	for name, word := range map[string]string{"English": "word ", "Chinese": "文書管理 ", "figures": "12345 ", "emoji": "🧾🧾 "} {
		a := newAskable(t, classify.NameLMStudio, classify.Limits{InputTokens: 4_000}, func(w http.ResponseWriter, _ int, _ runtimetest.ModelCall) {
			runtimetest.AnswerOpenAI(w, `{"topics": []}`, "stop")
		})
		if _, err := a.Classify(t.Context(), classify.Request{Text: strings.Repeat(word, 20_000), Topics: papers.Topics}); err != nil {
			t.Fatal(err)
		}
		_, text := sent(t, a.server.Calls()[0])
		lengths[name] = len([]rune(text))
	}
	if lengths["English"] <= lengths["figures"] || lengths["figures"] <= lengths["Chinese"] || lengths["Chinese"] <= lengths["emoji"] || lengths["emoji"] == 0 {
		t.Errorf("characters sent: %v", lengths)
	}
}

// TestOwnURLs: what only the providers themselves get.
func TestOwnURLs(t *testing.T) {
	t.Parallel()
	server := runtimetest.NewModelServer(t, func(w http.ResponseWriter, _ int, c runtimetest.ModelCall) {
		switch c.Path {
		case "/v1/messages":
			runtimetest.AnswerAnthropic(w, `{"topics": []}`, "end_turn")
		case "/v1/chat/completions":
			runtimetest.AnswerOpenAI(w, `{"topics": []}`, "stop")
		case "/v1/models":
			fmt.Fprint(w, `{"object": "list", "data": [{"id": "gpt-4o", "object": "model"}]}`)
		case "/v1/models/claude-sonnet-4-5":
			fmt.Fprint(w, `{"type": "model", "id": "claude-sonnet-4-5-20250929", "display_name": "Claude Sonnet 4.5"}`)
		default:
			runtimetest.RefuseAnthropic(w, 404, "not_found_error", "model: x")
		}
	})
	f := classify.NewFactory(classify.Limits{}, prometheus.NewRegistry())
	f.Divert(strings.TrimPrefix(server.URL, "http://"))
	for _, c := range []classify.Config{
		{Provider: classify.NameAnthropic, Model: "claude-sonnet-4-5", APIKey: secretKey},
		{Provider: classify.NameOpenAI, Model: "gpt-4o", APIKey: secretKey},
	} {
		provider, err := f.Provider(c)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := provider.Classify(t.Context(), papers); err != nil {
			t.Errorf("%s: %v", c.Provider, err)
		}
		if err := provider.Check(t.Context()); err != nil {
			t.Errorf("%s: %v", c.Provider, err)
		}
		c.Model = "unknown"
		if provider, err = f.Provider(c); err != nil {
			t.Fatal(err)
		}
		wantFailure(t, provider.Check(t.Context()), classify.CodeModelNotFound)
	}
	for _, c := range server.Calls() {
		limit, older := c.Body["max_completion_tokens"], c.Body["max_tokens"]
		if c.Path == "/v1/chat/completions" && (limit == nil || older != nil) {
			t.Errorf("OpenAI is asked with max_tokens %v, max_completion_tokens %v", older, limit)
		}
	}
}

// TestCheckOfServersWithoutAList asks for one token then.
func TestCheckOfServersWithoutAList(t *testing.T) {
	t.Parallel()
	a := newAskable(t, classify.NameLMStudio, classify.Limits{}, func(w http.ResponseWriter, _ int, c runtimetest.ModelCall) {
		if c.Method == http.MethodGet {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		runtimetest.AnswerOpenAI(w, "Y", "length")
	})
	if err := a.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if calls := a.server.Calls(); len(calls) != 2 || calls[1].Body["max_tokens"] != 1.0 || calls[1].Body["response_format"] != nil {
		t.Errorf("%+v", calls)
	}
	hotel := newAskable(t, classify.NameLMStudio, classify.Limits{}, func(w http.ResponseWriter, _ int, _ runtimetest.ModelCall) {
		fmt.Fprint(w, "<html>Welcome to the hotel</html>")
	})
	wantFailure(t, hotel.Check(t.Context()), classify.CodeInvalidAnswer)
}
