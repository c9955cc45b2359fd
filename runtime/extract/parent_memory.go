package extract

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// memoryWatchInterval is how often the memory of the child and its programs is looked at. The sandbox and the limits of text and
// pixels bound by themselves what can happen in between.
const memoryWatchInterval = 20 * time.Millisecond

// watchMemory stops the work when the process and what it runs hold more than limit bytes. A limit on address space would not do: the Go
// runtime and the sandbox reserve much more than they use.
func watchMemory(ctx context.Context, pid int, limit int64, stop context.CancelCauseFunc) {
	ticker := time.NewTicker(memoryWatchInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if treeBytes(pid) > limit {
				stop(errMemory)
				return
			}
		}
	}
}

// treeBytes is the memory of a process and all that descend from it.
func treeBytes(pid int) int64 {
	total := residentBytes(pid)
	for _, child := range childrenOf(pid) {
		total += treeBytes(child)
	}
	return total
}

// childrenOf reads the lists that the kernel keeps for each thread: of those that it started.
func childrenOf(pid int) []int {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid)) // its only error is of the pattern
	var children []int
	for _, list := range lists {
		data, err := os.ReadFile(list) //nolint:gosec // below /proc
		if err != nil {
			continue // the thread has ended
		}
		for _, field := range strings.Fields(string(data)) {
			if child, err := strconv.Atoi(field); err == nil {
				children = append(children, child)
			}
		}
	}
	return children
}

// residentBytes reads the second field of /proc/PID/statm, in pages, less the third: pages shared with others, such as the
// program's own code. 0 when the process is gone.
func residentBytes(pid int) int64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	var size, resident, shared int64
	if _, err := fmt.Sscan(string(data), &size, &resident, &shared); err != nil {
		return 0
	}
	return (resident - shared) * int64(os.Getpagesize())
}
