package blob

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/docvault/docvault/runtime/document"
)

const (
	// partsOfProcess bounds all uploads together to 16 x 8 MiB = 128 MiB, however many there are. Who has a buffer reads into it or
	// sends it, and never waits for another, so the uploads cannot block one another for good.
	partsOfProcess = 16
	// While others wait for a buffer, who reads into one must get leastPace bytes a second, on the average of paceWindow. With nobody
	// waiting it may be as slow as its sender likes.
	leastPace  = 64 << 10
	paceWindow = 5 * time.Second
)

// partBuffers hands out the buffers of parts, so many at a time, to who asked first. It keeps those of one upload for the next: made
// anew for each part, they would be half of the memory that an upload takes.
type partBuffers struct {
	paceWindow time.Duration

	mutex   sync.Mutex
	taken   int
	waiting []chan []byte // each gets its buffer from who gives one back
	kept    [][]byte
}

func newPartBuffers() *partBuffers { return &partBuffers{paceWindow: paceWindow} }

func (b *partBuffers) take(ctx context.Context) ([]byte, error) {
	b.mutex.Lock()
	if b.taken < partsOfProcess {
		defer b.mutex.Unlock()
		b.taken++
		return b.unused(), nil
	}
	turn := make(chan []byte, 1)
	b.waiting = append(b.waiting, turn)
	b.mutex.Unlock()
	select {
	case buffer := <-turn:
		return buffer, nil
	case <-ctx.Done():
		b.waitNoMore(turn)
		return nil, ctx.Err()
	}
}

// unused returns a buffer that was kept, or a new one.
func (b *partBuffers) unused() []byte {
	last := len(b.kept) - 1
	if last < 0 {
		return make([]byte, partSize)
	}
	buffer := b.kept[last]
	b.kept = b.kept[:last]
	return buffer
}

func (b *partBuffers) waitNoMore(turn chan []byte) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.waiting = slices.DeleteFunc(b.waiting, func(t chan []byte) bool { return t == turn })
	select {
	case buffer := <-turn: // it came at the same moment
		b.pass(buffer)
	default:
	}
}

func (b *partBuffers) give(buffer []byte) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.pass(buffer)
}

func (b *partBuffers) pass(buffer []byte) {
	if len(b.waiting) > 0 {
		b.waiting[0] <- buffer
		b.waiting = b.waiting[1:]
		return
	}
	b.taken--
	if len(b.kept) <= partsOnTheWay {
		b.kept = append(b.kept, buffer)
	}
}

// read takes a buffer and reads the next part into it. The buffer is nil when there is nothing to send; else it is the caller's to give
// back. Any error but io.EOF is ctx's or r's own, or document.ErrTooSlow: r brings too little while others wait.
func (b *partBuffers) read(ctx context.Context, r io.Reader) (buffer []byte, n int, err error) {
	if buffer, err = b.take(ctx); err != nil {
		return nil, 0, err
	}
	pace := pace{window: b.paceWindow, began: time.Now()}
	for n < len(buffer) && err == nil { // not io.ReadFull: it gives an end in the middle the name of a cut connection
		var m int
		m, err = r.Read(buffer[n:])
		n += m
		if err == nil {
			err = ctx.Err() // which r need not know
		}
		if err == nil && pace.isSlow(m) && b.giveWay(buffer) {
			return nil, 0, document.ErrTooSlow
		}
	}
	if n == 0 || (err != nil && !errors.Is(err, io.EOF)) {
		b.give(buffer)
		return nil, 0, err
	}
	return buffer, n, err
}

// giveWay passes a buffer on to who waits for one, if anybody does.
func (b *partBuffers) giveWay(buffer []byte) bool {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if len(b.waiting) == 0 {
		return false
	}
	b.pass(buffer)
	return true
}

// pace watches how fast bytes come in.
type pace struct {
	window time.Duration
	began  time.Time // of the present window
	bytes  int       // since then
	slow   bool      // the last whole window was
}

// isSlow counts n more bytes and tells of the last whole window.
func (p *pace) isSlow(n int) bool {
	p.bytes += n
	if lasted := time.Since(p.began); lasted >= p.window {
		p.slow = float64(p.bytes) < leastPace*lasted.Seconds()
		p.began, p.bytes = time.Now(), 0
	}
	return p.slow
}
