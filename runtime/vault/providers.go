package vault

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/docvault/docvault/runtime/classify"
	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/store/sqlrows"
)

const (
	// checkTimeout is what a provider may take to say that it is there.
	checkTimeout = 10 * time.Second
	// Backoff of one document; the provider's own pause is kept in the database, and may be longer.
	longestBackoff = 64 * time.Second
)

// delay is an error that puts classification off, without counting as an attempt.
type delay struct {
	after time.Duration
	cause error
}

func (d *delay) Error() string { return d.cause.Error() }

func (d *delay) Unwrap() error { return d.cause }

// ProviderCheck says whether a provider could work now.
type ProviderCheck struct {
	OK        bool   `json:"ok"`
	LatencyMS int64  `json:"latency_ms" minimum:"0"`
	Detail    string `json:"detail" doc:"What is wrong and what to do, for people."`
}

// CheckProvider calls a provider (empty: the active one) with the stored settings. Errors: *document.InvalidError.
func (v *Vault) CheckProvider(ctx context.Context, a document.Actor, name string) (ProviderCheck, error) {
	s, err := v.stored(ctx, a.Owner)
	if err != nil {
		return ProviderCheck{}, err
	}
	if name = cmp.Or(name, v.activeProvider(s)); !classify.Known(name) {
		_, wrong := checkProvider(name)
		return ProviderCheck{}, &document.InvalidError{Field: "provider", Detail: wrong}
	}
	bounded, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	began := time.Now()
	provider, err := v.provider(a.Owner, s, name)
	if err == nil {
		err = provider.Check(bounded)
	}
	check := ProviderCheck{OK: err == nil, LatencyMS: time.Since(began).Milliseconds(), Detail: "The provider answers."}
	if err != nil {
		v.log.InfoContext(ctx, "provider check failed", "provider", name, "error", err)
		check.Detail = detailOf(err)
	}
	return check, nil
}

// detailOf puts a provider's error into words for people; they hold nothing of what it answered.
func detailOf(err error) string {
	if failure, ok := errors.AsType[*classify.Failure](err); ok {
		return failure.Detail
	}
	if away, ok := errors.AsType[*classify.Unavailable](err); ok {
		return away.Detail
	}
	return "The provider did not answer in time."
}

// provider makes a provider from the settings as they are now. Errors: *classify.Failure.
func (v *Vault) provider(owner document.ID, s stored, name string) (classify.Provider, error) {
	c, err := v.configOf(owner, s, name)
	if err != nil {
		return nil, err
	}
	return v.factory.Provider(c)
}

// judge asks the active provider, unless it is to be left alone. No connection of the database is held meanwhile.
// Errors: verdict, *delay; others are passing faults.
func (v *Vault) judge(ctx context.Context, begun sqlrows.BeginClassifyRow, s stored, r classify.Request) (classify.Result, error) {
	name := v.activeProvider(s)
	provider, err := v.provider(begun.Owner, s, name)
	if err != nil {
		return classify.Result{}, verdictOf(err)
	}
	if name == classify.NameBuiltin {
		return provider.Classify(ctx, r)
	}
	of := sqlrows.ProviderPauseParams{Owner: begun.Owner, Provider: name}
	pause, err := v.store.ProviderPause(ctx, of)
	if err == nil {
		return classify.Result{}, v.later(begun, pause.Remaining, &classify.Unavailable{Detail: pause.Reason})
	}
	if !errors.Is(err, document.ErrNotFound) {
		return classify.Result{}, fmt.Errorf("look for a pause: %w", err)
	}
	result, err := provider.Classify(ctx, r)
	switch {
	case ctx.Err() != nil:
		return classify.Result{}, fmt.Errorf("classify: %w", ctx.Err())
	case errors.Is(err, document.ErrUnavailable):
		return classify.Result{}, v.pause(ctx, begun, name, err)
	case err != nil:
		return classify.Result{}, verdictOf(err)
	}
	if err := v.store.ResumeProvider(ctx, sqlrows.ResumeProviderParams(of)); err != nil {
		return classify.Result{}, fmt.Errorf("end the pause: %w", err)
	}
	return result, nil
}

// pause has all workers leave a provider alone for as long as it asked, or for a while.
func (v *Vault) pause(ctx context.Context, begun sqlrows.BeginClassifyRow, name string, cause error) error {
	asked := time.Duration(0)
	if away, ok := errors.AsType[*classify.Unavailable](cause); ok {
		asked = away.RetryAfter
	}
	pause, err := v.store.PauseProvider(ctx, sqlrows.PauseProviderParams{
		Owner: begun.Owner, Provider: name, Asked: asked, Reason: detailOf(cause),
	})
	if err != nil {
		return fmt.Errorf("pause the provider: %w", err)
	}
	v.log.WarnContext(ctx, "provider paused", "provider", name, "for", pause.Round(time.Millisecond).String(), "error", cause)
	backoff := min(time.Second<<min(begun.Faults+1, 6), longestBackoff)
	return v.later(begun, max(pause, backoff), cause)
}

// later puts classification off, or gives it up when that has gone on for too long.
func (v *Vault) later(begun sqlrows.BeginClassifyRow, after time.Duration, cause error) error {
	left := v.timing.RetryFor - begun.PutOffFor
	if left <= 0 {
		return verdict{document.Problem{Code: classify.CodeUnavailable, Detail: fmt.Sprintf(
			"The provider could not be used for %s. Check it in the settings, then classify again. Last: %s",
			v.timing.RetryFor, detailOf(cause))}}
	}
	return &delay{min(after, left), cause}
}

func verdictOf(err error) error {
	if failure, ok := errors.AsType[*classify.Failure](err); ok {
		return verdict{document.Problem(*failure)}
	}
	return verdict{document.Problem{Code: "provider_failed", Detail: "The provider could not classify the document."}}
}
