package importer

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Kind is what an entry of the report is about.
type Kind string

// The kinds of entries.
const (
	KindDocument Kind = "document"
	KindTopic    Kind = "topic"
	KindSetting  Kind = "setting"
	KindFile     Kind = "file" // that is none of these
)

// Outcome is what became of a thing.
type Outcome string

// The outcomes.
const (
	Imported     Outcome = "imported"
	AlreadyThere Outcome = "already_there"
	Failed       Outcome = "failed"
	Skipped      Outcome = "skipped"
)

var (
	kinds    = []Kind{KindDocument, KindTopic, KindSetting, KindFile}
	outcomes = []Outcome{Imported, AlreadyThere, Failed, Skipped}
)

// maxUnknown bounds how many names of unknown fields are remembered.
const maxUnknown = 1000

// Entry is what became of one thing. Item says where it is in the folder.
type Entry struct {
	Kind    Kind     `json:"kind"`
	Item    string   `json:"item"`
	Outcome Outcome  `json:"outcome"`
	ID      string   `json:"id,omitempty"` // in the vault
	Name    string   `json:"name,omitempty"`
	Code    string   `json:"code,omitempty"`   // why it failed, for programs
	Reason  string   `json:"reason,omitempty"` // why it failed or was skipped, for people
	Notes   []string `json:"notes,omitempty"`  // what is not as it was
}

func (e Entry) failed(code, reason string) Entry {
	e.Outcome, e.Code, e.Reason = Failed, code, reason
	return e
}

// Field is a field that is not known.
type Field struct {
	Times int    `json:"times"`
	First string `json:"first"` // where it was seen
}

// Summary is what became of all.
type Summary struct {
	Complete      bool                     `json:"complete"` // the run came to its end
	Counts        map[Kind]map[Outcome]int `json:"counts"`
	UnknownFields map[string]Field         `json:"unknown_fields"` // by name; their values are not shown: they may be secrets
}

// Report is written while the run goes on, so that memory does not grow with the folder: for people what they should look at, for
// programs everything, as JSON. It is safe for use by many goroutines.
type Report struct {
	text, json io.Writer // either may be nil
	mutex      sync.Mutex
	summary    Summary
	entries    int
}

// NewReport returns a report for people into text and for programs into json; either may be nil.
func NewReport(text, json io.Writer) *Report {
	counts := map[Kind]map[Outcome]int{}
	for _, kind := range kinds {
		counts[kind] = map[Outcome]int{}
		for _, outcome := range outcomes {
			counts[kind][outcome] = 0
		}
	}
	return &Report{text: text, json: json, summary: Summary{Counts: counts, UnknownFields: map[string]Field{}}}
}

// Add writes an entry.
func (r *Report) Add(e Entry) error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.summary.Counts[e.Kind][e.Outcome]++
	if err := r.addText(e); err != nil {
		return err
	}
	return r.addJSON(e)
}

// addText leaves out what went as it should.
func (r *Report) addText(e Entry) error {
	if r.text == nil || (e.Reason == "" && len(e.Notes) == 0) {
		return nil
	}
	said := e.Notes
	if e.Reason != "" {
		said = append([]string{e.Reason}, said...)
	}
	// Quoted: names come from the folder, and could hold what a terminal obeys.
	if _, err := fmt.Fprintf(r.text, "%-13s %-8s %s %s\n", words(e.Outcome), e.Kind, quoted(e.Item), strings.Join(said, "; ")); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

func quoted(name string) string {
	if q := fmt.Sprintf("%q", name); q != `"`+name+`"` || strings.Contains(name, " ") {
		return q
	}
	return name
}

func (r *Report) addJSON(e Entry) error {
	if r.json == nil {
		return nil
	}
	before := ",\n"
	if r.entries == 0 {
		before = "{\"entries\": [\n"
	}
	r.entries++
	line, err := json.Marshal(e)
	if err == nil {
		_, err = fmt.Fprintf(r.json, "%s%s", before, line)
	}
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// Unknown counts fields that are not known.
func (r *Report) Unknown(item string, fields []string) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for _, name := range fields {
		field, found := r.summary.UnknownFields[name]
		if !found && len(r.summary.UnknownFields) == maxUnknown {
			name = "…"
			field, found = r.summary.UnknownFields[name]
		}
		if !found {
			field.First = item
		}
		field.Times++
		r.summary.UnknownFields[name] = field
	}
}

// Close ends the report, and returns what it comes to. complete says that the run came to its end.
func (r *Report) Close(complete bool) (Summary, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.summary.Complete = complete
	if r.text != nil {
		if _, err := io.WriteString(r.text, r.summary.text()); err != nil {
			return r.summary, fmt.Errorf("write the report: %w", err)
		}
	}
	if r.json == nil {
		return r.summary, nil
	}
	if r.entries == 0 {
		fmt.Fprint(r.json, "{\"entries\": [")
	}
	summary, err := json.Marshal(r.summary)
	if err == nil {
		_, err = fmt.Fprintf(r.json, "\n],\n\"summary\": %s}\n", summary)
	}
	if err != nil {
		return r.summary, fmt.Errorf("write the report: %w", err)
	}
	return r.summary, nil
}

// Failed tells how many things failed.
func (s Summary) Failed() (n int) {
	for _, counts := range s.Counts {
		n += counts[Failed]
	}
	return n
}

func (s Summary) text() string {
	var b strings.Builder
	for _, kind := range kinds {
		var parts []string
		for _, outcome := range outcomes {
			parts = append(parts, fmt.Sprintf("%d %s", s.Counts[kind][outcome], words(outcome)))
		}
		fmt.Fprintf(&b, "%-10s %s\n", string(kind)+"s:", strings.Join(parts, ", "))
	}
	if len(s.UnknownFields) > 0 {
		b.WriteString("fields that are not known, and were not taken over:\n")
		for _, name := range slices.Sorted(maps.Keys(s.UnknownFields)) {
			field := s.UnknownFields[name]
			fmt.Fprintf(&b, "  %s: %d times, first in %s\n", quoted(name), field.Times, quoted(field.First))
		}
	}
	if !s.Complete {
		b.WriteString("The run did not come to its end. Import again to go on.\n")
	}
	return b.String()
}

func words(o Outcome) string { return strings.ReplaceAll(string(o), "_", " ") }
