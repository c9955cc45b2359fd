package controllers_test

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
)

// postgres serves in front of the Postgres at address and returns its own address.
func (e *effects) postgres(t testing.TB, address string) string {
	t.Helper()
	listener := listen(t)
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go e.relaySQL(client, address)
		}
	}()
	return listener.Addr().String()
}

func (e *effects) relaySQL(client net.Conn, address string) {
	defer client.Close()
	if e.isCut() || e.isAway(postgresServer) {
		return
	}
	server, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer server.Close()
	defer e.keepSession(server)()
	// Whoever is cut off by another effect loses this connection too.
	ended := make(chan struct{})
	defer close(ended)
	lastWord := make(chan struct{}) // closed when this connection made the effect that cuts the operator off
	cut := e.whenCut()
	go func() {
		select {
		case <-ended:
		case <-cut:
			select {
			case <-lastWord:
			default:
				client.Close()
				server.Close()
			}
		}
	}()
	go e.relayStatements(client, server, lastWord)
	relayAnswers(server, client, lastWord)
}

// relayStatements passes on what the client says, noting each statement that changes something.
func (e *effects) relayStatements(client, server net.Conn, lastWord chan struct{}) {
	in := bufio.NewReader(client)
	if !relayStartup(in, server) {
		server.Close()
		return
	}
	prepared := map[string]string{}
	for {
		kind, body, err := readMessage(in)
		if err != nil {
			server.Close()
			return
		}
		if sql := statementOf(kind, body, prepared); changesSQL.MatchString(sql) {
			e.note("sql "+strings.Join(strings.Fields(sql), " "), func() { close(lastWord) })
		}
		if writeMessage(server, kind, body) != nil {
			return
		}
	}
}

var changesSQL = regexp.MustCompile(`(?i)(?:^|;)\s*(?:ALTER|CREATE|DROP|GRANT|REVOKE|COMMENT|REASSIGN|INSERT|UPDATE|DELETE|TRUNCATE|DO|COMMIT)\b`)

// statementOf returns the SQL that a message of the client has carried out, if any.
func statementOf(kind byte, body []byte, prepared map[string]string) string {
	fields := strings.SplitN(string(body), "\x00", 3)
	switch kind {
	case 'Q':
		return fields[0]
	case 'P':
		prepared[fields[0]] = fields[1]
	case 'B':
		return prepared[fields[1]]
	}
	return ""
}

// relayAnswers passes on what the server says; once lastWord is closed, the effect is awaited and its answer withheld.
func relayAnswers(server, client net.Conn, lastWord chan struct{}) {
	in := bufio.NewReader(server)
	for {
		kind, body, err := readMessage(in)
		if err != nil {
			return
		}
		select {
		case <-lastWord:
			if kind == 'Z' {
				return
			}
		default:
			if writeMessage(client, kind, body) != nil {
				return
			}
		}
	}
}

// relayStartup passes on the first message, the only one without a kind.
func relayStartup(in io.Reader, out io.Writer) bool {
	head := make([]byte, 4)
	if _, err := io.ReadFull(in, head); err != nil {
		return false
	}
	body := make([]byte, binary.BigEndian.Uint32(head)-4)
	if _, err := io.ReadFull(in, body); err != nil {
		return false
	}
	_, err := out.Write(append(head, body...))
	return err == nil
}

func readMessage(in io.Reader) (kind byte, body []byte, err error) {
	head := make([]byte, 5)
	if _, err := io.ReadFull(in, head); err != nil {
		return 0, nil, err
	}
	body = make([]byte, binary.BigEndian.Uint32(head[1:])-4)
	_, err = io.ReadFull(in, body)
	return head[0], body, err
}

func writeMessage(out io.Writer, kind byte, body []byte) error {
	head := binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(body)+4))
	_, err := out.Write(append(head, body...))
	return err
}
