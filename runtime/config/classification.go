package config

import (
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The names of the providers that file documents.
const (
	ProviderBuiltin   = "builtin"
	ProviderAnthropic = "anthropic"
	ProviderOpenAI    = "openai"
	ProviderLMStudio  = "lmstudio"
)

// Providers returns all of them.
func Providers() []string {
	return []string{ProviderBuiltin, ProviderAnthropic, ProviderOpenAI, ProviderLMStudio}
}

const (
	maxSystemPrompt = 10_000 // characters
	maxModelName    = 200    // characters
	maxBaseURL      = 2_000  // bytes
	maxAPIKey       = 1_000  // bytes
)

// Classification is what the settings of a vault begin with: what holds until its users store something else. Empty values are the
// product's own defaults.
type Classification struct {
	Provider     string
	Model        string // of Provider
	BaseURL      string // of Provider
	APIKey       Secret // of Provider, for BaseURL and no other
	SystemPrompt string
}

func (e *environment) classification() Classification {
	c := Classification{Provider: e.text(ClassificationProvider, ProviderBuiltin)}
	known := slices.Contains(Providers(), c.Provider)
	if !known {
		e.problem(ClassificationProvider, "is one of "+strings.Join(Providers(), ", "))
	}
	read := func(name, of string, providers []string, check func(string) (value, wrong string)) string {
		text := e.get(name)
		switch {
		case text == "":
			return ""
		case known && !slices.Contains(providers, c.Provider):
			e.problem(name, "is "+of+" of "+strings.Join(providers, " or ")+": name that provider in "+ClassificationProvider)
			return ""
		}
		value, wrong := check(text)
		if wrong != "" {
			e.problem(name, wrong)
		}
		return value
	}
	c.Model = read(ClassificationModel, "the model", []string{ProviderAnthropic, ProviderOpenAI, ProviderLMStudio},
		func(text string) (string, string) { return CheckModel(c.Provider, text) })
	c.BaseURL = read(ClassificationBaseURL, "the address", []string{ProviderOpenAI, ProviderLMStudio}, CheckBaseURL)
	c.APIKey = Secret(read(ClassificationAPIKey, "the key", []string{ProviderAnthropic, ProviderOpenAI}, CheckAPIKey))
	c.SystemPrompt = read(ClassificationSystemPrompt, "the prompt", Providers(), CheckSystemPrompt)
	return c
}

// The checks return a value of the settings in the form in which it is kept, or what is wrong with it.

// CheckSystemPrompt checks what models are told.
func CheckSystemPrompt(text string) (value, wrong string) {
	if strings.TrimSpace(text) == "" || utf8.RuneCountInString(text) > maxSystemPrompt {
		return "", "has 1 to 10,000 characters, not all of them blank"
	}
	return text, ""
}

// CheckModel checks the name of a model. That of lmstudio may be empty.
func CheckModel(provider, name string) (value, wrong string) {
	name = strings.TrimSpace(name)
	switch {
	case name == "" && provider != ProviderLMStudio:
		return "", "must not be blank"
	case utf8.RuneCountInString(name) > maxModelName || strings.ContainsFunc(name, unicode.IsControl):
		return "", "has at most 200 characters, none of them control characters"
	}
	return name, ""
}

// CheckBaseURL allows private addresses: LM Studio is at one. What must not be reached is refused when it is dialed.
func CheckBaseURL(text string) (value, wrong string) {
	u, err := url.Parse(text)
	if err != nil || len(text) > maxBaseURL || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" ||
		u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return "", "is a URL with http or https, such as https://models.example.com/v1, without user, password, query and fragment"
	}
	return strings.TrimRight(u.String(), "/"), ""
}

// CheckAPIKey checks a key of a provider.
func CheckAPIKey(key string) (value, wrong string) {
	visible := func(r rune) bool { return r > ' ' && r < unicode.MaxASCII }
	key = strings.TrimSpace(key)
	if key == "" || len(key) > maxAPIKey || strings.ContainsFunc(key, func(r rune) bool { return !visible(r) }) {
		return "", "has 1 to 1,000 visible ASCII characters"
	}
	return key, ""
}
