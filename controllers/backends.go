package controllers

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/docvault/docvault/api/v1alpha1"
	"github.com/docvault/docvault/runtime/provision"
)

// backendTimeout bounds one piece of work on a backend server. The removal of a large bucket goes on in the next pass.
const backendTimeout = 2 * time.Minute

// answerTimeout is how long a server may take to say that it is there.
const answerTimeout = 5 * time.Second

// unreachableError says that a backend server does not answer. It holds no credential.
type unreachableError struct {
	reason string // of a condition
	server string
	err    error
}

func (e *unreachableError) Error() string {
	return fmt.Sprintf("%s does not answer: %v", e.server, provision.ConnectCause(e.err))
}
func (e *unreachableError) Unwrap() error { return e.err }

// notEntered tells a server that has too much to do from one that does not answer.
func notEntered(reason, server string, err error) error {
	if errors.Is(err, errBusy) {
		return fmt.Errorf("%s is %w", server, err)
	}
	return &unreachableError{reason: reason, server: server, err: err}
}

// backends holds the admin connections of an installation, one for each class and kind, shared by all vaults of the class.
type backends struct {
	metrics  *metrics
	mu       sync.Mutex
	postgres map[string]*postgresBackend // by class
	stores   map[string]*storeBackend    // by class
}

type postgresBackend struct {
	*gate
	server  provision.PostgresServer
	opening sync.Mutex
	conn    *provision.Postgres // nil until it was needed
}

type storeBackend struct {
	*gate
	server  provision.ObjectStoreServer
	opening sync.Mutex
	client  *provision.ObjectStore
}

func newBackends(m *metrics) *backends {
	return &backends{metrics: m, postgres: map[string]*postgresBackend{}, stores: map[string]*storeBackend{}}
}

// withPostgres lets do work on a class's Postgres server, as its admin. do is told the server's system identifier.
// Errors: errBusy, *unreachableError, and those of do.
func (b *backends) withPostgres(
	ctx context.Context, class string, server provision.PostgresServer,
	do func(ctx context.Context, p *provision.Postgres, systemIdentifier string) error,
) error {
	began := time.Now()
	err := b.onPostgres(ctx, class, server, do)
	b.metrics.called(ctx, class, backendPostgres, time.Since(began), err)
	return err
}

func (b *backends) onPostgres(
	ctx context.Context, class string, server provision.PostgresServer,
	do func(ctx context.Context, p *provision.Postgres, systemIdentifier string) error,
) error {
	backend := b.postgresOf(class, server)
	name := fmt.Sprintf("Postgres at %s:%d", server.Host, server.Port)
	leave, err := backend.enter(ctx)
	if err != nil {
		return notEntered(v1alpha1.ReasonPostgresUnreachable, name, err)
	}
	defer leave()
	conn, systemIdentifier, err := backend.connect(ctx)
	backend.answered(err)
	if err != nil {
		return &unreachableError{reason: v1alpha1.ReasonPostgresUnreachable, server: name, err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, backendTimeout)
	defer cancel()
	return backend.judge(ctx, name, v1alpha1.ReasonPostgresUnreachable, do(ctx, conn, systemIdentifier))
}

// withObjectStore lets do work on a class's object store, as its admin.
// Errors: errBusy, *unreachableError, and those of do.
func (b *backends) withObjectStore(
	ctx context.Context, class string, server provision.ObjectStoreServer,
	do func(ctx context.Context, o *provision.ObjectStore) error,
) error {
	began := time.Now()
	err := b.onObjectStore(ctx, class, server, do)
	b.metrics.called(ctx, class, backendObjectStore, time.Since(began), err)
	return err
}

func (b *backends) onObjectStore(
	ctx context.Context, class string, server provision.ObjectStoreServer,
	do func(ctx context.Context, o *provision.ObjectStore) error,
) error {
	backend := b.storeOf(class, server)
	name := "object store at " + server.Endpoint
	leave, err := backend.enter(ctx)
	if err != nil {
		return notEntered(v1alpha1.ReasonObjectStoreUnreachable, name, err)
	}
	defer leave()
	client, err := backend.connect(ctx)
	if err == nil {
		err = answers(ctx, client)
	}
	backend.answered(err)
	if err != nil {
		return &unreachableError{reason: v1alpha1.ReasonObjectStoreUnreachable, server: name, err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, backendTimeout)
	defer cancel()
	return backend.judge(ctx, name, v1alpha1.ReasonObjectStoreUnreachable, do(ctx, client))
}

// postgresOf returns the backend of a class; changed admin credentials start a new one.
func (b *backends) postgresOf(class string, server provision.PostgresServer) *postgresBackend {
	b.mu.Lock()
	defer b.mu.Unlock()
	known, ok := b.postgres[class]
	if ok && reflect.DeepEqual(known.server, server) {
		return known
	}
	if ok {
		go known.close()
	}
	b.postgres[class] = &postgresBackend{gate: newGate(), server: server}
	return b.postgres[class]
}

func (b *backends) storeOf(class string, server provision.ObjectStoreServer) *storeBackend {
	b.mu.Lock()
	defer b.mu.Unlock()
	if known, ok := b.stores[class]; ok && reflect.DeepEqual(known.server, server) {
		return known
	}
	b.stores[class] = &storeBackend{gate: newGate(), server: server}
	return b.stores[class]
}

// backendState is whether the server of a class answered when it was last asked.
type backendState struct {
	class, backend string
	up             bool
}

func (b *backends) states() []backendState {
	b.mu.Lock()
	defer b.mu.Unlock()
	var states []backendState
	for class, backend := range b.postgres {
		states = append(states, backendState{class, backendPostgres, backend.lastError() == nil})
	}
	for class, backend := range b.stores {
		states = append(states, backendState{class, backendObjectStore, backend.lastError() == nil})
	}
	return states
}

// forget closes and drops the connections of a class that is gone. Vaults that it left behind open them anew.
func (b *backends) forget(class string) {
	b.metrics.forget(class)
	b.mu.Lock()
	defer b.mu.Unlock()
	if known, ok := b.postgres[class]; ok {
		go known.close()
	}
	delete(b.postgres, class)
	delete(b.stores, class)
}

// connect returns the connection once the server has told its system identifier over it.
func (b *postgresBackend) connect(ctx context.Context) (*provision.Postgres, string, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	conn, err := b.open(ctx)
	if err != nil {
		return nil, "", err
	}
	systemIdentifier, err := conn.SystemIdentifier(ctx)
	return conn, systemIdentifier, err
}

func (b *postgresBackend) open(ctx context.Context) (*provision.Postgres, error) {
	b.opening.Lock()
	defer b.opening.Unlock()
	if b.conn != nil {
		return b.conn, nil
	}
	conn, err := provision.OpenPostgres(ctx, b.server)
	b.conn = conn
	return conn, err
}

func (b *postgresBackend) close() {
	b.opening.Lock()
	defer b.opening.Unlock()
	if b.conn != nil {
		b.conn.Close()
	}
}

func (b *storeBackend) connect(ctx context.Context) (*provision.ObjectStore, error) {
	b.opening.Lock()
	defer b.opening.Unlock()
	if b.client != nil {
		return b.client, nil
	}
	client, err := provision.OpenObjectStore(ctx, b.server)
	b.client = client
	return client, err
}

// answers asks whether a store says anything, before work on it is begun: one that takes connections and is silent is away, too.
func answers(ctx context.Context, store *provision.ObjectStore) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	return store.Answers(ctx)
}
