package importer

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync"
	"syscall"
)

// locate finds the file of a document in uploads/, and notes that it is wanted.
func (i *Importer) locate(r record) (name string, err error) {
	var wanted []string
	for _, location := range r.locations {
		name, ok := inUploads(location)
		if !ok {
			return "", failure{"outside", fmt.Sprintf("its file %q lies outside of the folder", location)}
		}
		wanted = append(wanted, name)
	}
	if i.uploads == nil {
		return "", failure{"file_missing", "there is no folder uploads"}
	}
	err = failure{"file_missing", "its file is not in uploads, and no object of the bucket is named"}
	for _, name := range append(wanted, r.guesses()...) {
		info, statErr := i.uploads.Stat(name)
		switch {
		case statErr == nil && info.Mode().IsRegular():
			i.used.add(name)
			return name, nil
		case statErr != nil && !errors.Is(statErr, fs.ErrNotExist) && !errors.Is(statErr, syscall.ENOTDIR):
			err = unreadable(name)
		}
	}
	return "", err
}

// inUploads returns where a location lies in uploads/, whatever folder of another machine it begins with.
func inUploads(location string) (name string, ok bool) {
	name = strings.ReplaceAll(location, `\`, "/")
	at := strings.LastIndex("/"+name, "/"+uploadsFolder+"/")
	switch {
	case at >= 0:
		name = name[at+len(uploadsFolder)+1:]
	case path.IsAbs(name), len(name) > 1 && name[1] == ':':
		name = path.Base(name)
	}
	name = path.Clean(name)
	return name, fs.ValidPath(name) && name != "."
}

// openFile opens a regular file. It does not wait for the other end of a pipe.
func openFile(root *os.Root, name string) (*os.File, error) {
	file, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, unreadable(name)
	}
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		_ = file.Close()
		return nil, unreadable(name)
	}
	return file, nil
}

func unreadable(name string) error {
	return failure{"unreadable", fmt.Sprintf("%q cannot be read, or leads out of the folder", name)}
}

// readJSON reads a whole file of JSON. Errors are for the report: what is wrong, without the content.
func readJSON(root *os.Root, name string, into any) error {
	file, err := openFile(root, name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.LimitReader(file, maxJSONBytes+1))
	switch {
	case err != nil:
		return unreadable(name)
	case len(content) > maxJSONBytes:
		return failure{"malformed", fmt.Sprintf("larger than %d MiB", maxJSONBytes>>20)}
	}
	content = []byte(strings.TrimPrefix(string(content), "\uFEFF"))
	if err := json.Unmarshal(content, into); err != nil {
		return failure{"malformed", "not the JSON that is expected"}
	}
	return nil
}

// readObject reads a file that holds a JSON object.
func readObject(root *os.Root, name string) (map[string]json.RawMessage, error) {
	var fields map[string]json.RawMessage
	if err := readJSON(root, name, &fields); err != nil {
		return nil, err
	}
	if fields == nil {
		return nil, failure{"malformed", "not a JSON object"}
	}
	return fields, nil
}

// usedFiles remembers which files were named, by a hash of 8 bytes: a hundred thousand take a few MiB.
type usedFiles struct {
	mutex  sync.Mutex
	seed   maphash.Seed
	hashes map[uint64]struct{}
}

func (u *usedFiles) add(name string) {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	if u.hashes == nil {
		u.seed, u.hashes = maphash.MakeSeed(), map[uint64]struct{}{}
	}
	u.hashes[maphash.String(u.seed, name)] = struct{}{}
}

func (u *usedFiles) has(name string) bool {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	if u.hashes == nil {
		return false
	}
	_, found := u.hashes[maphash.String(u.seed, name)]
	return found
}
