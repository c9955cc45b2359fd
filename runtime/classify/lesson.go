package classify

import (
	"hash/maphash"
	"math"
	"slices"
	"sync"
)

// ExampleBytes is how much of a text is compared, and of an example remembered: likeness of texts depends on how long they are.
const ExampleBytes = 4_000

const (
	// Two texts of one kind (two invoices) have a cosine of 0.3 to 0.6; two of different kinds 0.02 to 0.1. So much is known without
	// examples; from several of each topic it is learned how alike they are.
	unlike = 0.1
	alike  = 0.4
	// mostByExamples leaves room for what names and descriptions say.
	mostByExamples = 0.95
	// runnerUp is how near to the likest topic another must come to count.
	runnerUp = 0.8
	// fewest examples of a topic from which its own scale is learned.
	fewest = 5
	// strange is how much less alike than a topic's own examples, on average, a text may be to be like them at all.
	strange = 0.5
	// doubt widens what few examples seem to tell: the spread of five is taken for twice what it looks.
	doubt = 5.0
	// leastSpread keeps topics whose examples are all alike, such as one form, from being sure of everything that is a little like it.
	leastSpread = 0.002
)

// lesson is what can be learned from the topics and the documents that were filed there by hand.
type lesson struct {
	words   vocabulary
	standIn map[string]int // in how many examples a term stands
	index   map[string][]posting
	all     map[string]float64 // the sum of all examples' vectors
	n       []float64          // examples of each topic
	total   float64
	length  []float64 // of the sum of each topic's examples
	scales  []scale
}

// posting is the weight of a term in the sum of a topic's examples.
type posting struct {
	topic  int
	weight float64
}

// scale is what the advantages of one topic mean: those of its own examples lie around in, those of others around out. Below floor,
// its average cosine with the examples, a text is like nothing seen.
type scale struct {
	in, out, spread, odds float64
	floor                 float64
	learned               bool // else the common scale holds, of the cosine with the sum of the examples
}

// sure is the probability that a text of this advantage belongs to the topic.
func (s scale) sure(advantage float64) float64 {
	logit := (s.in-s.out)/(s.spread*s.spread)*(advantage-(s.in+s.out)/2) + math.Log(s.odds)
	return 1 / (1 + math.Exp(-logit))
}

func newLesson(topics []Topic) *lesson {
	l := &lesson{
		words: newVocabulary(topics), standIn: map[string]int{}, index: map[string][]posting{}, all: map[string]float64{},
		n: make([]float64, len(topics)), scales: make([]scale, len(topics)),
	}
	bags := make([][]bag, len(topics))
	for i, topic := range topics {
		for _, text := range topic.Examples {
			text, _ = head(text, ExampleBytes)
			b := newBag(text)
			if b.total == 0 {
				continue
			}
			bags[i] = append(bags[i], b)
			for _, term := range b.sorted {
				l.standIn[term]++
			}
		}
		l.n[i] = float64(len(bags[i]))
		l.total += l.n[i]
	}
	examples := make([][][]weighed, len(topics))
	for i := range bags {
		for _, b := range bags[i] {
			v := b.vector(l.rarity)
			examples[i] = append(examples[i], v)
			l.add(i, v)
		}
	}
	l.measure()
	l.calibrate(examples)
	return l
}

// measure takes the length of the sum of each topic's examples.
func (l *lesson) measure() {
	l.length = make([]float64, len(l.n))
	for _, term := range sortedKeys(l.all) {
		for _, p := range l.index[term] {
			l.length[p.topic] += p.weight * p.weight
		}
	}
	for i := range l.length {
		l.length[i] = math.Sqrt(l.length[i])
	}
}

// rarity is how much a term counts: the fewer examples it stands in, the more.
func (l *lesson) rarity(term string) float64 {
	return 1 + math.Log((l.total+1)/float64(max(l.standIn[term], 1)+1))
}

func (l *lesson) add(topic int, v []weighed) {
	for _, w := range v {
		list := l.index[w.term]
		if last := len(list) - 1; last >= 0 && list[last].topic == topic {
			list[last].weight += w.weight
		} else {
			l.index[w.term] = append(list, posting{topic, w.weight})
		}
		l.all[w.term] += w.weight
	}
}

// products returns how much a vector has in common with the sums of each topic's examples and of all examples.
func (l *lesson) products(v []weighed) (own []float64, all float64) {
	own = make([]float64, len(l.n))
	for _, w := range v {
		for _, p := range l.index[w.term] {
			own[p.topic] += w.weight * p.weight
		}
		all += w.weight * l.all[w.term]
	}
	return own, all
}

// advantage is how much more a text is like a topic's n examples than like the others, on average.
func advantage(own, n, all, total float64) float64 {
	s := own / n
	if total > n {
		s -= (all - own) / (total - n)
	}
	return s
}

// calibrate tries each example as if it had not been seen. Topics with few examples, or none to compare with, get the common scale.
func (l *lesson) calibrate(examples [][][]weighed) {
	if len(l.n) == 0 || slices.Max(l.n) < fewest {
		return // nothing to learn, and with a thousand topics much to try
	}
	type tried struct{ in, out, cosine []float64 }
	results := make([]tried, len(l.n))
	for topic, list := range examples {
		for _, v := range list {
			own, all := l.products(v)
			for t := range l.n {
				switch {
				case t == topic && l.n[t] > 1:
					results[t].in = append(results[t].in, advantage(own[t]-1, l.n[t]-1, all-1, l.total-1))
					results[t].cosine = append(results[t].cosine, (own[t]-1)/(l.n[t]-1))
				case t != topic && l.n[t] > 0:
					results[t].out = append(results[t].out, advantage(own[t], l.n[t], all-1, l.total-1))
				}
			}
		}
	}
	for t, r := range results {
		if len(r.in) < fewest || len(r.out) < fewest || mean(r.in) <= mean(r.out) {
			continue
		}
		none := l.total / float64(len(l.n)) // as if what fits no topic were one more of them
		l.scales[t] = scale{
			in: mean(r.in), out: mean(r.out),
			spread: (1 + doubt/float64(len(r.in))) * max(leastSpread, math.Sqrt((variance(r.in)+variance(r.out))/2)),
			odds:   l.n[t] / (l.total - l.n[t] + none), floor: strange * mean(r.cosine), learned: true,
		}
	}
}

// likenesses tells for each topic how sure its examples make that a text belongs there.
func (l *lesson) likenesses(text string) []float64 {
	text, _ = head(text, ExampleBytes)
	sure := make([]float64, len(l.n))
	own, all := l.products(newBag(text).vector(l.rarity))
	likest := 0.0
	for t, s := range l.scales {
		if l.n[t] == 0 || own[t]/l.n[t] < s.floor {
			continue
		}
		if s.learned {
			sure[t] = mostByExamples * s.sure(advantage(own[t], l.n[t], all, l.total))
		} else {
			sure[t] = mostByExamples * min(1, max(0, (own[t]/l.length[t]-unlike)/(alike-unlike)))
		}
		likest = max(likest, sure[t])
	}
	for t := range sure {
		if sure[t] < likest*runnerUp {
			sure[t] = 0
		}
	}
	return sure
}

func mean(list []float64) float64 {
	sum := 0.0
	for _, x := range list {
		sum += x
	}
	return sum / float64(len(list))
}

func variance(list []float64) float64 {
	m, sum := mean(list), 0.0
	for _, x := range list {
		sum += (x - m) * (x - m)
	}
	return sum / float64(len(list))
}

// keptLessons is how many lessons are kept: one for each owner whose documents are filed, and a few for restricted choices.
const keptLessons = 4

// lessons are kept from document to document, and learned anew once a topic or an example changed.
type lessons struct {
	mutex sync.Mutex
	seed  maphash.Seed
	kept  map[uint64]*lesson
	order []uint64 // the oldest first
}

func newLessons() lessons { return lessons{seed: maphash.MakeSeed(), kept: map[uint64]*lesson{}} }

// of returns the lesson of these topics. Of two that need the same one at once, one learns it and the other waits.
func (l *lessons) of(topics []Topic) *lesson {
	key := l.keyOf(topics)
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if known := l.kept[key]; known != nil {
		return known
	}
	learned := newLesson(topics)
	l.kept[key] = learned
	if l.order = append(l.order, key); len(l.order) > keptLessons {
		delete(l.kept, l.order[0])
		l.order = slices.Delete(l.order, 0, 1)
	}
	return learned
}

func (l *lessons) keyOf(topics []Topic) uint64 {
	var h maphash.Hash
	h.SetSeed(l.seed)
	write := func(text string) {
		_, _ = h.WriteString(text)
		_ = h.WriteByte(0xff) // stands in no text
	}
	for _, t := range topics {
		write(t.Name)
		write(t.Description)
		for _, example := range t.Examples {
			write(example)
		}
		_ = h.WriteByte(0xfe)
	}
	return h.Sum64()
}
