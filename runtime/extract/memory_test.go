package extract_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/extract"
)

// Whatever comes, the processes that read a file hold no more memory than allowed, but for what the watch needs to see it.
func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	const limit, slack = 192 << 20, 48 << 20
	for name, content := range map[string][]byte{
		"9,990 by 9,990 pixels": bomb(t, 9_990, 9_990),
		"noise":                 encoded(t, noise(4000, 3000)),
		"a PDF of noise":        scanned(noise(2500, 2500), 8, "", onPaper),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ids := filepath.Join(t.TempDir(), "id")
			program := filepath.Join(t.TempDir(), "child")
			script := fmt.Sprintf("#!/bin/sh\necho $$ > %s\nexec '%s' \"$@\"\n", ids, self(t))
			if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
				t.Fatal(err)
			}
			ocr, err := extract.FindTesseract(t.Context(), []string{"eng"})
			if err != nil {
				t.Fatal(err)
			}
			e := extract.New(extract.Limits{MemoryBytes: limit, OCRPageTimeout: 5 * time.Second}, program, filepath.Join(os.TempDir(), "docvault-test-cache"))
			peak := make(chan int64, 1)
			ctx, stop := context.WithCancel(t.Context())
			go func() { peak <- peakOf(ctx, ids) }()
			kind, err := extract.Detect(content[:min(len(content), extract.HeadBytes)])
			if err != nil {
				t.Fatal(err)
			}
			_, err = e.WithOCR(ocr).Extract(t.Context(), kind.MIME, file(t, content))
			stop()
			if most := <-peak; most == 0 || most > limit+slack {
				t.Errorf("%d MiB (%v)", most>>20, err)
			}
			if err != nil && code(err) != document.CodeTooLargeToRead && code(err) != document.CodeTimedOut {
				t.Error(err)
			}
		})
	}
}

// peakOf is the most memory of its own that a process held together with what it runs, as often as can be looked.
func peakOf(ctx context.Context, ids string) int64 {
	var peak int64
	for ctx.Err() == nil {
		if data, err := os.ReadFile(ids); err == nil {
			if pid, err := strconv.Atoi(strings.TrimSpace(string(data))); err == nil {
				peak = max(peak, privateBytes(pid))
			}
		}
		time.Sleep(2 * time.Millisecond)
	}
	return peak
}

func privateBytes(pid int) int64 {
	var size, resident, shared int64
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	_, _ = fmt.Sscan(string(data), &size, &resident, &shared)
	total := (resident - shared) * int64(os.Getpagesize())
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		children, err := os.ReadFile(list)
		if err != nil {
			continue
		}
		for _, child := range strings.Fields(string(children)) {
			if id, err := strconv.Atoi(child); err == nil {
				total += privateBytes(id)
			}
		}
	}
	return total
}
