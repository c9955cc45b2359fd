package vault

import (
	"context"
	"fmt"
	"slices"

	"github.com/docvault/docvault/runtime/classify"
	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/store/sqlrows"
)

const (
	// judgedCharacters is how much of a text a provider gets to see, at most.
	judgedCharacters = 100_000
	// Of the documents that were filed by hand, the builtin provider learns from the newest of each topic: 20, or fewer where there are
	// many topics, so that a document does not wait for megabytes of others.
	mostExamples, fewestExamples = 20, 3
	examplesInAll                = 1_000
)

// request gathers what a provider needs. It has no topics, or no text, when there is nothing to judge.
func (v *Vault) request(ctx context.Context, id document.ID, begun sqlrows.BeginClassifyRow, s stored) (classify.Request, error) {
	topics, err := v.choice(ctx, begun)
	if err != nil || len(topics) == 0 {
		return classify.Request{}, err
	}
	start, err := v.store.TextStart(ctx, sqlrows.TextStartParams{DocumentID: id, Characters: judgedCharacters})
	if err != nil {
		return classify.Request{}, fmt.Errorf("get the text: %w", err)
	}
	if v.activeProvider(s) == classify.NameBuiltin { // others are not shown other documents
		if err := v.addExamples(ctx, id, topics); err != nil {
			return classify.Request{}, err
		}
	}
	return classify.Request{
		Text: start.Text, Cut: start.More, Topics: topics, SystemPrompt: v.systemPrompt(s),
	}, nil
}

// choice returns the topics that a document may be filed under.
func (v *Vault) choice(ctx context.Context, begun sqlrows.BeginClassifyRow) ([]classify.Topic, error) {
	rows, err := v.store.Topics(ctx, begun.Owner)
	if err != nil {
		return nil, fmt.Errorf("list the topics: %w", err)
	}
	var topics []classify.Topic
	for _, row := range rows {
		if begun.ClassificationAmong != nil && !slices.Contains(begun.ClassificationAmong, row.ID) {
			continue
		}
		topics = append(topics, classify.Topic{ID: row.ID, Name: row.Name, Description: row.Description})
	}
	return topics, nil
}

// addExamples gives each topic the beginnings of documents that were filed there by hand.
func (v *Vault) addExamples(ctx context.Context, id document.ID, topics []classify.Topic) error {
	ids, at := make([]document.ID, len(topics)), map[document.ID]int{}
	for i, topic := range topics {
		ids[i], at[topic.ID] = topic.ID, i
	}
	examples, err := v.store.TopicExamples(ctx, sqlrows.TopicExamplesParams{
		Topics: ids, ButNot: id, Characters: classify.ExampleBytes,
		PerTopic: int32(min(max(examplesInAll/len(topics), fewestExamples), mostExamples)),
	})
	if err != nil {
		return fmt.Errorf("get examples: %w", err)
	}
	for _, e := range examples {
		topic := &topics[at[e.TopicID]]
		topic.Examples = append(topic.Examples, e.Text)
	}
	return nil
}
