package provision

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/minio/minio-go/v7"
)

const (
	// adminDatabase is where the admin works; every server has it. Advisory locks count per database, so all must use the same.
	adminDatabase = "postgres"
	// neutralDSN keeps pgx from reading a service or password file: every value that matters is set afterwards.
	neutralDSN     = "host=localhost port=5432 user=none password=none dbname=none sslmode=disable"
	connectTimeout = 10 * time.Second
	defaultPort    = 5432
)

// PostgresServer says where a Postgres server is and who provisions on it. The admin need not be superuser: CREATEDB and
// CREATEROLE are enough.
type PostgresServer struct {
	Host           string
	Port           int // 0: 5432
	User, Password string
	SSLMode        string // disable | prefer | require | verify-ca | verify-full; empty: verify-full
	CA             []byte // PEM; empty: the system's roots
}

// ParsePostgresURL reads a postgres:// URL (postgresql://, and SQLAlchemy's postgresql+psycopg:// too). Of its parameters only
// sslmode is taken (default: prefer, as libpq has it), so that none can name a file of this machine. Errors never quote the URL: it
// holds a password.
func ParsePostgresURL(text string) (s PostgresServer, database string, err error) {
	u, err := url.Parse(text)
	if err != nil {
		return s, "", errors.New("not a URL")
	}
	scheme, _, _ := strings.Cut(u.Scheme, "+")
	if scheme != "postgres" && scheme != "postgresql" {
		return s, "", errors.New("not a postgres:// URL")
	}
	password, _ := u.User.Password()
	s = PostgresServer{
		Host: u.Hostname(), Port: defaultPort, User: u.User.Username(), Password: password, SSLMode: u.Query().Get("sslmode"),
	}
	if s.SSLMode == "" {
		s.SSLMode = "prefer"
	}
	if u.Port() != "" {
		if s.Port, err = strconv.Atoi(u.Port()); err != nil {
			return s, "", errors.New("the port is not a number")
		}
	}
	database = strings.TrimPrefix(u.Path, "/")
	switch {
	case s.Host == "" || strings.Contains(s.Host, ","):
		return s, "", errors.New("one host is needed")
	case s.User == "":
		return s, "", errors.New("a user name is needed")
	case database == "" || strings.Contains(database, "/"):
		return s, "", errors.New("a database name is needed")
	}
	return s, database, nil
}

// connConfig is how to connect to a database of the server. search_path is pinned: on a tenant's database nothing that the
// tenant made can stand in for what the catalog provides (CVE-2018-1058 and its kin).
func (s PostgresServer) connConfig(database string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(neutralDSN)
	if err != nil {
		return nil, fmt.Errorf("configure the connection: %w", err)
	}
	config.Host, config.Port, config.Database = s.Host, defaultPort, database
	if s.Port != 0 {
		config.Port = uint16(s.Port) //nolint:gosec // a port; what does not fit is refused by the dial
	}
	config.User, config.Password = s.User, s.Password
	config.ConnectTimeout = connectTimeout
	config.RuntimeParams = map[string]string{"search_path": "pg_catalog", "application_name": "docvault-provision"}
	if config.TLSConfig, err = s.tlsConfig(); err != nil {
		return nil, err
	}
	config.Fallbacks = nil
	if s.SSLMode == "prefer" || s.SSLMode == "allow" {
		config.Fallbacks = []*pgconn.FallbackConfig{{Host: config.Host, Port: config.Port}}
	}
	return config, nil
}

func (s PostgresServer) tlsConfig() (*tls.Config, error) {
	config := &tls.Config{ServerName: s.Host, MinVersion: tls.VersionTLS12}
	if len(s.CA) > 0 {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(s.CA) {
			return nil, errors.New("the CA holds no certificate in PEM")
		}
	}
	switch s.SSLMode {
	case "disable":
		return nil, nil
	case "", "verify-full":
	case "verify-ca":
		verifyChainOnly(config)
	case "require", "prefer", "allow":
		config.InsecureSkipVerify = true // what these modes mean in libpq: encrypted, not authenticated
		if len(s.CA) > 0 {
			verifyChainOnly(config)
		}
	default:
		return nil, fmt.Errorf("sslmode %q is none of disable, prefer, require, verify-ca, verify-full", s.SSLMode)
	}
	return config, nil
}

// verifyChainOnly checks who signed the server's certificate, not for which name.
func verifyChainOnly(config *tls.Config) {
	config.InsecureSkipVerify = true // the callback below verifies the chain
	config.VerifyConnection = func(state tls.ConnectionState) error {
		options := x509.VerifyOptions{Roots: config.RootCAs, Intermediates: x509.NewCertPool()}
		for _, c := range state.PeerCertificates[1:] {
			options.Intermediates.AddCert(c)
		}
		_, err := state.PeerCertificates[0].Verify(options)
		return err
	}
}

// LoginRefused reports that a server does not take the credentials that it was given.
func LoginRefused(err error) bool {
	var s3 minio.ErrorResponse
	var admin *adminError
	var code string
	switch {
	case errors.As(err, &s3):
		code = s3.Code
	case errors.As(err, &admin):
		code = admin.Code
	}
	return code == "InvalidAccessKeyId" || code == "SignatureDoesNotMatch" || hasCode(err, codeInvalidPassword, codeInvalidAuthorization)
}

// ConnectCause returns why a connection failed without what pgx says before it: the admin's name is nobody else's business.
func ConnectCause(err error) error {
	var failed *pgconn.ConnectError
	if errors.As(err, &failed) {
		return failed.Unwrap()
	}
	return err
}
