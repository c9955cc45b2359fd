package httpapi

import (
	"github.com/danielgtaylor/huma/v2"

	"github.com/docvault/docvault/runtime/vault"
)

func (a *api) getSettings(c *call) (any, error) {
	return a.vault.Settings(c.Context(), a.actor(c.Request))
}

// settingsPatch is what clients send. Its schema is written by hand: a generator cannot tell what is absent from what is null.
type settingsPatch vault.SettingsPatch

// Schema implements huma.SchemaProvider.
func (settingsPatch) Schema(huma.Registry) *huma.Schema {
	text := func(doc string) *huma.Schema {
		return &huma.Schema{Type: huma.TypeString, Nullable: true, Description: doc}
	}
	model := text("Null is the default.")
	url := text("http or https, without user, password, query and fragment. Null is the default.")
	key := text("Stored encrypted. Null removes it.")
	active := text("Null is the default.")
	for _, name := range vault.ProviderNames() {
		active.Enum = append(active.Enum, name)
	}
	active.Enum = append(active.Enum, nil)
	return changes(map[string]*huma.Schema{
		"active_provider": active,
		"system_prompt":   text("What models are told, 1 to 10,000 characters. Null is the default."),
		"providers": changes(map[string]*huma.Schema{
			"builtin":   changes(nil),
			"anthropic": changes(map[string]*huma.Schema{"model": model, "api_key": key}),
			"openai":    changes(map[string]*huma.Schema{"model": model, "base_url": url, "api_key": key}),
			"lmstudio":  changes(map[string]*huma.Schema{"model": model, "base_url": url}),
		}),
	})
}

func changes(properties map[string]*huma.Schema) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, Nullable: true, Properties: properties}
}

func (a *api) putSettings(c *call) (any, error) {
	var body settingsPatch
	if err := c.decode(&body); err != nil {
		return nil, err
	}
	return a.vault.UpdateSettings(c.Context(), a.actor(c.Request), vault.SettingsPatch(body))
}

type checkBody struct {
	Provider string `json:"provider,omitempty" enum:"builtin,anthropic,openai,lmstudio" doc:"Absent: the active one."`
}

func (a *api) checkProvider(c *call) (any, error) {
	var body checkBody
	if err := c.decodeOptional(&body); err != nil {
		return nil, err
	}
	return a.vault.CheckProvider(c.Context(), a.actor(c.Request), body.Provider)
}
