package classify

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"time"
)

// protocol is how a server is talked to.
type protocol interface {
	// complete returns the next turn of a conversation. Errors as peer.call.
	complete(ctx context.Context, c conversation) (reply, error)
	// check asks for something cheap. Errors as peer.call.
	check(ctx context.Context) error
	// bounded tells whether the schema of an answer may bound the length of a list.
	bounded() bool
}

// conversation is what a model is asked.
type conversation struct {
	system       string
	turns        []string // of the user and the model by turns, the user's first
	schema       json.RawMessage
	answerTokens int
}

// reply is what a model answered.
type reply struct {
	text, model   string
	cut           bool // at the limit of tokens
	refused       bool
	input, output int // tokens
}

// maxShown is how much of a bad answer, in characters, the model is shown again.
const maxShown = 2_000

// model is a provider behind an API.
type model struct {
	config   Config
	window   window
	protocol protocol
	metrics  *metrics
}

// Classify implements Provider. An answer that cannot be used is sent back once, to be repaired.
func (m *model) Classify(ctx context.Context, r Request) (Result, error) {
	p, err := newPrompt(r, m.window, m.protocol.bounded())
	if err != nil {
		return Result{}, err
	}
	result := Result{Provider: m.config.Provider, Model: m.config.Model, Truncated: p.truncated, PromptHash: p.hash}
	err = m.ask(ctx, p, &result)
	if bad, ok := errors.AsType[*invalid](err); ok {
		p.turns = repair(p.turns, bad)
		err = m.ask(ctx, p, &result)
	}
	if bad, ok := errors.AsType[*invalid](err); ok {
		return Result{}, &Failure{CodeInvalidAnswer, "The model's answer could not be used, also when it was asked again. " + bad.reason}
	}
	if err != nil {
		return Result{}, err
	}
	m.metrics.unknown.WithLabelValues(m.config.Provider).Add(float64(result.UnknownDropped))
	return result, nil
}

// ask adds what one call brought and cost to result.
func (m *model) ask(ctx context.Context, p prompt, result *Result) (err error) {
	began := time.Now()
	defer func() { m.metrics.call(m.config.Provider, began, err) }()
	answer, err := m.protocol.complete(ctx, p.conversation)
	if err != nil {
		return err
	}
	m.metrics.spent(m.config.Provider, answer.input, answer.output)
	result.InputTokens += answer.input
	result.OutputTokens += answer.output
	result.Model = cmp.Or(answer.model, result.Model)
	switch {
	case answer.refused:
		return &Failure{CodeRefused, "The model refused to judge this document. File it by hand, or choose another model."}
	case answer.cut:
		return &invalid{"The answer was too long and was cut off.", answer.text}
	}
	result.Confidence, result.UnknownDropped, err = p.read(answer.text)
	return err
}

// repair goes on with a conversation whose last answer could not be used. Where there was none, the question is asked again.
func repair(turns []string, bad *invalid) []string {
	shown, _ := firstRunes(bad.answer, maxShown)
	if shown == "" {
		return turns
	}
	return append(turns, shown, bad.reason+" Answer again, with the JSON object alone.")
}

// Check implements Provider.
func (m *model) Check(ctx context.Context) error {
	err := m.protocol.check(ctx)
	if _, ok := errors.AsType[*invalid](err); ok {
		return &Failure{CodeInvalidAnswer, "The server answers, but not as such a provider does. Check the base URL in the settings."}
	}
	return err
}
