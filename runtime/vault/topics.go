package vault

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/store/sqlrows"
)

// DefaultColor is a topic's color when none is given.
const DefaultColor = "#6366f1"

const (
	maxTopicName   = 100    // characters
	maxDescription = 10_000 // characters; descriptions go to models whole
)

var color = regexp.MustCompile(`^#[0-9a-f]{6}$`)

// TopicPatch changes what is not nil.
type TopicPatch struct {
	Name, Description, Color *string
}

// check also puts the values into the form in which they are kept.
func (p *TopicPatch) check() error {
	if p.Name != nil {
		name := strings.TrimSpace(*p.Name)
		if n := utf8.RuneCountInString(name); n < 1 || n > maxTopicName || strings.ContainsFunc(name, unicode.IsControl) {
			return &document.InvalidError{Field: "name", Detail: "has 1 to 100 characters, none of them control characters"}
		}
		p.Name = &name
	}
	if p.Description != nil && utf8.RuneCountInString(*p.Description) > maxDescription {
		return &document.InvalidError{Field: "description", Detail: "has at most 10,000 characters"}
	}
	if p.Color != nil {
		lower := strings.ToLower(*p.Color)
		if !color.MatchString(lower) {
			return &document.InvalidError{Field: "color", Detail: "is of the form #rrggbb"}
		}
		p.Color = &lower
	}
	return nil
}

// Topics returns all topics with their counts, by name.
func (v *Vault) Topics(ctx context.Context, a document.Actor) ([]document.Topic, error) {
	rows, err := v.store.Topics(ctx, a.Owner)
	if err != nil {
		return nil, fmt.Errorf("list the topics: %w", err)
	}
	topics := make([]document.Topic, len(rows))
	for i, row := range rows {
		topics[i] = document.Topic(row)
	}
	return topics, nil
}

// CreateTopic makes a topic. Errors: document.ErrConflict (the name is taken), *document.InvalidError.
func (v *Vault) CreateTopic(ctx context.Context, a document.Actor, name, description, color string) (document.Topic, error) {
	p := TopicPatch{Name: &name, Description: &description, Color: &color}
	if err := p.check(); err != nil {
		return document.Topic{}, err
	}
	topic := document.Topic{ID: document.NewID(), Name: *p.Name, Description: *p.Description, Color: *p.Color}
	err := v.store.AddTopic(ctx, sqlrows.AddTopicParams{
		ID: topic.ID, Owner: a.Owner, Name: topic.Name, Description: topic.Description, Color: topic.Color,
	})
	if err != nil {
		return document.Topic{}, fmt.Errorf("add the topic: %w", err)
	}
	return topic, nil
}

// UpdateTopic changes a topic. Errors: document.ErrNotFound, ErrConflict, *document.InvalidError.
func (v *Vault) UpdateTopic(ctx context.Context, a document.Actor, id document.ID, p TopicPatch) (document.Topic, error) {
	if err := p.check(); err != nil {
		return document.Topic{}, err
	}
	changed, err := v.store.ChangeTopic(ctx, sqlrows.ChangeTopicParams{
		ID: id, Owner: a.Owner, Name: p.Name, Description: p.Description, Color: p.Color,
	})
	if err != nil {
		return document.Topic{}, fmt.Errorf("change the topic: %w", err)
	}
	if changed == 0 {
		return document.Topic{}, document.ErrNotFound
	}
	row, err := v.store.Topic(ctx, sqlrows.TopicParams{Owner: a.Owner, ID: id})
	if err != nil {
		return document.Topic{}, fmt.Errorf("get the topic: %w", err)
	}
	return document.Topic(row), nil
}

// DeleteTopic removes a topic; its documents stay. Errors: document.ErrNotFound.
func (v *Vault) DeleteTopic(ctx context.Context, a document.Actor, id document.ID) error {
	if err := v.store.RemoveTopic(ctx, a.Owner, id); err != nil {
		return fmt.Errorf("remove the topic: %w", err)
	}
	return nil
}

// Classify asks for a document to be filed anew, among the named topics alone if any are given. It replaces what automatic filing
// chose before. Errors: document.ErrNotFound, *document.InvalidError (field "topics": an unknown name).
func (v *Vault) Classify(ctx context.Context, a document.Actor, id document.ID, topics []string) error {
	among, err := v.topicsFor(ctx, a, id, topics)
	if err != nil {
		return err
	}
	asked, err := v.store.AskClassify(ctx, sqlrows.AskClassifyParams{Among: among, Owner: a.Owner, Ids: []document.ID{id}})
	if err != nil {
		return fmt.Errorf("ask for classification: %w", err)
	}
	if len(asked) == 0 {
		return document.ErrNotFound
	}
	v.handOutAll(ctx, classifyTasks(asked))
	return nil
}

// MergeTopic files the documents of a topic under another, by hand, and removes it. Returns the other.
// Errors: document.ErrNotFound, document.ErrConflict (into itself), *document.InvalidError (field "into": there is none).
func (v *Vault) MergeTopic(ctx context.Context, a document.Actor, id, into document.ID) (document.Topic, error) {
	if id == into {
		_, err := v.store.Topic(ctx, sqlrows.TopicParams{Owner: a.Owner, ID: id})
		return document.Topic{}, cmp.Or(err, document.ErrConflict)
	}
	err := v.store.MergeTopic(ctx, a.Owner, id, into)
	if errors.Is(err, document.ErrStale) {
		return document.Topic{}, &document.InvalidError{Field: "into", Detail: "there is no such topic"}
	}
	if err != nil {
		return document.Topic{}, fmt.Errorf("merge the topics: %w", err)
	}
	row, err := v.store.Topic(ctx, sqlrows.TopicParams{Owner: a.Owner, ID: into})
	if err != nil {
		return document.Topic{}, fmt.Errorf("get the topic: %w", err)
	}
	return document.Topic(row), nil
}

// topicsFor is topicsNamed for a document; that it is not there is said before that a topic is not.
func (v *Vault) topicsFor(ctx context.Context, a document.Actor, id document.ID, names []string) ([]document.ID, error) {
	named, err := v.topicsNamed(ctx, a, names)
	if err != nil {
		_, gone := v.Get(ctx, a, id)
		return nil, cmp.Or(gone, err)
	}
	return named, nil
}

// topicsNamed returns nil for no names: the choice is free.
func (v *Vault) topicsNamed(ctx context.Context, a document.Actor, names []string) ([]document.ID, error) {
	if len(names) == 0 {
		return nil, nil
	}
	found, err := v.store.TopicsNamed(ctx, sqlrows.TopicsNamedParams{Owner: a.Owner, Names: names})
	if err != nil {
		return nil, fmt.Errorf("look for the topics: %w", err)
	}
	ids := make([]document.ID, len(found))
	known := make(map[string]bool, len(found))
	for i, topic := range found {
		ids[i] = topic.ID
		known[strings.ToLower(topic.Name)] = true
	}
	for _, name := range names {
		if !known[strings.ToLower(name)] {
			return nil, &document.InvalidError{Field: "topics", Detail: fmt.Sprintf("there is no topic %q", name)}
		}
	}
	return ids, nil
}

// topicWent says that a topic which was named a moment ago is gone.
func topicWent(err error) error {
	if errors.Is(err, document.ErrStale) {
		return &document.InvalidError{Field: "topics", Detail: "one of the topics was just removed"}
	}
	return err
}
