// Command crossing tries to get from one vault into another. It runs in a pod that has whatever the first one's pods have, in its
// environment, and reads from standard input what is no secret of the other. It prints the answer to each attempt and judges none:
// test/e2e does. With the argument "own" it goes where the vault's own pods go instead, by the same ways.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/minio/minio-go/v7"
)

// Map is what can be known without a secret of two vaults and of where they live.
type Map struct {
	Own, Other Vault
	Databases  []string // of the server, which are no vault's
	Admin      string   // of the server
	Operator   string   // its namespace
}

// Vault is what can be known of one. The MinIO user and the Secret with all its credentials, in the operator's namespace, have the
// name of its bucket.
type Vault struct {
	Namespace, Name  string
	Database, Bucket string
	Roles            []string // logins included
}

// Attempt is one line of output. Answer is "done", what the server called its refusal ("postgres 42501", "s3 AccessDenied",
// "redis NOPERM", "http 403"), "no answer" of one that was not reached, or what else went wrong.
type Attempt struct {
	Name, Answer string
}

// patience is how long an attempt may take: what a network policy drops is never answered.
const patience = 15 * time.Second

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "crossing:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	var m Map
	if err := json.NewDecoder(os.Stdin).Decode(&m); err != nil {
		return fmt.Errorf("read the map: %w", err)
	}
	store, err := openStore()
	if err != nil {
		return err
	}
	output := json.NewEncoder(os.Stdout)
	try := func(name string, attempt func(context.Context) error) {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		// A pipe that is broken ends the program by itself.
		_ = output.Encode(Attempt{Name: name, Answer: answer(attempt(ctx))})
	}
	if len(args) == 1 && args[0] == "own" {
		ownDatabase(try)
		ownBucket(try, store, m.Own)
		ownRedis(try, m.Own)
		ownServices(try, m.Own)
		return nil
	}
	crossDatabases(try, m)
	crossBuckets(try, store, m)
	crossStoreAdmin(try, store, m)
	crossRedis(try, m)
	crossServices(try, m)
	return nil
}

// trying makes one attempt and tells of it.
type trying func(name string, attempt func(context.Context) error)

// refusal is an answer that has no type of its own in the clients used here.
type refusal string

// Error implements error.
func (r refusal) Error() string { return string(r) }

func answer(err error) string {
	var (
		postgres *pgconn.PgError
		s3       minio.ErrorResponse
		refused  refusal
		network  net.Error
	)
	switch {
	case err == nil:
		return "done"
	case errors.As(err, &postgres):
		return "postgres " + postgres.Code
	case errors.As(err, &s3):
		return "s3 " + s3.Code
	case errors.As(err, &refused):
		return string(refused)
	case errors.As(err, &network) && network.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return "no answer"
	}
	return "failed: " + err.Error()
}
