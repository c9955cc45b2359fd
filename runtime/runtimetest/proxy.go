package runtimetest

import (
	"net"
	"sync"
	"testing"
)

// Proxy stands before a server and breaks connections when told to.
type Proxy struct {
	// Addr is where the server is reached through the proxy.
	Addr string

	target   string
	listener net.Listener
	mutex    sync.Mutex
	changed  *sync.Cond
	refusing bool
	holding  bool
	open     map[net.Conn]struct{}
}

// NewProxy starts a proxy before target (host:port).
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Addr: listener.Addr().String(), target: target, listener: listener, open: map[net.Conn]struct{}{}}
	p.changed = sync.NewCond(&p.mutex)
	go p.accept()
	t.Cleanup(func() {
		_ = listener.Close()
		p.Refuse()
	})
	return p
}

// Cut breaks every connection there is; new ones are served.
func (p *Proxy) Cut() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for conn := range p.open {
		_ = conn.Close()
	}
	clear(p.open)
}

// Refuse breaks every connection there is, and every new one at once, until Resume.
func (p *Proxy) Refuse() {
	p.set(true, false)
	p.Cut()
}

// Hold lets connections stand and nothing through them, until Resume: a server that hangs.
func (p *Proxy) Hold() { p.set(false, true) }

// Resume serves again.
func (p *Proxy) Resume() { p.set(false, false) }

func (p *Proxy) set(refusing, holding bool) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.refusing, p.holding = refusing, holding
	p.changed.Broadcast()
}

func (p *Proxy) pass() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for p.holding {
		p.changed.Wait()
	}
}

func (p *Proxy) accept() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return
		}
		if !p.track(conn) {
			_ = conn.Close()
			continue
		}
		go p.serve(conn)
	}
}

// track refuses a connection by false.
func (p *Proxy) track(conn net.Conn) bool {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.refusing {
		return false
	}
	p.open[conn] = struct{}{}
	return true
}

func (p *Proxy) serve(conn net.Conn) {
	defer conn.Close()
	server, err := net.Dial("tcp", p.target) //nolint:noctx // ends with the connection
	if err != nil {
		return
	}
	defer server.Close()
	if !p.track(server) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { p.pipe(server, conn) })
	both.Go(func() { p.pipe(conn, server) })
	both.Wait()
}

// pipe ends the other direction too, when one has ended.
func (p *Proxy) pipe(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		p.pass()
		if _, failed := to.Write(buffer[:n]); err != nil || failed != nil {
			return
		}
	}
}
