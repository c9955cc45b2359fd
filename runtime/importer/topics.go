package importer

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/vault"
)

// What a vault takes of a topic, in characters.
const (
	maxTopicName   = 100
	maxDescription = 10_000
)

var color = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

// topicBook knows the vault's topics by the folder's ids and by name.
type topicBook struct {
	byID   map[string]document.Topic // as the folder writes it
	byName map[string]document.Topic // lower case
}

func newTopicBook() *topicBook {
	return &topicBook{byID: map[string]document.Topic{}, byName: map[string]document.Topic{}}
}

// takeTopics takes over topics.json: a list, an object {"topics": …}, or an object with a topic for each key.
func (i *Importer) takeTopics(ctx context.Context) error {
	if _, err := i.root.Stat(topicsFile); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var content json.RawMessage
	if err := readJSON(i.root, topicsFile, &content); err != nil {
		return i.Report.Add(Entry{Kind: KindTopic, Item: topicsFile}.failed(why(err)))
	}
	listed, ok := listTopics(content)
	if !ok {
		return i.Report.Add(Entry{Kind: KindTopic, Item: topicsFile}.failed("malformed", "topics.json holds no list of topics"))
	}
	for number, value := range listed {
		if err := i.takeTopic(ctx, fmt.Sprintf("%s[%d]", topicsFile, number), value); err != nil {
			return err
		}
	}
	return nil
}

func listTopics(content json.RawMessage) (list []json.RawMessage, ok bool) {
	if json.Unmarshal(content, &list) == nil {
		return list, true
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(content, &object) != nil {
		return nil, false
	}
	if inner, found := object["topics"]; found {
		return listTopics(inner)
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		list = append(list, underKey(key, object[key]))
	}
	return list, true
}

// underKey completes a topic whose key in an object is its id or its name; a text as value is its description.
func underKey(key string, value json.RawMessage) json.RawMessage {
	topic := map[string]json.RawMessage{}
	if json.Unmarshal(value, &topic) != nil {
		topic = map[string]json.RawMessage{"description": value}
	}
	quoted, err := json.Marshal(key)
	if err != nil {
		return value
	}
	field := "name"
	if topic["name"] != nil {
		field = "id"
	}
	if topic[field] == nil {
		topic[field] = quoted
	}
	completed, err := json.Marshal(topic)
	if err != nil {
		return value
	}
	return completed
}

func (i *Importer) takeTopic(ctx context.Context, item string, value json.RawMessage) error {
	e := Entry{Kind: KindTopic, Item: item, Name: scalar(value)}
	id, topic := "", document.Topic{Name: e.Name}
	if topic.Name == "" {
		var fields map[string]json.RawMessage
		if json.Unmarshal(value, &fields) != nil {
			return i.Report.Add(e.failed("malformed", "not a topic"))
		}
		id, topic = scalar(fields["id"]), i.readTopic(item, fields, &e)
		e.Name = topic.Name
	}
	err := i.bringIn(ctx, id, topic, &e)
	if err != nil && !endsRun(ctx, err) {
		return i.Report.Add(e.failed("invalid", err.Error()))
	}
	if err != nil {
		return err
	}
	return i.Report.Add(e)
}

// readTopic makes of a topic what the vault takes, and notes what that changes.
func (i *Importer) readTopic(item string, fields map[string]json.RawMessage, e *Entry) document.Topic {
	t := document.Topic{
		Name: scalar(fields["name"]), Description: validText(scalar(fields["description"])), Color: scalar(fields["color"]),
	}
	if id, err := parseID(scalar(fields["id"])); err == nil {
		t.ID = id
	}
	if t.Color != "" && !color.MatchString(t.Color) {
		e.note("its color is not of the form #rrggbb: it gets the default")
		t.Color = ""
	}
	if text := []rune(t.Description); len(text) > maxDescription {
		e.note("its description was cut to %d characters", maxDescription)
		t.Description = string(text[:maxDescription])
	}
	var unknown []string
	for name := range fields {
		switch name {
		case "id", "name", "description", "color", "doc_count", "document_count", "count", "created_at", "updated_at":
		default:
			unknown = append(unknown, "topic."+name)
		}
	}
	i.Report.Unknown(item, unknown)
	return t
}

// bringIn makes sure that the vault has a topic, and remembers it.
func (i *Importer) bringIn(ctx context.Context, id string, topic document.Topic, e *Entry) error {
	name := topicName(topic.Name)
	if name != topic.Name {
		e.note("its name was made fit: %q", name)
	}
	topic.Name = name
	topic.Color = cmp.Or(topic.Color, vault.DefaultColor)
	err := i.patiently(ctx, func() error {
		found, added, err := i.Vault.ImportTopic(ctx, i.Actor, topic)
		topic.ID, e.Outcome = found, AlreadyThere
		if added {
			e.Outcome = Imported
		}
		return err
	})
	if err != nil {
		return err
	}
	e.ID = topic.ID.String()
	i.topics.byName[strings.ToLower(name)] = topic
	if id != "" {
		i.topics.byID[id] = topic
	}
	return nil
}

// topicName makes a name one that a vault takes, if there is anything of it.
func topicName(given string) string {
	name := strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, validText(given)))
	if runes := []rune(name); len(runes) > maxTopicName {
		name = strings.TrimSpace(string(runes[:maxTopicName]))
	}
	return name
}

// topicsOf returns the topics that a document is filed under. A name that topics.json does not have becomes a topic; an id that it does
// not have says nothing, which e notes. One document at a time comes here: see order.
func (i *Importer) topicsOf(ctx context.Context, r record, e *Entry) (topics []document.Topic, err error) {
	for _, ref := range r.topics {
		topic, found := i.topics.find(ref)
		if !found {
			if _, err := parseID(ref.name); err == nil || topicName(ref.name) == "" {
				e.note("it was filed under %q, which topics.json does not have", cmp.Or(ref.name, ref.id))
				continue
			}
			made := Entry{Kind: KindTopic, Item: e.Item, Name: topicName(ref.name)}
			if err := i.bringIn(ctx, ref.id, document.Topic{Name: ref.name}, &made); err != nil {
				return nil, err
			}
			if made.Outcome == Imported {
				if err := i.Report.Add(made); err != nil {
					return nil, err
				}
			}
			topic = i.topics.byName[strings.ToLower(topicName(ref.name))]
		}
		if !slices.ContainsFunc(topics, func(t document.Topic) bool { return t.ID == topic.ID }) {
			topics = append(topics, topic)
		}
	}
	return topics, nil
}

func (b *topicBook) find(r reference) (document.Topic, bool) {
	if topic, found := b.byID[r.id]; found && r.id != "" {
		return topic, true
	}
	topic, found := b.byName[strings.ToLower(topicName(r.name))]
	return topic, found && r.name != ""
}
