package runtimetest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// ModelServer is a server on loopback in the place of a model provider, of which none can be reached. What it answers has the shapes
// that the real ones have.
type ModelServer struct {
	*httptest.Server

	mutex sync.Mutex
	calls []ModelCall
}

// ModelCall is a request that a model server got.
type ModelCall struct {
	Method, Path string
	Header       http.Header
	Body         map[string]any
}

// NewModelServer returns a server that answers its nth call (from 1) so.
func NewModelServer(t testing.TB, answer func(w http.ResponseWriter, n int, c ModelCall)) *ModelServer {
	t.Helper()
	m := &ModelServer{}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		c := ModelCall{Method: r.Method, Path: r.URL.Path, Header: r.Header}
		_ = json.Unmarshal(raw, &c.Body)
		m.mutex.Lock()
		m.calls = append(m.calls, c)
		n := len(m.calls)
		m.mutex.Unlock()
		answer(w, n, c)
	}))
	t.Cleanup(m.Close)
	return m
}

// Calls returns what the server was asked so far.
func (m *ModelServer) Calls() []ModelCall {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return append([]ModelCall(nil), m.calls...)
}

// AnswerOpenAI answers as /chat/completions does.
func AnswerOpenAI(w http.ResponseWriter, content, finishReason string) {
	answerJSON(w, http.StatusOK, map[string]any{
		"id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT", "object": "chat.completion", "created": 1741569952, "model": "gpt-4o-2024-08-06",
		"choices": []any{map[string]any{
			"index": 0, "message": map[string]any{"role": "assistant", "content": content, "refusal": nil, "annotations": []any{}},
			"logprobs": nil, "finish_reason": finishReason,
		}},
		"usage": map[string]any{
			"prompt_tokens": 310, "completion_tokens": 17, "total_tokens": 327,
			"prompt_tokens_details": map[string]any{"cached_tokens": 0, "audio_tokens": 0},
		},
		"service_tier": "default",
	})
}

// RefuseOpenAI answers with an error of OpenAI's.
func RefuseOpenAI(w http.ResponseWriter, status int, code, message string) {
	answerJSON(w, status, map[string]any{
		"error": map[string]any{"message": message, "type": "invalid_request_error", "param": nil, "code": code},
	})
}

// AnswerAnthropic answers as /messages does.
func AnswerAnthropic(w http.ResponseWriter, content, stopReason string) {
	answerJSON(w, http.StatusOK, map[string]any{
		"id": "msg_013Zva2CMHLNnXjNJJKqJ2EF", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5-20250929",
		"content":     []any{map[string]any{"type": "text", "text": content}},
		"stop_reason": stopReason, "stop_sequence": nil,
		"usage": map[string]any{
			"input_tokens": 300, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 10, "output_tokens": 17,
			"service_tier": "standard",
		},
	})
}

// RefuseAnthropic answers with an error of Anthropic's.
func RefuseAnthropic(w http.ResponseWriter, status int, kind, message string) {
	answerJSON(w, status, map[string]any{
		"type": "error", "error": map[string]any{"type": kind, "message": message}, "request_id": "req_011CSHoEeqs5C35K2UUqR7Fy",
	})
}

func answerJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
