package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/store/sqlrows"
)

const (
	// ChangesKept is how long changes stay. A feed that was not asked for half as long may have missed some.
	ChangesKept = time.Minute
	// changesAtOnce is how many changes a feed tells of; more are as good as missed.
	changesAtOnce = 2000
	feedTimeout   = 10 * time.Second
)

// Feed tells what changed since it was last asked, also by other processes. It has a connection outside the pool: it must neither wait
// for uploads nor take their place, and must notice a crash of the server, which empties the table of changes.
type Feed struct {
	conn     *pgx.Conn
	queries  *sqlrows.Queries
	position string
	at       time.Time
}

// OpenFeed returns a feed that begins now.
func (s *Store) OpenFeed(ctx context.Context) (*Feed, error) {
	ctx, cancel := context.WithTimeout(ctx, feedTimeout)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", tell(err))
	}
	f := &Feed{conn: conn, queries: sqlrows.New(conn)}
	now, err := f.queries.Position(ctx)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("read the position: %w", tell(err))
	}
	f.position, f.at = now.Position, now.At
	return f, nil
}

// Close ends the connection.
func (f *Feed) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = f.conn.Close(ctx)
}

// Changes are what changed, by owner.
type Changes struct {
	Documents map[document.ID]map[document.ID]Gone // by owner and id
	Topics    map[document.ID]bool                 // owners whose topics changed, or their counts
	Missed    bool                                 // more than is told one by one, of whomever
}

// Gone is the last that is known of a document, should it not be there any more.
type Gone struct {
	Status         document.Status
	Classification document.ClassificationStatus
}

// Next returns what changed since the last call. After an error the feed is of no use any more.
func (f *Feed) Next(ctx context.Context) (Changes, error) {
	ctx, cancel := context.WithTimeout(ctx, feedTimeout)
	defer cancel()
	rows, err := f.queries.ChangesSince(ctx, sqlrows.ChangesSinceParams{Since: f.position, AtMost: changesAtOnce + 1})
	if err != nil {
		return Changes{}, fmt.Errorf("read the changes: %w", tell(err))
	}
	changes := Changes{Documents: map[document.ID]map[document.ID]Gone{}, Topics: map[document.ID]bool{}}
	changes.Missed = len(rows) > changesAtOnce || rows[0].At.Sub(f.at) > ChangesKept/2
	f.position, f.at = rows[0].Position, rows[0].At
	for _, row := range rows {
		changes.add(row)
	}
	return changes, nil
}

func (c *Changes) add(row sqlrows.ChangesSinceRow) {
	switch {
	case row.What == "reset":
		c.Missed = true
	case row.Owner == nil:
	case row.What == "topics":
		c.Topics[*row.Owner] = true
	case row.DocumentID != nil:
		if c.Documents[*row.Owner] == nil {
			c.Documents[*row.Owner] = map[document.ID]Gone{}
		}
		gone := c.Documents[*row.Owner][*row.DocumentID]
		if row.Status != "" {
			gone = Gone{document.Status(row.Status), document.ClassificationStatus(row.ClassificationStatus)}
		}
		c.Documents[*row.Owner][*row.DocumentID] = gone
	}
}
