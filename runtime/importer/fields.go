package importer

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// fieldSet is the fields of one metadata file that are known, by name. What it cannot read of them it notes in record.
type fieldSet struct {
	fields map[string]json.RawMessage
	record *record
}

// texts returns the texts that these fields hold, in their order.
func (f fieldSet) texts(names []string) []string {
	var texts []string
	for _, name := range names {
		value, found := f.fields[name]
		if !found {
			continue
		}
		var text string
		if err := json.Unmarshal(value, &text); err == nil {
			if text = strings.TrimSpace(text); text != "" {
				texts = append(texts, text)
			}
			continue
		}
		var number json.Number
		if err := json.Unmarshal(value, &number); err == nil {
			texts = append(texts, number.String())
			continue
		}
		f.record.note(name + " is not the text that is expected")
	}
	return texts
}

func (f fieldSet) number(names []string) (n int64, ok bool) {
	for _, text := range f.texts(names) {
		if _, err := fmt.Sscan(text, &n); err == nil && n >= 0 {
			return n, true
		}
	}
	return 0, false
}

// layouts of times: ISO 8601 as Python writes it, with or without a zone. Without one it is UTC.
var layouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999",
	"2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly,
}

// The times that Postgres and JSON both can say.
var (
	earliest = time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(9999, 12, 30, 0, 0, 0, 0, time.UTC)
)

// instant returns the first time that can be read; numbers are seconds since 1970.
func (f fieldSet) instant(names []string) time.Time {
	given := f.texts(names)
	for _, text := range given {
		if t, ok := parseInstant(text); ok && t.After(earliest) && t.Before(latest) {
			return t.UTC()
		}
	}
	if len(given) > 0 {
		f.record.note(fmt.Sprintf("the time %q cannot be read, and was not taken over", given[0]))
	}
	return time.Time{}
}

func parseInstant(text string) (t time.Time, ok bool) {
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	var seconds float64
	if n, err := fmt.Sscanf(text+"\n", "%g\n", &seconds); err != nil || n != 1 || math.Abs(seconds) > 1e12 {
		return t, false
	}
	return time.UnixMicro(int64(seconds * 1e6)), true
}

// reference names a topic, by its id in the folder, its name, or both.
type reference struct{ id, name string }

// topics are what the document was filed under. Where no field of topics is there, the classification may name some.
func (f fieldSet) topics() []reference {
	var found []reference
	for _, name := range topicFields {
		if value, given := f.fields[name]; given {
			found = append(found, f.references(name, value)...)
		}
	}
	value, given := f.fields[classificationField]
	if len(found) > 0 || !given {
		return unique(found)
	}
	var parts map[string]json.RawMessage
	if json.Unmarshal(value, &parts) != nil {
		return unique(f.references(classificationField, value))
	}
	for _, name := range topicFields {
		if value, given := parts[name]; given {
			found = append(found, f.references(classificationField+"."+name, value)...)
		}
	}
	return unique(found)
}

func unique(references []reference) []reference {
	var kept []reference
	for _, r := range references {
		if !slices.Contains(kept, r) {
			kept = append(kept, r)
		}
	}
	return kept
}

// references reads one topic or a list of them: texts, numbers (ids) or objects with id or name; or an object with a name for each key.
func (f fieldSet) references(field string, value json.RawMessage) []reference {
	var list []json.RawMessage
	if json.Unmarshal(value, &list) == nil {
		var all []reference
		for _, one := range list {
			all = append(all, f.references(field, one)...)
		}
		return all
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(value, &object) == nil {
		return fromObject(object)
	}
	text := scalar(value)
	if text == "" {
		if string(value) != "null" && string(value) != `""` {
			f.record.note(field + " holds something that is no topic")
		}
		return nil
	}
	return []reference{{id: text, name: text}}
}

func fromObject(object map[string]json.RawMessage) (all []reference) {
	r := reference{id: scalar(object["id"]), name: scalar(object["name"])}
	if r != (reference{}) {
		return []reference{r}
	}
	for name := range object {
		all = append(all, reference{name: name})
	}
	slices.SortFunc(all, func(a, b reference) int { return strings.Compare(a.name, b.name) })
	return all
}

// scalar returns a text or a number as text, and nothing of anything else.
func scalar(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return strings.TrimSpace(text)
	}
	var number json.Number
	if json.Unmarshal(value, &number) == nil {
		return number.String()
	}
	return ""
}
