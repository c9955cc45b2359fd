// Package vault holds the use cases of a vault and the rules that they keep: what is stored and when it counts as stored, which
// work is due, whose result may be written. The edges (REST, worker) parse and answer; store, blob and queue do as they are told.
//
// Postgres is the truth. Redis may lose everything: rows say what is pending, and Sweep hands it out again.
package vault

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/docvault/docvault/runtime/document"
)

// Vault is one vault. It is safe for use by many goroutines.
type Vault struct{}

// Staged is a file that lies in the object store and is no document yet: Commit makes it one, Discard gives it up.
type Staged struct{}

// Sort is the order of a list.
type Sort string

// The orders of a list; the empty Sort is SortNewest.
const (
	SortNewest   Sort = "-created_at"
	SortOldest   Sort = "created_at"
	SortName     Sort = "name"
	SortNameDesc Sort = "-name"
	SortSize     Sort = "size"
	SortSizeDesc Sort = "-size"
)

// ListQuery says which documents are wanted, all conditions combined by and. Zero values do not restrict.
type ListQuery struct {
	Topic                       string // name, without regard to case
	Untagged                    bool
	Status                      document.Status
	Kind                        document.Kind
	CreatedAfter, CreatedBefore time.Time // exclusive
	MinSize, MaxSize            *int64    // bytes, inclusive
	Trashed                     bool      // the trash instead of the vault
	Sort                        Sort
	PerPage                     int // 1 to 100; 0: 20
	Page                        int // from 1, page times per-page at most 10,000; 0: 1, or the cursor's
	Cursor                      string
}

// Page is one page of a list.
type Page struct {
	Documents    []document.Document
	Total        int64 // counted to 10,000
	TotalIsExact bool
	NextCursor   string // empty on the last page
}

// Content is a document and its bytes as uploaded. Reads fetch ranges; Close it.
type Content struct {
	Document document.Document
	io.ReadSeekCloser
}

// TopicPatch changes what is not nil.
type TopicPatch struct {
	Name, Description, Color *string
}

// Settings is how a vault classifies, without its keys.
type Settings struct {
	ActiveProvider string    `json:"active_provider"`
	SystemPrompt   string    `json:"system_prompt"`
	Providers      Providers `json:"providers"`
}

// Providers holds the settings of each provider.
type Providers struct {
	Builtin   struct{}          `json:"builtin"`
	Anthropic AnthropicSettings `json:"anthropic"`
	OpenAI    OpenAISettings    `json:"openai"`
	LMStudio  LMStudioSettings  `json:"lmstudio"`
}

// AnthropicSettings are the settings of the provider anthropic.
type AnthropicSettings struct {
	Model     string `json:"model"`
	APIKeySet bool   `json:"api_key_set"`
}

// OpenAISettings are the settings of the provider openai.
type OpenAISettings struct {
	Model     string `json:"model"`
	BaseURL   string `json:"base_url"`
	APIKeySet bool   `json:"api_key_set"`
}

// LMStudioSettings are the settings of the provider lmstudio.
type LMStudioSettings struct {
	Model   string `json:"model"`
	BaseURL string `json:"base_url"`
}

// Stage streams a file into the object store under the name its sender gave it. Memory does not grow with the file.
// Errors: document.ErrEmpty, ErrTooLarge, ErrUnsupportedType, ErrCutOff, ErrUnavailable.
func (v *Vault) Stage(ctx context.Context, a document.Actor, name string, body io.Reader) (*Staged, error) {
	return nil, errors.ErrUnsupported
}

// Commit makes a staged file a document and queues its reading. When the owner has the same bytes already, that document is
// returned and duplicate is true: out of the trash if it was there, tried again if it had failed.
func (v *Vault) Commit(ctx context.Context, a document.Actor, s *Staged, autoClassify bool) (d document.Document, duplicate bool, err error) {
	return d, false, errors.ErrUnsupported
}

// Discard gives a staged file up. What cannot be removed now the sweeper removes.
func (v *Vault) Discard(ctx context.Context, s *Staged) {}

