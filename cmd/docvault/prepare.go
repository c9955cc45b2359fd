package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/docvault/docvault/runtime/config"
	"github.com/docvault/docvault/runtime/provision"
	"github.com/docvault/docvault/runtime/store"
)

func runMigrate(ctx context.Context, get func(string) string) error {
	c, err := config.LoadMigrate(get)
	if err != nil {
		return err
	}
	version, err := migrate(ctx, c)
	if errors.Is(err, store.ErrBadURL) {
		return config.Problems{fmt.Sprintf("%s: %v", config.DatabaseMigrateURL, err)}
	}
	if errors.Is(err, store.ErrTooOld) {
		return config.Problems{err.Error()} // no further try will do
	}
	if errors.Is(err, store.ErrTaken) {
		return config.Problems{fmt.Sprintf("%s: %v, whose mark is in its table vault_mark: name another, "+
			"or empty that table if that vault is gone", config.DatabaseMigrateURL, err)}
	}
	if err != nil || c.ResultFile == "" {
		return err
	}
	result := fmt.Appendf(nil, `{"schemaVersion":%d}`, version)
	if err := os.WriteFile(c.ResultFile, result, 0o600); err != nil {
		slog.WarnContext(ctx, "the schema is up to date, but the result could not be written", "error", err)
	}
	return nil
}

func migrate(ctx context.Context, c config.Migrate) (version int, err error) {
	url, log := c.DatabaseURL.Reveal(), setLog(c.Log, "migrate")
	if c.Identity != "" {
		if err := store.Claim(ctx, url, c.Identity); err != nil {
			return 0, fmt.Errorf("claim the database: %w", err)
		}
		if err := store.Furnish(ctx, url); err != nil {
			return 0, fmt.Errorf("make the extensions: %w", err)
		}
	}
	if version, err = store.Migrate(ctx, url, log); err != nil {
		return 0, err
	}
	if c.AppLogin != "" {
		if err := store.Grant(ctx, url, c.AppLogin); err != nil {
			return 0, fmt.Errorf("grant the app login its rights: %w", err)
		}
	}
	return version, nil
}

func runProvision(ctx context.Context, get func(string) string) error {
	c, err := config.LoadProvision(get)
	if err != nil {
		return err
	}
	log := setLog(c.Log, "provision")
	admin, database, err := databaseOf(c)
	if err != nil {
		return err
	}
	if err := provisionPostgres(ctx, admin, database); err != nil {
		return fmt.Errorf("provision the database: %w", err)
	}
	log.InfoContext(ctx, "database is provisioned", "database", database.Name)
	if err := provisionObjectStore(ctx, c, database.Identity); err != nil {
		return fmt.Errorf("provision the bucket: %w", err)
	}
	log.InfoContext(ctx, "bucket is provisioned", "bucket", c.ObjectStore.Bucket)
	return nil
}

// databaseOf says what shall be on the Postgres server. Without an operator there is no ledger that names an identity, so it
// follows from the names themselves.
func databaseOf(c config.Provision) (admin provision.PostgresServer, d provision.Database, err error) {
	var wrong config.Problems
	read := func(name string, url config.Secret) (provision.PostgresServer, string) {
		server, database, err := provision.ParsePostgresURL(url.Reveal())
		if err != nil {
			wrong = append(wrong, fmt.Sprintf("%s: %v", name, err))
		}
		return server, database
	}
	admin, _ = read(config.PostgresAdminURL, c.PostgresAdminURL)
	app, database := read(config.DatabaseURL, c.DatabaseURL)
	migrate, same := read(config.DatabaseMigrateURL, c.DatabaseMigrateURL)
	d = provision.Database{
		Identity: identity(database, c.ObjectStore.Bucket), Name: database,
		OwnerRole: database + "_owner_role", AppRole: database + "_app_role",
		Logins: []provision.Login{
			{Name: migrate.User, Password: migrate.Password, Role: provision.Migrate},
			{Name: app.User, Password: app.Password, Role: provision.App},
		},
	}
	if len(wrong) == 0 {
		wrong = agree(d, app, migrate, same)
	}
	if len(wrong) > 0 {
		return admin, d, wrong
	}
	return admin, d, nil
}

// agree finds what is wrong between settings that are each right.
func agree(d provision.Database, app, migrate provision.PostgresServer, migrateDatabase string) (wrong config.Problems) {
	if d.Name != migrateDatabase {
		wrong = append(wrong, config.DatabaseURL+" and "+config.DatabaseMigrateURL+" name different databases")
	}
	if app.User == migrate.User {
		wrong = append(wrong, config.DatabaseURL+" and "+config.DatabaseMigrateURL+" name the same login")
	}
	for _, login := range d.Logins {
		if login.Name == d.OwnerRole || login.Name == d.AppRole {
			wrong = append(wrong, fmt.Sprintf("the login %s has the name of a role that provision makes: choose another", login.Name))
		}
		if login.Name == "" || login.Password == "" {
			wrong = append(wrong, config.DatabaseURL+" and "+config.DatabaseMigrateURL+" need a user and a password each")
		}
	}
	return wrong
}

func identity(database, bucket string) string {
	sum := sha256.Sum256([]byte(database + "\x00" + bucket))
	return "env-" + hex.EncodeToString(sum[:10])
}

func provisionPostgres(ctx context.Context, admin provision.PostgresServer, d provision.Database) error {
	server, err := provision.OpenPostgres(ctx, admin)
	if err != nil {
		return err
	}
	defer server.Close()
	_, err = server.EnsureDatabase(ctx, d)
	return err
}

func provisionObjectStore(ctx context.Context, c config.Provision, identity string) error {
	server, err := openObjectStore(ctx, c)
	if err != nil {
		return err
	}
	_, err = server.EnsureBucket(ctx, bucketOf(c, identity))
	return err
}

func openObjectStore(ctx context.Context, c config.Provision) (*provision.ObjectStore, error) {
	return provision.OpenObjectStore(ctx, provision.ObjectStoreServer{
		Endpoint: c.ObjectStore.Endpoint, Secure: c.ObjectStore.Secure, Region: c.ObjectStore.Region,
		AccessKey: c.MinioRootUser, SecretKey: c.MinioRootPassword.Reveal(),
	})
}

// bucketOf says what shall be on the object store. Nobody logs in as the user itself; its secret follows from the admin's, so that
// it is the same at each run.
func bucketOf(c config.Provision, identity string) provision.Bucket {
	o := c.ObjectStore
	secret := sha256.Sum256([]byte(identity + "\x00" + c.MinioRootPassword.Reveal()))
	return provision.Bucket{
		Identity: identity, Name: o.Bucket, User: o.Bucket + "-user", UserSecret: hex.EncodeToString(secret[:16]),
		Keys: []provision.Key{{AccessKey: o.AccessKey, SecretKey: o.SecretKey.Reveal()}},
	}
}
