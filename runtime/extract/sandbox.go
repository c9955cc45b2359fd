package extract

import (
	"syscall"

	"github.com/tetratelabs/wazero/experimental"
)

// sandboxMemory gives WebAssembly its memory: reserved at once, so that growing never copies (a copy would need three times the
// memory for a moment), and counted by the system only when touched.
type sandboxMemory struct {
	limit    uint64 // bytes
	reserved []byte
	denied   bool
}

// Allocate implements experimental.MemoryAllocator.
func (m *sandboxMemory) Allocate(_, _ uint64) experimental.LinearMemory {
	reserved, err := syscall.Mmap(-1, 0, int(m.limit), syscall.PROT_READ|syscall.PROT_WRITE, //nolint:gosec // a limit in bytes
		syscall.MAP_PRIVATE|syscall.MAP_ANON|syscall.MAP_NORESERVE)
	if err != nil {
		m.denied = true
		return m
	}
	m.reserved = reserved
	return m
}

// Reallocate implements experimental.LinearMemory.
func (m *sandboxMemory) Reallocate(size uint64) []byte {
	if size > uint64(len(m.reserved)) {
		m.denied = true
		return nil
	}
	return m.reserved[:size:size]
}

// Free implements experimental.LinearMemory.
func (m *sandboxMemory) Free() {
	_ = syscall.Munmap(m.reserved)
	m.reserved = nil
}

// refused reports whether more memory was asked for than there is.
func (m *sandboxMemory) refused() bool { return m.denied }