// List returns a page of documents, without their text. An unknown topic gives an empty page.
// Errors: *document.InvalidError.
func (v *Vault) List(ctx context.Context, a document.Actor, q ListQuery) (Page, error) {
	return Page{}, errors.ErrUnsupported
}

// Get returns a document that is not in the trash. Errors: document.ErrNotFound.
func (v *Vault) Get(ctx context.Context, a document.Actor, id document.ID) (document.Document, error) {
	return document.Document{}, errors.ErrUnsupported
}

// Text returns the first limit bytes of what was read, cut at a rune (limit 0: all of it), and whether more was kept.
// A document that is not read yet has no text, which is no error. Errors: document.ErrNotFound.
func (v *Vault) Text(ctx context.Context, a document.Actor, id document.ID, limit int64) (text string, truncated bool, err error) {
	return "", false, errors.ErrUnsupported
}

// Open returns a document's bytes. Errors: document.ErrNotFound, ErrUnavailable.
func (v *Vault) Open(ctx context.Context, a document.Actor, id document.ID) (*Content, error) {
	return nil, errors.ErrUnsupported
}

// DownloadURL returns a link to a document's bytes that works without the vault until expiresAt.
// Errors: document.ErrNotFound, *document.InvalidError (expires is not 1 minute to 24 hours).
func (v *Vault) DownloadURL(ctx context.Context, a document.Actor, id document.ID, expires time.Duration) (url string, expiresAt time.Time, err error) {
	return "", time.Time{}, errors.ErrUnsupported
}

// Delete puts a document into the trash, or (permanent, also from the trash) removes it, its object and its queued work.
// Errors: document.ErrNotFound.
func (v *Vault) Delete(ctx context.Context, a document.Actor, id document.ID, permanent bool) error {
	return errors.ErrUnsupported
}

// Restore takes a document out of the trash; one that is not there stays as it is. Errors: document.ErrNotFound.
func (v *Vault) Restore(ctx context.Context, a document.Actor, id document.ID) (document.Document, error) {
	return document.Document{}, errors.ErrUnsupported
}

// Classify asks for a document to be filed anew, among the named topics alone if any are given. It replaces what automatic filing
// chose before. Errors: document.ErrNotFound, *document.InvalidError (field "topics": an unknown name).
func (v *Vault) Classify(ctx context.Context, a document.Actor, id document.ID, topics []string) error {
	return errors.ErrUnsupported
}

// Topics returns all topics with their counts, by name.
func (v *Vault) Topics(ctx context.Context, a document.Actor) ([]document.Topic, error) {
	return nil, errors.ErrUnsupported
}

// CreateTopic makes a topic. An empty color is the default. Errors: document.ErrConflict (the name is taken), *document.InvalidError.
func (v *Vault) CreateTopic(ctx context.Context, a document.Actor, name, description, color string) (document.Topic, error) {
	return document.Topic{}, errors.ErrUnsupported
}

// UpdateTopic changes a topic. Errors: document.ErrNotFound, ErrConflict, *document.InvalidError.
func (v *Vault) UpdateTopic(ctx context.Context, a document.Actor, id document.ID, p TopicPatch) (document.Topic, error) {
	return document.Topic{}, errors.ErrUnsupported
}

// DeleteTopic removes a topic; its documents stay. Errors: document.ErrNotFound.
func (v *Vault) DeleteTopic(ctx context.Context, a document.Actor, id document.ID) error {
	return errors.ErrUnsupported
}

// Settings returns how the vault classifies.
func (v *Vault) Settings(ctx context.Context, a document.Actor) (Settings, error) {
	return Settings{}, errors.ErrUnsupported
}

// Health tries each dependency: keys postgres, minio and redis, nil where it answers. The errors may hold addresses; they hold no
// secrets.
func (v *Vault) Health(ctx context.Context) map[string]error { return nil }

// Ready reports whether the vault can serve: Postgres answers and its schema is new enough.
func (v *Vault) Ready(ctx context.Context) error { return errors.ErrUnsupported }
