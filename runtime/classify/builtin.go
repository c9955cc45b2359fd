package classify

import (
	"context"
	"math"

	"github.com/docvault/docvault/runtime/document"
)

// Weights of the builtin provider. They were set on the texts of builtin_test.go, by hand.
const (
	nameWeight        = 3.0 // a word of the topic's name
	descriptionWeight = 1.0 // a word of its description
	exampleWeight     = 4.0 // likeness to the documents filed by hand, 0 to 1
	// enough is the evidence from which on a topic is chosen: a word of its name, once (3 × 1/3), or three words of its
	// description. The confidence is then a little over one half.
	enough = 0.9
	// chosenMost bounds how many topics one document gets: a text that speaks of everything is about nothing.
	chosenMost = 3
	// runnerUp is how close to the best topic another must come to be chosen too.
	runnerUp = 0.6
)

// Builtin is the provider without key and network. It compares the words of a text with those of the topics' names and
// descriptions and with the documents filed by hand. Same request, same answer.
type Builtin struct{}

// NewBuiltin returns the builtin provider.
func NewBuiltin() *Builtin { return &Builtin{} }

// Check implements Provider. The builtin provider is always ready.
func (*Builtin) Check(context.Context) error { return nil }

// Classify implements Provider. The only error is that of a context that has ended.
func (*Builtin) Classify(ctx context.Context, r Request) (Result, error) {
	text, truncated := head(r.Text)
	profiles := profilesOf(r.Topics)
	rarity := rarityOf(profiles)
	words := terms(text)
	evidence := make(map[document.ID]float64, len(profiles))
	for _, p := range profiles {
		if err := ctx.Err(); err != nil {
			return Result{}, err
		}
		evidence[p.id] = p.evidence(words, rarity)
	}
	return Result{Provider: "builtin", Confidence: choose(evidence), Truncated: truncated}, nil
}

// profile is what is known of one topic.
type profile struct {
	id       document.ID
	said     map[string]float64 // weight by word of name and description
	examples map[string]float64 // share of the examples that a word occurs in
}

func profilesOf(topics []Topic) []profile {
	profiles := make([]profile, 0, len(topics))
	for _, topic := range topics {
		p := profile{id: topic.ID, said: map[string]float64{}, examples: map[string]float64{}}
		for word := range terms(topic.Description) {
			p.said[word] = descriptionWeight
		}
		for word := range terms(topic.Name) {
			p.said[word] = nameWeight
		}
		for _, example := range topic.Examples {
			for word := range terms(example) {
				p.examples[word] += 1 / float64(len(topic.Examples))
			}
		}
		profiles = append(profiles, p)
	}
	return profiles
}

// rarityOf tells how much a word says about a topic: 1 when only one topic has it, less the more do.
func rarityOf(profiles []profile) map[string]float64 {
	having := map[string]int{}
	for _, p := range profiles {
		for word := range p.said {
			having[word]++
		}
		for word := range p.examples {
			if _, counted := p.said[word]; !counted {
				having[word]++
			}
		}
	}
	rarity := make(map[string]float64, len(having))
	for word, n := range having {
		rarity[word] = 1 / float64(n)
	}
	return rarity
}

// evidence is how strongly the words of a text speak for the topic, from 0 on.
func (p profile) evidence(words map[string]int, rarity map[string]float64) float64 {
	sum := 0.0
	for word, weight := range p.said {
		if n := float64(words[word]); n > 0 {
			sum += weight * rarity[word] * n / (n + 2) // a third at the first occurrence, half at the second, never all
		}
	}
	return sum + exampleWeight*p.likeness(words, rarity)
}

// likeness is the cosine between the words of a text and those of the examples, each weighed by its rarity.
func (p profile) likeness(words map[string]int, rarity map[string]float64) float64 {
	var product, ofText, ofExamples float64
	for word, n := range words {
		weight := (1 + math.Log(float64(n))) * rarity[word]
		ofText += weight * weight
		product += weight * p.examples[word] * rarity[word]
	}
	for word, share := range p.examples {
		ofExamples += share * share * rarity[word] * rarity[word]
	}
	if product == 0 {
		return 0
	}
	return product / math.Sqrt(ofText*ofExamples)
}

// choose keeps the topics with enough evidence and turns evidence into confidence: one half at enough, towards 1 beyond.
func choose(evidence map[document.ID]float64) map[document.ID]float64 {
	chosen := map[document.ID]float64{}
	best := 0.0
	for _, e := range evidence {
		best = max(best, e)
	}
	for id, e := range evidence {
		if e >= enough && e >= best*runnerUp {
			chosen[id] = 1 - math.Exp2(-e/enough)
		}
	}
	for len(chosen) > chosenMost {
		delete(chosen, weakest(chosen))
	}
	return chosen
}

// weakest returns the topic of the least confidence; of equal ones the one with the higher id, so that the choice is the same
// every time.
func weakest(chosen map[document.ID]float64) document.ID {
	var found document.ID
	least := math.Inf(1)
	for id, confidence := range chosen {
		if confidence < least || confidence == least && id.String() > found.String() {
			found, least = id, confidence
		}
	}
	return found
}
