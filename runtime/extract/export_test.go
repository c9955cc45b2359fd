package extract

import (
	"context"
	"os"
)

// Read reads in this process what Extract reads in a child: a fuzzer has no time for one.
func Read(ctx context.Context, mime string, file *os.File, limits Limits) (Result, error) {
	return request{MIME: mime, Limits: limits.withDefaults()}.read(ctx, file)
}
