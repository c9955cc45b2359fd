package classify

import (
	"time"

	"github.com/docvault/docvault/runtime/document"
)

// Codes of a Failure; stable, for programs.
const (
	CodeUnauthorized   = "provider_unauthorized" // no key, or one that the provider does not take
	CodeModelNotFound  = "model_not_found"
	CodeRejected       = "provider_rejected"    // the request, as such, is not taken
	CodeRefused        = "provider_refused"     // the model will not judge this document
	CodeInvalidAnswer  = "invalid_answer"       // also after one repair
	CodePromptTooLarge = "prompt_too_large"     // the topics alone are more than the model takes
	CodeUnavailable    = "provider_unavailable" // for longer than is waited
)

// Failure says that a provider will never classify this as things are, and why. Detail is for people: it says what to do, and holds
// nothing of what the provider answered.
type Failure struct{ Code, Detail string }

// Error implements error.
func (f *Failure) Error() string { return f.Code + ": " + f.Detail }

// Unavailable says that a provider does not answer now. It is a document.ErrUnavailable.
type Unavailable struct {
	Detail     string        // for people, as of a Failure
	RetryAfter time.Duration // what the provider asked for; 0: nothing
	cause      error
}

// Error implements error.
func (u *Unavailable) Error() string {
	if u.cause != nil {
		return u.Detail + ": " + u.cause.Error()
	}
	return u.Detail
}

// Unwrap implements errors.Unwrap.
func (u *Unavailable) Unwrap() []error {
	if u.cause != nil {
		return []error{document.ErrUnavailable, u.cause}
	}
	return []error{document.ErrUnavailable}
}

// invalid is an answer that cannot be used. The model gets one chance to repair it.
type invalid struct {
	reason string // said to the model, and to people
	answer string // what it answered; empty where there is nothing to show it
}

func (i *invalid) Error() string { return i.reason }
