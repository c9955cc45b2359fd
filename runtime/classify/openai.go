package classify

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
)

// openAI speaks chat completions, with OpenAI itself or any server that is compatible.
type openAI struct {
	peer   peer
	model  string // empty: none is named, and the server takes the one that it has loaded
	proper bool   // OpenAI itself
	steady bool   // ask for the likeliest answer: models that think refuse to be asked, local ones waver without
}

type openAIRequest struct {
	Model       string        `json:"model,omitempty"`
	Messages    []message     `json:"messages"`
	Format      *openAIFormat `json:"response_format,omitempty"`
	Temperature *float64      `json:"temperature,omitempty"`
	// OpenAI's newer models refuse max_tokens; many compatible servers know nothing else, and would answer without a limit.
	MaxCompletionTokens int `json:"max_completion_tokens,omitempty"`
	MaxTokens           int `json:"max_tokens,omitempty"`
}

type openAIFormat struct {
	Type   string       `json:"type"`
	Schema openAISchema `json:"json_schema"`
}

type openAISchema struct {
	Name   string          `json:"name"`
	Strict bool            `json:"strict"`
	Schema json.RawMessage `json:"schema"`
}

type openAIAnswer struct {
	Model   string `json:"model"`
	Choices []struct {
		FinishReason string `json:"finish_reason"`
		Message      struct {
			Content string  `json:"content"`
			Refusal *string `json:"refusal"`
		} `json:"message"`
	} `json:"choices"`
	Usage struct {
		Prompt     int `json:"prompt_tokens"`
		Completion int `json:"completion_tokens"`
	} `json:"usage"`
}

func (o *openAI) complete(ctx context.Context, c conversation) (reply, error) {
	request := o.request(append([]message{{"system", c.system}}, messagesOf(c.turns)...), c.answerTokens)
	request.Format = &openAIFormat{"json_schema", openAISchema{"topics", true, c.schema}}
	var answer openAIAnswer
	if err := o.peer.call(ctx, http.MethodPost, "/chat/completions", request, &answer); err != nil {
		return reply{}, err
	}
	if len(answer.Choices) == 0 {
		return reply{}, &invalid{reason: "The server's answer is not of its protocol."}
	}
	first := answer.Choices[0]
	refused := first.Message.Refusal != nil && *first.Message.Refusal != "" || first.FinishReason == "content_filter"
	return reply{
		text: first.Message.Content, model: answer.Model, cut: first.FinishReason == "length", refused: refused,
		input: count(answer.Usage.Prompt), output: count(answer.Usage.Completion),
	}, nil
}

func (o *openAI) request(messages []message, limit int) openAIRequest {
	r := openAIRequest{Model: o.model, Messages: messages}
	if o.steady {
		r.Temperature = new(float64)
	}
	if o.proper {
		r.MaxCompletionTokens = limit
	} else {
		r.MaxTokens = limit
	}
	return r
}

// check lists the models, which costs nothing. Servers without a list are asked for one token.
func (o *openAI) check(ctx context.Context) error {
	var list struct {
		Data *[]struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	err := o.peer.call(ctx, http.MethodGet, "/models", nil, &list)
	if failed, ok := errors.AsType[*Failure](err); ok && failed.Code == CodeModelNotFound {
		var answer openAIAnswer
		return o.peer.call(ctx, http.MethodPost, "/chat/completions", o.request([]message{{"user", "Say yes."}}, 1), &answer)
	}
	switch {
	case err != nil:
		return err
	case list.Data == nil:
		return &invalid{reason: "The server's answer is not of its protocol."}
	case o.model == "" && len(*list.Data) == 0:
		return &Failure{CodeModelNotFound, "The server has no model loaded. Load one, or name one in the settings."}
	}
	// Compatible servers take models that they do not list.
	listed := slices.ContainsFunc(*list.Data, func(m struct {
		ID string `json:"id"`
	},
	) bool {
		return m.ID == o.model
	})
	if o.proper && !listed {
		return &Failure{CodeModelNotFound, "The provider does not have the model for this key. Choose another in the settings."}
	}
	return nil
}

func (*openAI) bounded() bool { return true }
