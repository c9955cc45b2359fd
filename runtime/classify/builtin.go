package classify

import (
	"context"
	"math"
	"slices"

	"github.com/docvault/docvault/runtime/document"
)

const (
	builtinName = NameBuiltin
	// builtinModel changes whenever the same request may get another answer.
	builtinModel = "terms-2"

	// maxJudgedBytes is how much of a text is judged, some 10,000 words: what a document is about stands at its beginning.
	maxJudgedBytes = 64 << 10
	// maxChosen is how many topics a document gets at most.
	maxChosen = 3
	// threshold is the confidence from which a topic is chosen.
	threshold = 0.5
)

// Builtin is the provider without key and network. It looks for the words of a topic's name and description in the text, and for
// likeness with documents that were filed by hand. Same request, same answer. It is safe for use by many goroutines.
type Builtin struct{ lessons lessons }

// NewBuiltin returns the builtin provider.
func NewBuiltin() *Builtin { return &Builtin{lessons: newLessons()} }

// Check implements Provider. The builtin provider is always ready.
func (*Builtin) Check(context.Context) error { return nil }

// Classify implements Provider. It fails only when ctx ends.
func (b *Builtin) Classify(ctx context.Context, r Request) (Result, error) {
	text, cut := head(r.Text, maxJudgedBytes)
	result := Result{Provider: builtinName, Model: builtinModel, Truncated: cut, Confidence: map[document.ID]float64{}}
	doc := newBag(text)
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	learned := b.lessons.of(r.Topics)
	likeness := learned.likenesses(text)
	scores := make([]score, 0, len(r.Topics))
	for i, topic := range r.Topics {
		byWords, byExamples := learned.words.confidence(doc, i), likeness[i]
		// Two independent witnesses: wrong only if both are.
		scores = append(scores, score{topic.ID, 1 - (1-byWords)*(1-byExamples)})
	}
	for _, s := range best(scores) {
		result.Confidence[s.id] = math.Round(s.confidence*100) / 100
	}
	return result, nil
}

type score struct {
	id         document.ID
	confidence float64
}

// best returns what passes the threshold, the most confident first; equal ones by id, so that the order of topics decides nothing.
func best(scores []score) []score {
	scores = slices.DeleteFunc(scores, func(s score) bool { return s.confidence < threshold })
	slices.SortFunc(scores, func(a, b score) int {
		switch {
		case a.confidence > b.confidence:
			return -1
		case a.confidence < b.confidence:
			return 1
		}
		return slices.Compare(a.id[:], b.id[:])
	})
	return scores[:min(len(scores), maxChosen)]
}

const (
	// A name says more than a description. Long ones count no more than short ones: weights shrink with the root of the length.
	nameWeight        = 1.0
	descriptionWeight = 0.6
	descriptionTerms  = 3.0 // a description of so many words counts in full
	// densityGain turns how dense a word is into how sure it makes: a word that is one in eleven of a page's 120 words (density 1)
	// makes 95 % of all it can.
	densityGain = 3.0
	// evidenceGain turns evidence into confidence: the one word of a name, as dense as can be, makes 0.7.
	evidenceGain = 1.2
)

// vocabulary is the words of all topics.
type vocabulary struct {
	labels []map[string]float64 // of each topic: terms with their weights
	sorted [][]string           // the terms of labels: sums of floats depend on the order
	shared map[string]int       // in how many topics a term stands
}

func newVocabulary(topics []Topic) vocabulary {
	v := vocabulary{shared: map[string]int{}}
	for _, t := range topics {
		weights := labelWeights(t)
		v.labels, v.sorted = append(v.labels, weights), append(v.sorted, sortedKeys(weights))
		for term := range weights {
			v.shared[term]++
		}
	}
	return v
}

// labelWeights weighs the terms of a topic's name and description.
func labelWeights(t Topic) map[string]float64 {
	weights := map[string]float64{}
	description := unique(terms(t.Description))
	for _, term := range description {
		weights[term] = descriptionWeight * min(1, math.Sqrt(descriptionTerms/float64(len(description))))
	}
	name := unique(terms(t.Name))
	for _, term := range name {
		weights[term] = max(weights[term], nameWeight/math.Sqrt(float64(len(name))))
	}
	return weights
}

// confidence tells from a topic's own words how sure it is that doc belongs there. Words that several topics share tell less.
func (v vocabulary) confidence(doc bag, topic int) float64 {
	evidence := 0.0
	for _, term := range v.sorted[topic] {
		evidence += v.labels[topic][term] / float64(v.shared[term]) * (1 - math.Exp(-densityGain*doc.density(term)))
	}
	return 1 - math.Exp(-evidenceGain*evidence)
}
