package classify

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/docvault/docvault/runtime/document"
)

// read checks what a model answered against what it was asked: unknown ids are dropped and counted, of one that comes twice the
// higher confidence counts, confidences are brought to 0…1. Errors: *invalid.
func (p prompt) read(text string) (chosen map[document.ID]float64, unknown int, err error) {
	var answer struct {
		Topics *[]struct {
			ID         *string  `json:"id"`
			Confidence *float64 `json:"confidence"`
		} `json:"topics"`
	}
	if err := json.Unmarshal([]byte(withoutProse(text)), &answer); err != nil || answer.Topics == nil {
		return nil, 0, &invalid{"The answer is not a JSON object with a list named topics.", text}
	}
	chosen = map[document.ID]float64{}
	for _, t := range *answer.Topics {
		if t.ID == nil || t.Confidence == nil {
			return nil, 0, &invalid{"Each of the topics needs an id and a confidence.", text}
		}
		id, known := p.ids[*t.ID]
		if !known {
			unknown++
			continue
		}
		chosen[id] = max(chosen[id], min(max(*t.Confidence, 0), 1))
	}
	return likeliest(chosen), unknown, nil
}

// withoutProse returns the object in an answer: servers that know no schema let models talk before and after it.
func withoutProse(text string) string {
	first, last := strings.Index(text, "{"), strings.LastIndex(text, "}")
	if first < 0 || last < first {
		return text
	}
	return text[first : last+1]
}

// likeliest keeps maxAnswered topics, where a server did not keep to the bound.
func likeliest(chosen map[document.ID]float64) map[document.ID]float64 {
	if len(chosen) <= maxAnswered {
		return chosen
	}
	ids := slices.SortedFunc(maps.Keys(chosen), func(a, b document.ID) int {
		return cmp.Or(cmp.Compare(chosen[b], chosen[a]), slices.Compare(a[:], b[:]))
	})
	for _, id := range ids[maxAnswered:] {
		delete(chosen, id)
	}
	return chosen
}

func sortedNames(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }
