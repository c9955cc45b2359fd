package classify

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/docvault/docvault/runtime/config"
)

// The names of the providers.
const (
	NameBuiltin   = config.ProviderBuiltin
	NameAnthropic = config.ProviderAnthropic
	NameOpenAI    = config.ProviderOpenAI
	NameLMStudio  = config.ProviderLMStudio
)

// Names returns all of them.
func Names() []string { return config.Providers() }

// Known tells whether there is a provider of this name.
func Known(name string) bool { return slices.Contains(Names(), name) }

// DefaultURL is where a provider is when the settings do not say otherwise; empty for the builtin one.
func DefaultURL(name string) string {
	switch name {
	case NameAnthropic:
		return "https://api.anthropic.com/v1"
	case NameOpenAI:
		return "https://api.openai.com/v1"
	case NameLMStudio:
		return "http://host.docker.internal:1234/v1"
	}
	return ""
}

// Config is how a vault's owner has set up a provider.
type Config struct {
	Provider string
	Model    string        // lmstudio: empty is the one that the server has loaded
	BaseURL  string        // empty: DefaultURL
	APIKey   config.Secret // empty: none is sent
}

// Limits bound what a provider may cost. Zero values mean the defaults.
type Limits struct {
	Timeout     time.Duration // 2 minutes; of one call
	InputTokens int           // of a prompt; by default 100,000; for lmstudio 8,000, and 32,000 where topics need them
}

// Factory makes providers from settings, which may change from task to task. What they share (connections, metrics, what was learned)
// it keeps. It is safe for use by many goroutines.
type Factory struct {
	limits  Limits
	client  *http.Client
	builtin *Builtin
	metrics *metrics
}

// NewFactory returns a factory whose providers report to metrics.
func NewFactory(l Limits, registerer prometheus.Registerer) *Factory {
	l.Timeout = cmp.Or(l.Timeout, 2*time.Minute)
	return &Factory{limits: l, client: newClient(), builtin: NewBuiltin(), metrics: newMetrics(registerer)}
}

// Provider returns the provider that c says. Errors: *Failure.
func (f *Factory) Provider(c Config) (Provider, error) {
	own := c.BaseURL == "" || c.BaseURL == DefaultURL(c.Provider)
	peer := peer{client: f.client, base: cmp.Or(c.BaseURL, DefaultURL(c.Provider)), timeout: f.limits.Timeout}
	m := &model{config: c, metrics: f.metrics}
	switch c.Provider {
	case NameBuiltin:
		return measured{f.builtin, f.metrics}, nil
	case NameAnthropic:
		m.window = window{input: 100_000, answer: 1_024}
		m.protocol = &anthropic{peer: peer.with("x-api-key", c.APIKey.Reveal()).with("anthropic-version", anthropicVersion), model: c.Model}
	case NameOpenAI:
		// Models that think do it within the answer's tokens.
		m.window = window{input: 100_000, answer: 4_096}
		m.protocol = &openAI{peer: peer.withBearer(c.APIKey.Reveal()), model: c.Model, proper: own}
	case NameLMStudio:
		m.window = window{input: 8_000, most: 32_000, answer: 1_024}
		m.protocol = &openAI{peer: peer, model: c.Model, steady: true}
	default:
		return nil, &Failure{CodeRejected, "There is no provider of this name. Choose another in the settings."}
	}
	if own && c.APIKey == "" && c.Provider != NameLMStudio {
		return nil, &Failure{CodeUnauthorized, "No API key is set for this provider. Store one in the settings."}
	}
	if f.limits.InputTokens > 0 {
		m.window.input, m.window.most = f.limits.InputTokens, 0
	}
	return m, nil
}
