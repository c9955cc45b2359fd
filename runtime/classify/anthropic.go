package classify

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

const anthropicVersion = "2023-06-01"

// anthropic speaks the Messages API.
type anthropic struct {
	peer  peer
	model string
}

type anthropicRequest struct {
	Model        string          `json:"model"`
	MaxTokens    int             `json:"max_tokens"`
	System       string          `json:"system"`
	Messages     []message       `json:"messages"`
	OutputConfig anthropicOutput `json:"output_config"`
}

type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

type anthropicOutput struct {
	Format anthropicFormat `json:"format"`
}

type anthropicFormat struct {
	Type   string          `json:"type"`
	Schema json.RawMessage `json:"schema"`
}

type anthropicAnswer struct {
	Type    string `json:"type"`
	Model   string `json:"model"`
	Content []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	} `json:"content"`
	StopReason string `json:"stop_reason"`
	Usage      struct {
		Input        int `json:"input_tokens"`
		CacheWritten int `json:"cache_creation_input_tokens"`
		CacheRead    int `json:"cache_read_input_tokens"`
		Output       int `json:"output_tokens"`
	} `json:"usage"`
}

func (a *anthropic) complete(ctx context.Context, c conversation) (reply, error) {
	var answer anthropicAnswer
	err := a.peer.call(ctx, http.MethodPost, "/messages", anthropicRequest{
		Model: a.model, MaxTokens: c.answerTokens, System: c.system, Messages: messagesOf(c.turns),
		OutputConfig: anthropicOutput{anthropicFormat{"json_schema", c.schema}},
	}, &answer)
	if err != nil {
		return reply{}, err
	}
	if answer.Type != "message" {
		return reply{}, &invalid{reason: "The server's answer is not of its protocol."}
	}
	var text strings.Builder
	for _, block := range answer.Content {
		if block.Type == "text" {
			text.WriteString(block.Text)
		}
	}
	u := answer.Usage
	return reply{
		text: text.String(), model: answer.Model, cut: answer.StopReason == "max_tokens", refused: answer.StopReason == "refusal",
		input: count(u.Input + u.CacheWritten + u.CacheRead), output: count(u.Output),
	}, nil
}

// check asks for the model, which costs nothing and needs a valid key.
func (a *anthropic) check(ctx context.Context) error {
	var found struct {
		ID string `json:"id"`
	}
	if err := a.peer.call(ctx, http.MethodGet, "/models/"+url.PathEscape(a.model), nil, &found); err != nil {
		return err
	}
	if found.ID == "" {
		return &invalid{reason: "The server's answer is not of its protocol."}
	}
	return nil
}

func (*anthropic) bounded() bool { return false }

// messagesOf gives the turns their roles.
func messagesOf(turns []string) []message {
	messages := make([]message, len(turns))
	for i, turn := range turns {
		messages[i] = message{"user", turn}
		if i%2 == 1 {
			messages[i].Role = "assistant"
		}
	}
	return messages
}

// count bounds what a server says of itself to what a column holds.
func count(tokens int) int { return min(max(tokens, 0), 1<<30) }
