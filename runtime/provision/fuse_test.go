package provision_test

import (
	"bytes"
	"net"
	"regexp"
	"sync"
	"testing"
)

// What changes something on a server, as it crosses the wire. Messages between two of these leave the server as it was, so a crash there
// is a crash after the one before.
var (
	sqlEffect  = regexp.MustCompile(`(CREATE|ALTER|GRANT|REVOKE|COMMENT ON|DROP|INSERT INTO|DELETE FROM|UPDATE \w+ SET|pg_terminate_backend)\b`)
	httpEffect = regexp.MustCompile(`^(PUT|POST|DELETE) /`)
)

// fuse stands between a client and a server and cuts everything at the nth effect, as a crash of the client would: the server does what
// it was told and the client never hears of it.
type fuse struct {
	net.Listener
	target string
	effect *regexp.Regexp

	mu     sync.Mutex
	left   int
	blown  bool
	conns  []net.Conn
	record bytes.Buffer // what clients sent
}

// newFuse lets n effects pass.
func newFuse(t *testing.T, target string, effect *regexp.Regexp, n int) *fuse {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fuse{Listener: listener, target: target, effect: effect, left: n}
	t.Cleanup(f.blow)
	go f.serve()
	return f
}

func (f *fuse) port() int { return f.Addr().(*net.TCPAddr).Port }

func (f *fuse) sent() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.record.String()
}

func (f *fuse) hasBlown() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.blown
}

func (f *fuse) serve() {
	for {
		client, err := f.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", f.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		f.mu.Lock()
		f.conns = append(f.conns, client, server)
		f.mu.Unlock()
		go f.forward(client, server)
		go f.answer(client, server)
	}
}

func (f *fuse) forward(client, server net.Conn) {
	defer server.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		f.mu.Lock()
		if f.effect.Match(buffer[:n]) {
			f.left--
		}
		f.record.Write(buffer[:n])
		f.mu.Unlock()
		if _, err := server.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (f *fuse) answer(client, server net.Conn) {
	defer client.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := server.Read(buffer)
		f.mu.Lock()
		last := f.left < 0
		f.mu.Unlock()
		if last {
			f.blow()
			return
		}
		if _, werr := client.Write(buffer[:n]); err != nil || werr != nil {
			return
		}
	}
}

// blow ends everything.
func (f *fuse) blow() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.blown = true
	_ = f.Close()
	for _, c := range f.conns {
		_ = c.Close()
	}
}
