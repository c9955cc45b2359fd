package importer

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"regexp"
	"slices"
)

var (
	knownSetting = regexp.MustCompile(`^((active_|ai_|default_)?provider|(system_)?prompt|` +
		`(providers\.)?(anthropic|openai|lm_?studio)[._](api_key|model|base_url|url))$`)
	keySetting = regexp.MustCompile(`api_key$`)
)

// takeSettings says what settings.json holds that must be entered again. Values are never shown: API keys stand in it in clear.
func (i *Importer) takeSettings(context.Context) error {
	if _, err := i.root.Stat(settingsFile); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	fields, err := readObject(i.root, settingsFile)
	if err != nil {
		return i.Report.Add(Entry{Kind: KindSetting, Item: settingsFile}.failed(why(err)))
	}
	settings := map[string]json.RawMessage{}
	flatten("", fields, settings)
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		e := Entry{Kind: KindSetting, Item: settingsFile, Name: name, Outcome: Skipped}
		switch {
		case !knownSetting.MatchString(name):
			i.Report.Unknown(settingsFile, []string{"settings." + name})
			continue
		case keySetting.MatchString(name):
			e.Reason = name + ": enter the key again in the vault's settings, where it is kept encrypted"
		default:
			e.Reason = name + ": set it again in the vault's settings"
		}
		if err := i.Report.Add(e); err != nil {
			return err
		}
	}
	return nil
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
