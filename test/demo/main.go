// Command demo puts documents into a running vault, waits until they are read
// and filed, and prints what became of them. With -check it goes on as a strict
// user would: bytes back, through the API and by presigned link, then deleted.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/docvault/docvault/test/client"
)

var topics = []client.Topic{
	{Name: "Invoices", Description: "Bills to pay: amounts, VAT, payment terms, due dates, bank transfers"},
	{Name: "Travel", Description: "Journeys: trains, flights, hotels, tickets, luggage, itineraries"},
}

func main() {
	address := flag.String("url", "http://127.0.0.1:8000", "the vault's address")
	check := flag.Bool("check", false, "also download and delete the documents")
	timeout := flag.Duration("timeout", 2*time.Minute, "for everything")
	flag.Parse()

	ctx, cancel := context.WithTimeout(context.Background(), *timeout)
	vault := &client.Client{BaseURL: *address, Token: os.Getenv("DOCVAULT_TOKEN")}
	err := run(ctx, vault, flag.Args(), *check)
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, vault *client.Client, paths []string, check bool) error {
	for _, topic := range topics {
		if err := vault.EnsureTopic(ctx, topic); err != nil {
			return fmt.Errorf("make topic %s: %w", topic.Name, err)
		}
	}
	documents, err := uploadAll(ctx, vault, paths)
	if err != nil {
		return err
	}
	if err := report(documents); err != nil {
		return err
	}
	if !check {
		return nil
	}
	for i, document := range documents {
		if err := checkAndDelete(ctx, vault, document.ID, paths[i]); err != nil {
			return fmt.Errorf("check %s: %w", document.OriginalName, err)
		}
	}
	fmt.Println("downloaded by API and by link, the bytes are the same; deleted, and gone")
	return nil
}

func uploadAll(ctx context.Context, vault *client.Client, paths []string) ([]client.Document, error) {
	documents := make([]client.Document, len(paths))
	for i, path := range paths {
		content, err := os.ReadFile(path) //nolint:gosec // named on the command line
		if err != nil {
			return nil, err
		}
		if documents[i], err = vault.Upload(ctx, filepath.Base(path), content); err != nil {
			return nil, fmt.Errorf("upload %s: %w", path, err)
		}
	}
	for i, document := range documents {
		var err error
		if documents[i], err = vault.WaitSettled(ctx, document.ID); err != nil {
			return nil, err
		}
		if failure := documents[i].Error; failure != nil {
			return nil, fmt.Errorf("%s ended as %s: %s %s", document.OriginalName, documents[i].Status, failure.Code, failure.Detail)
		}
	}
	return documents, nil
}

func report(documents []client.Document) error {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "DOCUMENT\tSTATUS\tTOPIC\tFIRST LINE")
	for _, document := range documents {
		topic := strings.Join(document.Topics, ", ")
		if topic == "" {
			topic = "(" + document.Classification.Status + ")"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", document.OriginalName, document.Status, topic, firstLine(document.ExtractedText))
	}
	return table.Flush()
}

func firstLine(text string) string {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			return line
		}
	}
	return ""
}

func checkAndDelete(ctx context.Context, vault *client.Client, id, path string) error {
	want, err := os.ReadFile(path) //nolint:gosec // named on the command line
	if err != nil {
		return err
	}
	got, err := vault.Content(ctx, id)
	if err != nil {
		return fmt.Errorf("download: %w", err)
	}
	link, err := vault.DownloadURL(ctx, id)
	if err != nil {
		return fmt.Errorf("ask for a link: %w", err)
	}
	linked, err := client.Fetch(ctx, link)
	if err != nil {
		return fmt.Errorf("follow the link: %w", err)
	}
	if !bytes.Equal(got, want) || !bytes.Equal(linked, want) {
		return errors.New("the bytes that came back are not those that went in")
	}
	if err := vault.Delete(ctx, id); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	if _, err := vault.Get(ctx, id); !client.HasStatus(err, http.StatusNotFound) {
		return fmt.Errorf("after deletion: want 404, got %v", err) //nolint:errorlint // nil when it is still there
	}
	return nil
}
