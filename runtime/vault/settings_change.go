package vault

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/docvault/docvault/runtime/classify"
	"github.com/docvault/docvault/runtime/config"
	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/store/sqlrows"
)

// Change is what a request says of a setting: nothing (the zero value: it stays), null (Value nil: it is reset), or a new value.
type Change[T any] struct {
	Given bool
	Value *T
}

// UnmarshalJSON implements json.Unmarshaler; it is called for what is there, null included.
func (c *Change[T]) UnmarshalJSON(raw []byte) error {
	c.Given, c.Value = true, nil
	if bytes.Equal(raw, []byte("null")) {
		return nil
	}
	c.Value = new(T)
	if providers, ok := any(c.Value).(*map[string]Change[ProviderPatch]); ok {
		return readProviders(raw, providers)
	}
	return json.Unmarshal(raw, c.Value)
}

// readProviders is json.Unmarshal, but names the provider that cannot be read.
func readProviders(raw []byte, providers *map[string]Change[ProviderPatch]) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		return err
	}
	*providers = make(map[string]Change[ProviderPatch], len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		var one Change[ProviderPatch]
		err := json.Unmarshal(all[name], &one)
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			wrong.Field = strings.TrimSuffix(name+"."+wrong.Field, ".")
		}
		if err != nil {
			return err
		}
		(*providers)[name] = one
	}
	return nil
}

// SettingsPatch changes how a vault classifies.
type SettingsPatch struct {
	ActiveProvider Change[string]                           `json:"active_provider"`
	SystemPrompt   Change[string]                           `json:"system_prompt"`
	Providers      Change[map[string]Change[ProviderPatch]] `json:"providers"` // by name
}

// ProviderPatch changes one provider. What a provider does not have is ignored.
type ProviderPatch struct {
	Model   Change[string] `json:"model"`
	BaseURL Change[string] `json:"base_url"`
	APIKey  Change[string] `json:"api_key"`
}

// UpdateSettings changes what p gives and returns the settings as they are then. Errors: *document.InvalidError.
func (v *Vault) UpdateSettings(ctx context.Context, a document.Actor, p SettingsPatch) (Settings, error) {
	var now stored
	change := func(value []byte) ([]byte, error) {
		before, err := readStored(value)
		if err != nil {
			return nil, err
		}
		if now, err = v.changed(a.Owner, before, p); err != nil {
			return nil, err
		}
		return json.Marshal(now)
	}
	err := v.store.ChangeSetting(ctx, a.Owner, classificationSetting, change, func(q *sqlrows.Queries) error {
		return v.wake(ctx, q, a.Owner, p)
	})
	if err != nil {
		return Settings{}, fmt.Errorf("change the settings: %w", err)
	}
	return v.shown(a.Owner, now), nil
}

// wake has what waits for a provider try again at once: what the change is made for may be just that.
func (v *Vault) wake(ctx context.Context, q *sqlrows.Queries, owner document.ID, p SettingsPatch) error {
	for _, provider := range classify.Names() {
		if !p.concerns(provider) {
			continue
		}
		if err := q.ForgetPause(ctx, sqlrows.ForgetPauseParams{Owner: owner, Provider: provider}); err != nil {
			return err
		}
	}
	return q.WakeClassification(ctx, sqlrows.WakeClassificationParams{WaitsAfter: v.timing.WaitsAfter, Owner: owner})
}

func (p SettingsPatch) concerns(provider string) bool {
	return p.Providers.Given && (p.Providers.Value == nil || (*p.Providers.Value)[provider].Given)
}

func (v *Vault) changed(owner document.ID, s stored, p SettingsPatch) (stored, error) {
	if err := set(&s.ActiveProvider, p.ActiveProvider, "active_provider", checkProvider); err != nil {
		return stored{}, err
	}
	if err := set(&s.SystemPrompt, p.SystemPrompt, "system_prompt", config.CheckSystemPrompt); err != nil {
		return stored{}, err
	}
	providers := map[string]storedProvider{}
	for _, name := range classify.Names() {
		was, change := s.Providers[name], Change[ProviderPatch]{}
		switch {
		case !p.Providers.Given:
		case p.Providers.Value == nil:
			change.Given = true
		default:
			change = (*p.Providers.Value)[name]
		}
		is, err := v.changedProvider(owner, name, was, change)
		if err != nil {
			return stored{}, err
		}
		if is != (storedProvider{}) {
			providers[name] = is
		}
	}
	s.Providers = providers
	return s, nil
}

func (v *Vault) changedProvider(owner document.ID, name string, s storedProvider, c Change[ProviderPatch]) (storedProvider, error) {
	if !c.Given || name == classify.NameBuiltin {
		return s, nil
	}
	if c.Value == nil {
		return storedProvider{}, nil
	}
	p, field := *c.Value, "providers."+name+"."
	checkModel := func(text string) (value, wrong string) { return config.CheckModel(name, text) }
	if err := set(&s.Model, p.Model, field+"model", checkModel); err != nil {
		return s, err
	}
	if name != classify.NameAnthropic { // which has one URL
		was := v.urlOf(name, s)
		if err := set(&s.BaseURL, p.BaseURL, field+"base_url", config.CheckBaseURL); err != nil {
			return s, err
		}
		if s.BaseURL == v.defaultURL(name) {
			s.BaseURL = "" // the default, kept as such
		}
		if v.urlOf(name, s) != was {
			s.Key = nil
		}
	}
	if name == classify.NameLMStudio || !p.APIKey.Given { // lmstudio has no key
		return s, nil
	}
	s.Key = nil
	var key string
	if err := set(&key, p.APIKey, field+"api_key", config.CheckAPIKey); err != nil || key == "" {
		return s, err
	}
	at, _ := v.configOf(owner, stored{Providers: map[string]storedProvider{name: s}}, name) // no key is stored that could not be read
	sealed := v.keys.Seal(key, placeOf(owner, at))
	s.Key = &sealed
	return s, nil
}

// set takes a change over, in the form that check gives it; null is the empty text, which is the default.
func set(setting *string, c Change[string], field string, check func(string) (string, string)) error {
	if !c.Given {
		return nil
	}
	if c.Value == nil {
		*setting = ""
		return nil
	}
	value, wrong := check(*c.Value)
	if wrong != "" {
		return &document.InvalidError{Field: field, Detail: wrong}
	}
	*setting = value
	return nil
}

func checkProvider(name string) (value, wrong string) {
	if !classify.Known(name) {
		return "", "is one of " + strings.Join(classify.Names(), ", ")
	}
	return name, ""
}
