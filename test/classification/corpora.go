package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// readBrown reads the Brown corpus: 500 American texts of 1961, of 2,000 words each, in 15 genres.
func readBrown(dir string) ([]labelled, error) {
	list, err := os.ReadFile(filepath.Join(dir, "cats.txt")) //nolint:gosec // the directory is the caller's to name
	if err != nil {
		return nil, err
	}
	var documents []labelled
	for line := range strings.Lines(string(list)) {
		name, genre, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok {
			continue
		}
		tagged, err := os.ReadFile(filepath.Join(dir, filepath.Base(name))) //nolint:gosec // as above
		if err != nil {
			return nil, err
		}
		documents = append(documents, labelled{genre, untagged(string(tagged))})
	}
	return documents, nil
}

// readBrownKinds is the same with two topics.
func readBrownKinds(dir string) ([]labelled, error) {
	documents, err := readBrown(dir)
	for i, d := range documents {
		switch d.topic {
		case "fiction", "mystery", "science_fiction", "adventure", "romance", "humor":
			documents[i].topic = "fiction"
		default:
			documents[i].topic = "fact"
		}
	}
	return documents, err
}

// untagged takes the part of speech off each word: The/at jury/nn.
func untagged(text string) string {
	words := strings.Fields(text)
	for i, word := range words {
		if slash := strings.LastIndexByte(word, '/'); slash > 0 {
			words[i] = word[:slash]
		}
	}
	return strings.Join(words, " ")
}

// mailOfEach is how many messages of each kind are read.
const mailOfEach = 500

// readMail reads messages of SpamAssassin's public corpus, the bodies alone: headers would give them away.
func readMail(dir string) ([]labelled, error) {
	var documents []labelled
	for topic, folder := range map[string]string{"spam": "spam-1", "ham": "easy-ham-1"} {
		paths, err := filepath.Glob(filepath.Join(dir, folder, "*.json"))
		if err != nil {
			return nil, err
		}
		if len(paths) == 0 {
			return nil, fmt.Errorf("no messages in %s", filepath.Join(dir, folder))
		}
		for _, path := range paths[:min(mailOfEach, len(paths))] {
			raw, err := os.ReadFile(path) //nolint:gosec // as above
			if err != nil {
				return nil, err
			}
			var message struct{ Text string }
			if err := json.Unmarshal(raw, &message); err != nil {
				return nil, fmt.Errorf("read %s: %w", path, err)
			}
			_, body, _ := strings.Cut(message.Text, "\n\n")
			documents = append(documents, labelled{topic, body})
		}
	}
	return documents, nil
}
