package httpapi

import (
	"github.com/docvault/docvault/runtime/vault"
)

func (a *api) listTopics(c *call) (any, error) {
	topics, err := a.vault.Topics(c.Context(), a.actor(c.Request))
	if err != nil {
		return nil, err
	}
	list := topicList{Topics: make([]topicBody, len(topics))}
	for i, t := range topics {
		list.Topics[i] = topicBody(t)
	}
	return list, nil
}

func (a *api) createTopic(c *call) (any, error) {
	var body topicNew
	if err := c.decode(&body); err != nil {
		return nil, err
	}
	color := vault.DefaultColor
	if body.Color != nil {
		color = *body.Color
	}
	t, err := a.vault.CreateTopic(c.Context(), a.actor(c.Request), body.Name, body.Description, color)
	if err != nil {
		return nil, err
	}
	return topicBody(t), nil
}

func (a *api) updateTopic(c *call) (any, error) {
	id, err := c.pathID()
	if err != nil {
		return nil, err
	}
	var body topicPatch
	if err := c.decode(&body); err != nil {
		return nil, err
	}
	t, err := a.vault.UpdateTopic(c.Context(), a.actor(c.Request), id, vault.TopicPatch(body))
	if err != nil {
		return nil, err
	}
	return topicBody(t), nil
}

func (a *api) deleteTopic(c *call) (any, error) {
	id, err := c.pathID()
	if err != nil {
		return nil, err
	}
	return nil, a.vault.DeleteTopic(c.Context(), a.actor(c.Request), id)
}
