package extract

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"

	"github.com/docvault/docvault/runtime/document"
)

// oleMagic begins the containers of Office 97 to 2003. Newer versions put a file with a password into one.
const oleMagic = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

// oleLocked is the entry that such a file is in.
var oleLocked = oleName("EncryptedPackage")

// oleOutlook is how the names of entries begin that only messages have ([MS-OXMSG] 2.2).
var oleOutlook = oleName("__substg1.0_")

// oleName is a name as directories of containers have it.
func oleName(name string) []byte {
	units := make([]byte, 0, 2*len(name))
	for _, b := range []byte(name) {
		units = append(units, b, 0)
	}
	return units
}

// tellOLE tells files with a password from old ones by the directory. One that lies behind the head leaves both possible: such a file is
// taken, and readOLE finds out.
func tellOLE(head []byte) (Type, bool) {
	head = bytes.TrimPrefix(head, bomUTF8)
	const headerSize, shiftAt, directoryAt = 512, 30, 48
	if !bytes.HasPrefix(head, []byte(oleMagic)) {
		return Type{}, false
	}
	if bytes.Contains(head, oleLocked) {
		return typeLocked, true
	}
	if bytes.Contains(head, oleOutlook) {
		return typeOutlook, true
	}
	if len(head) < headerSize || oldOffice(head[headerSize:]) {
		return typeOldOffice, true
	}
	shift := binary.LittleEndian.Uint16(head[shiftAt:])
	directory := (int64(binary.LittleEndian.Uint32(head[directoryAt:])) + 1) << min(shift, 12)
	if len(head) < HeadBytes || directory < HeadBytes {
		return typeOldOffice, true
	}
	return typeLocked, true
}

// oldOffice knows how the first stream of Word, Excel and PowerPoint files begins, which most have in front.
func oldOffice(content []byte) bool {
	for _, magic := range []string{"\xec\xa5\xc1\x00", "\x09\x08\x10\x00\x00\x06", "\x09\x08\x10\x00\x00\x05", "\x0f\x00\xe8\x03"} {
		if bytes.HasPrefix(content, []byte(magic)) {
			return true
		}
	}
	return false
}

// readOLE says why the file is not read.
func readOLE(_ context.Context, file *os.File, _ request) (Result, error) {
	buffer, is := make([]byte, 1<<20), typeOldOffice
	for kept := 0; ; {
		n, err := io.ReadFull(file, buffer[kept:])
		if bytes.Contains(buffer[:kept+n], oleLocked) {
			return Result{}, passwordRequired()
		}
		if bytes.Contains(buffer[:kept+n], oleOutlook) {
			is = typeOutlook
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return Result{}, &document.ReadError{Code: document.CodeUnsupported, Detail: is.instead}
		case err != nil:
			return Result{}, whyBroken(err)
		}
		kept = copy(buffer, buffer[len(buffer)-len(oleLocked):]) // where the name may have begun
	}
}
