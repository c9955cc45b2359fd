package extract_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/docvault/docvault/runtime/extract"
)

// BenchmarkDocuments reads documents two at a time, as a worker of two does: text PDFs of three pages, and scans of one page of A4.
func BenchmarkDocuments(b *testing.B) {
	page := strings.Repeat(strings.Join(letter, "\n")+"\n", 10)
	a4 := drawn(b, strings.Split(page, "\n")[:26]...)
	var scan pdfWriter
	scan.scan(a4, 1, "/MediaBox [0 0 595 842]", "q 595 0 0 842 0 0 cm /I1 Do Q\n")
	for name, content := range map[string][]byte{"text": pdf(page, page, page), "scan": scan.bytes()} {
		b.Run(name, func(b *testing.B) {
			e := newOCR(b, extract.Limits{})
			documents := 20
			if name == "scan" {
				documents = 6
			}
			for b.Loop() {
				readAll(b, e, content, documents)
			}
			b.ReportMetric(float64(documents)*60*float64(b.N)/b.Elapsed().Seconds(), "documents/min")
		})
	}
}

func readAll(b *testing.B, e *extract.Extractor, content []byte, documents int) {
	b.Helper()
	queue := make(chan struct{}, documents)
	for range documents {
		queue <- struct{}{}
	}
	close(queue)
	var workers sync.WaitGroup
	for range 2 {
		workers.Go(func() {
			for range queue {
				result, err := e.Extract(b.Context(), "application/pdf", file(b, content))
				if err != nil || strings.TrimSpace(result.Pages[0]) == "" {
					b.Errorf("%+v, %v", result, err)
				}
			}
		})
	}
	workers.Wait()
}
