package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"

	"github.com/jackc/pgx/v5"
)

// logins are the environment's two ways into the vault's own database.
var logins = map[string]string{"app": "DATABASE_URL", "migrate": "DATABASE_MIGRATE_URL"}

func ownDatabase(try trying) {
	for login := range logins {
		try(login+": read own rows", func(ctx context.Context) error { return sql(ctx, login, "", "SELECT count(*) FROM documents") })
	}
}

// brought are the roles of Postgres itself by which one gets at others' data.
var brought = []string{
	"pg_read_all_data", "pg_write_all_data", "pg_read_server_files", "pg_write_server_files", "pg_execute_server_program",
	"pg_signal_backend", "pg_monitor", "pg_read_all_stats",
}

func crossDatabases(try trying, m Map) {
	for login := range logins {
		for _, name := range append([]string{m.Other.Database}, m.Databases...) {
			try(login+": enter database "+name, func(ctx context.Context) error { return sql(ctx, login, name, "SELECT 1") })
		}
		statements := statementsAgainst(m.Other.Database)
		for _, role := range append([]string{m.Admin}, m.Other.Roles...) {
			maps.Copy(statements, becoming(role))
			maps.Copy(statements, changing(role))
		}
		for _, role := range brought {
			maps.Copy(statements, becoming(role))
		}
		for what, statement := range statements {
			try(login+": "+what, func(ctx context.Context) error { return sql(ctx, login, "", statement) })
		}
		try(login+": see the other's statements", func(ctx context.Context) error { return seeStatements(ctx, login, m.Other.Database) })
	}
}

func becoming(role string) map[string]string {
	name := pgx.Identifier{role}.Sanitize()
	return map[string]string{
		"become " + role:         "SET ROLE " + name,
		"log in anew as " + role: "SET SESSION AUTHORIZATION " + name,
		"join " + role:           "GRANT " + name + " TO CURRENT_USER",
	}
}

func changing(role string) map[string]string {
	name := pgx.Identifier{role}.Sanitize()
	return map[string]string{
		"set the password of " + role:      "ALTER ROLE " + name + " PASSWORD 'taken'",
		"set the search path of " + role:   "ALTER ROLE " + name + " SET search_path = pg_temp",
		"take what is owned by " + role:    "REASSIGN OWNED BY " + name + " TO CURRENT_USER",
		"remove what is owned by " + role:  "DROP OWNED BY " + name,
		"get what will be made by " + role: "ALTER DEFAULT PRIVILEGES FOR ROLE " + name + " GRANT SELECT ON TABLES TO PUBLIC",
	}
}

func statementsAgainst(other string) map[string]string {
	database, text := pgx.Identifier{other}.Sanitize(), "'"+other+"'"
	return map[string]string{ //nolint:gosec // statements, without a credential
		"read the other's rows":          "SELECT count(*) FROM " + database + ".public.documents",
		"drop the other's database":      "DROP DATABASE " + database,
		"close the other's database":     "ALTER DATABASE " + database + " CONNECTION LIMIT 0",
		"copy the other's database":      "CREATE DATABASE taken TEMPLATE " + database,
		"end the other's sessions":       "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = " + text,
		"make a role":                    "CREATE ROLE taken",
		"become a superuser":             "ALTER ROLE CURRENT_USER SUPERUSER",
		"read the passwords":             "SELECT rolpassword FROM pg_authid",
		"read a file of the server":      "SELECT pg_read_file('/etc/passwd')",
		"run a program on the server":    "COPY (SELECT 1) TO PROGRAM 'true'",
		"load code into the server":      "LOAD 'dblink'",
		"reach out of the server":        "CREATE FOREIGN DATA WRAPPER taken",
		"change a setting of the server": "ALTER SYSTEM SET log_statement = 'all'",
	}
}

// sql has a statement carried out as a login, in a database of the same server; an empty one is its own.
func sql(ctx context.Context, login, database, statement string) error {
	conn, err := connect(ctx, login, database)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}

func connect(ctx context.Context, login, database string) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(os.Getenv(logins[login]))
	if err != nil {
		return nil, errors.New("the environment holds no URL of a database") // which err would show
	}
	delete(config.RuntimeParams, "pool_max_conns") // a pool's, not the server's
	if database != "" {
		config.Database = database
	}
	return pgx.ConnectConfig(ctx, config)
}

// seeStatements looks for what the other's sessions do. That there are sessions is no secret, and without any it would prove nothing.
func seeStatements(ctx context.Context, login, database string) error {
	conn, err := connect(ctx, login, "")
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var sessions, visible int
	err = conn.QueryRow(ctx, `SELECT count(*), count(*) FILTER (WHERE query <> '<insufficient privilege>')
		FROM pg_stat_activity WHERE datname = $1`, database).Scan(&sessions, &visible)
	switch {
	case err != nil:
		return err
	case sessions == 0:
		return errors.New("the other has no session")
	case visible == 0:
		return refusal("postgres hidden")
	}
	return fmt.Errorf("%d of %d sessions are seen through", visible, sessions)
}
