package provision_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/docvault/docvault/runtime/provision"
)

// certificate signs itself, for a name.
func certificate(t *testing.T, name string) (tls.Certificate, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// inTLS stands before the real server and speaks TLS as Postgres does: SSLRequest, 'S', handshake.
func inTLS(t *testing.T, target string, cert tls.Certificate) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serveTLS(conn, target, cert)
		}
	}()
	return listener.Addr().(*net.TCPAddr).Port
}

func serveTLS(conn net.Conn, target string, cert tls.Certificate) {
	defer conn.Close()
	request := make([]byte, 8)
	if _, err := io.ReadFull(conn, request); err != nil || request[4] != 0x04 || request[5] != 0xd2 || request[7] != 0x2f {
		return // not SSLRequest (1234, 5679): no TLS, no service
	}
	if _, err := conn.Write([]byte("S")); err != nil {
		return
	}
	client := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
	server, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		_, _ = io.Copy(server, client)
		_ = server.Close()
	}()
	_, _ = io.Copy(client, server)
}

func TestSSLModes(t *testing.T) {
	t.Parallel()
	plain := superuser(t, "17")
	right, rightCA := certificate(t, "localhost")
	other, otherCA := certificate(t, "elsewhere.example")
	_, strangerCA := certificate(t, "localhost")
	here, elsewhere := inTLS(t, address(plain), right), inTLS(t, address(plain), other)
	for _, c := range []struct {
		mode  string
		port  int
		ca    []byte
		opens bool
	}{
		{"verify-full", here, rightCA, true},
		{"", here, rightCA, true},
		{"", here, nil, false},
		{"verify-full", here, strangerCA, false},
		{"verify-full", elsewhere, otherCA, false},
		{"verify-ca", elsewhere, otherCA, true},
		{"verify-ca", elsewhere, rightCA, false},
		{"require", elsewhere, nil, true},
		{"require", elsewhere, rightCA, false}, // as in libpq: a CA that is given is used
		{"prefer", elsewhere, nil, true},
		{"disable", here, nil, false},
		{"prefer", plain.Port, nil, true},
		{"disable", plain.Port, nil, true},
		{"require", plain.Port, nil, false},
		{"verify-full", plain.Port, rightCA, false},
		{"nonsense", plain.Port, nil, false},
		{"verify-full", here, []byte("no PEM"), false},
	} {
		s := plain
		s.Host, s.SSLMode, s.Port, s.CA = "localhost", c.mode, c.port, c.ca
		p, err := provision.OpenPostgres(t.Context(), s)
		if err == nil {
			p.Close()
		}
		if (err == nil) != c.opens {
			t.Errorf("sslmode %q at port %d (here %d, elsewhere %d, plain %d): %v", c.mode, c.port, here, elsewhere, plain.Port, err)
		}
	}
}
