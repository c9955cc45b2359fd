// Package classify files documents under topics. A Provider chooses among the topics that a vault has; it never makes one.
package classify

import (
	"context"

	"github.com/docvault/docvault/runtime/document"
)

// Topic is what a document can be filed under.
type Topic struct {
	ID                document.ID
	Name, Description string
	Examples          []string // the beginnings (ExampleBytes) of documents filed by hand; models do not get them
}

// Request asks which topics fit a text.
type Request struct {
	Text         string
	Cut          bool // Text is only the beginning of the document's
	Topics       []Topic
	SystemPrompt string // for models; others ignore it
}

// Result is what a provider chose, and what it took.
type Result struct {
	Provider, Model           string
	Confidence                map[document.ID]float64 // of the chosen topics alone, 0 to 1
	Truncated                 bool                    // the text, or descriptions of topics, were cut before it was judged
	InputTokens, OutputTokens int                     // 0 for providers that do not count
	PromptHash                string                  // of all that was asked but the text; empty for providers without a prompt
	UnknownDropped            int                     // answers that named no topic of the request
}

// Provider chooses topics. Users bring their own: models behind an API, and the builtin one.
type Provider interface {
	// Classify returns the topics that fit, possibly none. Errors: document.ErrUnavailable when trying again later may help (then
	// possibly an *Unavailable that says when), *Failure when it never will.
	Classify(ctx context.Context, r Request) (Result, error)
	// Check tells whether the provider could work now. Errors as Classify.
	Check(ctx context.Context) error
}
