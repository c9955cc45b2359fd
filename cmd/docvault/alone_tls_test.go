package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/docvault/docvault/runtime/config"
	"github.com/docvault/docvault/runtime/runtimetest"
)

// TestARedisWithAnAuthorityOfItsOwn is reached as the operator's pods are told to: by a second directory of certificates. Without it
// nothing is said to that server.
func TestARedisWithAnAuthorityOfItsOwn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	port := startTLSRedis(t, dir)
	i := newInstallation(t).with(config.VaultIdentity, "mine").with(config.RedisURL, "rediss://127.0.0.1:"+port+"/0")
	stranger := i.start(t, "worker", "metrics")
	trusting := i.with("SSL_CERT_DIR", t.TempDir()+":"+dir).start(t, "worker", "metrics")
	becomesReady(t, trusting, "the worker to trust its Redis", http.StatusOK)
	becomesReady(t, stranger, "the worker to trust nobody else's", http.StatusServiceUnavailable)
}

func startTLSRedis(t *testing.T, dir string) (port string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	self := &x509.Certificate{
		SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, self, self, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile := filepath.Join(dir, "redis.crt"), filepath.Join(t.TempDir(), "key.pem")
	for file, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: certificate}, keyFile: {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port = strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	listener.Close()
	server := exec.CommandContext(t.Context(), runtimetest.Env(t, "TEST_REDIS_SERVER"), "--bind", "127.0.0.1", "--port", "0",
		"--tls-port", port, "--tls-cert-file", certFile, "--tls-key-file", keyFile, "--tls-auth-clients", "no",
		"--save", "", "--dir", t.TempDir())
	server.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Wait() })
	return port
}
