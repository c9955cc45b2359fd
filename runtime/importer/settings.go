package importer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/vault"
)

var (
	providerSetting = regexp.MustCompile(`^(?:providers\.)?(anthropic|claude|openai|lm_?studio)[._](api_key|model|base_url|url)$`)
	choiceSetting   = regexp.MustCompile(`^(active_|ai_|default_)?provider$`)
	promptSetting   = regexp.MustCompile(`^(system_)?prompt$`)
)

// providerNames are those that the folder may use for the vault's.
var providerNames = map[string]string{
	"claude": "anthropic", "anthropic": "anthropic", "openai": "openai",
	"lmstudio": "lmstudio", "lm_studio": "lmstudio", "lm-studio": "lmstudio",
}

// setting is one of the folder's that the vault knows too.
type setting struct {
	name  string // in the folder
	field string // in the vault, as a path
	value string // an API key may be one: it is never shown
}

// takeSettings takes over settings.json, if the vault has no settings of its own: all at once, so that a key is never stored without
// the URL that it is for.
func (i *Importer) takeSettings(ctx context.Context) error {
	if _, err := i.root.Stat(settingsFile); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	fields, err := readObject(i.root, settingsFile)
	if err != nil {
		return i.Report.Add(Entry{Kind: KindSetting, Item: settingsFile}.failed(why(err)))
	}
	settings := i.knownSettings(fields)
	own := false
	err = i.patiently(ctx, func() error {
		own, err = i.Vault.HasSettings(ctx, i.Actor)
		return err
	})
	if err != nil {
		return err
	}
	if own {
		return i.reportSettings(settings, Entry{Outcome: Skipped, Reason: "the vault has settings of its own"})
	}
	return i.applySettings(ctx, settings)
}

// applySettings leaves out what the vault does not take, until it takes the rest.
func (i *Importer) applySettings(ctx context.Context, settings []setting) error {
	for len(settings) > 0 {
		patch, err := patchOf(settings)
		if err != nil {
			return err
		}
		err = i.patiently(ctx, func() error {
			_, err := i.Vault.UpdateSettings(ctx, i.Actor, patch)
			return err
		})
		var invalid *document.InvalidError
		if !errors.As(err, &invalid) {
			if err != nil {
				return err
			}
			return i.reportSettings(settings, Entry{Outcome: Imported})
		}
		refused, rest := split(settings, invalid.Field)
		if len(refused) == 0 {
			return fmt.Errorf("take over the settings: %w", err)
		}
		if err := i.reportSettings(refused, Entry{}.failed("invalid", invalid.Field+" "+invalid.Detail)); err != nil {
			return err
		}
		settings = rest
	}
	return nil
}

// split parts from the settings the one that was refused. With a URL goes the key that is for it.
func split(settings []setting, field string) (refused, rest []setting) {
	provider, isURL := strings.CutSuffix(field, ".base_url")
	for _, s := range settings {
		if s.field == field || (isURL && s.field == provider+".api_key") {
			refused = append(refused, s)
		} else {
			rest = append(rest, s)
		}
	}
	return refused, rest
}

func (i *Importer) reportSettings(settings []setting, e Entry) error {
	e.Kind, e.Item = KindSetting, settingsFile
	reason := e.Reason
	for _, s := range settings {
		e.Name = s.name
		if reason != "" {
			e.Reason = s.name + ": " + reason
		}
		if err := i.Report.Add(e); err != nil {
			return err
		}
	}
	return nil
}

// knownSettings also reports those that are not.
func (i *Importer) knownSettings(fields map[string]json.RawMessage) (settings []setting) {
	flat := map[string]json.RawMessage{}
	flatten("", fields, flat)
	taken := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(flat)) {
		s := setting{name: name, field: fieldOf(strings.ToLower(name)), value: validText(scalar(flat[name]))}
		if s.field == "active_provider" {
			s.value = orItself(providerNames, strings.ToLower(s.value))
		}
		if s.field == "" || s.value == "" || taken[s.field] {
			i.Report.Unknown(settingsFile, []string{"settings." + name})
			continue
		}
		taken[s.field] = true
		settings = append(settings, s)
	}
	return settings
}

// fieldOf is the vault's name of a setting, or empty.
func fieldOf(name string) string {
	found := providerSetting.FindStringSubmatch(name)
	switch {
	case len(found) > 0 && found[2] == "url":
		return "providers." + providerNames[found[1]] + ".base_url"
	case len(found) > 0:
		return "providers." + providerNames[found[1]] + "." + found[2]
	case choiceSetting.MatchString(name):
		return "active_provider"
	case promptSetting.MatchString(name):
		return "system_prompt"
	}
	return ""
}

func orItself(names map[string]string, name string) string {
	if other, found := names[name]; found {
		return other
	}
	return name
}

// patchOf writes the settings as a request to the vault would.
func patchOf(settings []setting) (p vault.SettingsPatch, err error) {
	whole, providers := map[string]any{}, map[string]map[string]string{}
	for _, s := range settings {
		path := strings.Split(s.field, ".")
		if len(path) == 1 {
			whole[s.field] = s.value
			continue
		}
		if providers[path[1]] == nil {
			providers[path[1]] = map[string]string{}
		}
		providers[path[1]][path[2]] = s.value
	}
	whole["providers"] = providers
	text, err := json.Marshal(whole)
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil {
		return p, fmt.Errorf("write the settings: %w", err)
	}
	return p, nil
}

// flatten puts every value that is no object, null or empty into all, under its path.
func flatten(prefix string, fields, all map[string]json.RawMessage) {
	for name, value := range fields {
		var inner map[string]json.RawMessage
		switch text := string(value); {
		case text == "null", text == `""`:
		case json.Unmarshal(value, &inner) == nil:
			flatten(prefix+name+".", inner, all)
		default:
			all[prefix+name] = value
		}
	}
}
