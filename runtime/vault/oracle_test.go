package vault_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/runtimetest"
	"github.com/docvault/docvault/runtime/vault"
)

// made is a document of the oracle, which knows by heart what the database must find out.
type made struct {
	id       document.ID
	name     string
	kind     document.Kind
	status   document.Status
	filing   document.ClassificationStatus
	size     int64
	created  time.Time
	topics   []string
	trashed  bool
	contains []string
}

var (
	oracleKinds    = []document.Kind{document.KindPDF, document.KindImage, document.KindEmail}
	oracleStatuses = []document.Status{document.StatusReady, document.StatusFailed, document.StatusPending}
	oracleFilings  = []document.ClassificationStatus{document.ClassificationNone, document.ClassificationDone, document.ClassificationFailed}
	oracleTopics   = []string{"Red", "Green", "Blue"}
	oracleWords    = []string{"anchor", "bridge", "candle", "dragon", "ember"}
)

// makeDocuments fills a vault past its use cases. Names, sizes and times are often the same, so that ties must be broken.
func makeDocuments(t *testing.T, app *runtimetest.App, random *rand.Rand, n int) (all []made) {
	t.Helper()
	for _, name := range oracleTopics {
		createTopic(t, app.Vault, name, "")
	}
	past(t, app, func(ctx context.Context, conn *pgx.Conn) error {
		for range n {
			all = append(all, makeDocument(random))
			if err := insert(ctx, conn, all[len(all)-1]); err != nil {
				return err
			}
		}
		return nil
	})
	return all
}

func makeDocument(random *rand.Rand) made {
	m := made{
		id: document.NewID(), kind: oracleKinds[random.IntN(3)], status: oracleStatuses[random.IntN(3)], size: 1 + random.Int64N(20),
		filing:  oracleFilings[random.IntN(3)],
		name:    fmt.Sprintf("%c%d.txt", []rune("aBÄ")[random.IntN(3)], random.IntN(10)),
		created: start.Add(time.Duration(random.IntN(100)) * time.Minute), trashed: random.IntN(8) == 0,
	}
	for _, topic := range oracleTopics {
		if random.IntN(4) == 0 {
			m.topics = append(m.topics, topic)
		}
	}
	for _, word := range oracleWords {
		if random.IntN(3) == 0 {
			m.contains = append(m.contains, word)
		}
	}
	return m
}

func insert(ctx context.Context, conn *pgx.Conn, m made) error {
	var deleted *time.Time
	if m.trashed {
		deleted = &start
	}
	var batch pgx.Batch
	batch.Queue("INSERT INTO objects (id, key, document_id, state) VALUES ($1::uuid, $1::uuid::text, $1::uuid, 'live')", m.id.String())
	batch.Queue(`INSERT INTO documents (id, object_id, object_key, original_name, mime_type, kind, size, sha256, status, created_at, deleted_at,
			classification_status)
		VALUES ($1::uuid, $1::uuid, $1::uuid::text, $2, 'text/plain', $3, $4, sha256($1::uuid::text::bytea), $5, $6, $7, $8)`,
		m.id.String(), m.name, m.kind, m.size, m.status, m.created, deleted, m.filing)
	batch.Queue("INSERT INTO document_texts (document_id, text) VALUES ($1, $2)", m.id.String(), strings.Join(m.contains, " "))
	batch.Queue("INSERT INTO document_topics (document_id, topic_id, by_hand) SELECT $1::uuid, id, true FROM topics WHERE name = ANY($2)", m.id.String(), m.topics)
	return conn.SendBatch(ctx, &batch).Close()
}

// question is a query, and what the oracle says of it.
func question(random *rand.Rand) (q vault.ListQuery, holds func(m made) bool) {
	var conditions []func(m made) bool
	maybe := func(condition func(m made) bool, set func()) {
		if random.IntN(4) == 0 {
			set()
			conditions = append(conditions, condition)
		}
	}
	topic, kind, status := oracleTopics[random.IntN(3)], oracleKinds[random.IntN(3)], oracleStatuses[random.IntN(3)]
	filing := oracleFilings[random.IntN(3)]
	maybe(func(m made) bool { return slices.Contains(m.topics, topic) }, func() { q.Topic = strings.ToUpper(topic) })
	maybe(func(m made) bool { return len(m.topics) == 0 }, func() { q.Untagged = true })
	maybe(func(m made) bool { return m.kind == kind }, func() { q.Kind = kind })
	maybe(func(m made) bool { return m.status == status }, func() { q.Status = status })
	maybe(func(m made) bool { return m.filing == filing }, func() { q.Classification = filing })
	after, before := start.Add(time.Duration(random.IntN(60))*time.Minute), start.Add(time.Duration(40+random.IntN(60))*time.Minute)
	maybe(func(m made) bool { return m.created.After(after) }, func() { q.CreatedAfter = after })
	maybe(func(m made) bool { return m.created.Before(before) }, func() { q.CreatedBefore = before })
	low, high := random.Int64N(10), 5+random.Int64N(15)
	maybe(func(m made) bool { return m.size >= low }, func() { q.MinSize = &low })
	maybe(func(m made) bool { return m.size <= high }, func() { q.MaxSize = &high })
	q.Trashed = random.IntN(6) == 0
	conditions = append(conditions, func(m made) bool { return m.trashed == q.Trashed })
	if random.IntN(2) == 0 {
		a, b := oracleWords[random.IntN(5)], oracleWords[random.IntN(5)]
		has := func(m made, word string) bool { return slices.Contains(m.contains, word) }
		switch random.IntN(4) {
		case 0:
			q.Search = a
			conditions = append(conditions, func(m made) bool { return has(m, a) })
		case 1:
			q.Search = a + " " + b
			conditions = append(conditions, func(m made) bool { return has(m, a) && has(m, b) })
		case 2:
			q.Search = a + " or " + b
			conditions = append(conditions, func(m made) bool { return has(m, a) || has(m, b) })
		case 3:
			q.Search = a + " -" + b
			conditions = append(conditions, func(m made) bool { return has(m, a) && !has(m, b) })
		}
	}
	return q, func(m made) bool {
		return !slices.ContainsFunc(conditions, func(c func(m made) bool) bool { return !c(m) })
	}
}

var oracleOrders = map[vault.Sort]func(a, b made) int{
	vault.SortOldest: func(a, b made) int { return a.created.Compare(b.created) },
	vault.SortName:   func(a, b made) int { return cmp.Compare(a.name, b.name) },
	vault.SortSize:   func(a, b made) int { return cmp.Compare(a.size, b.size) },
}

// expected is what a query finds, in its order; by relevance, in any.
func expected(all []made, q vault.ListQuery, holds func(m made) bool) (ids []document.ID) {
	var found []made
	for _, m := range all {
		if holds(m) {
			found = append(found, m)
		}
	}
	order, descending := oracleOrders[vault.Sort(strings.TrimPrefix(string(q.Sort), "-"))], strings.HasPrefix(string(q.Sort), "-")
	slices.SortFunc(found, func(a, b made) int {
		n := bytes.Compare(a.id[:], b.id[:])
		if order != nil {
			n = cmp.Or(order(a, b), n)
		}
		if descending {
			return -n
		}
		return n
	})
	for _, m := range found {
		ids = append(ids, m.id)
	}
	return ids
}

// TestOracle asks hundreds of questions of random documents, by page and by cursor.
func TestOracle(t *testing.T) {
	t.Parallel()
	const seed = 20261124
	random := rand.New(rand.NewPCG(seed, seed))
	app := runtimetest.NewApp(t)
	all := makeDocuments(t, app, random, 300)
	sorts := []vault.Sort{
		vault.SortNewest, vault.SortOldest, vault.SortName, vault.SortNameDesc, vault.SortSize, vault.SortSizeDesc, vault.SortRelevance,
	}
	for n := range 210 {
		q, holds := question(random)
		q.Sort, q.PerPage = sorts[n%len(sorts)], 1+random.IntN(40)
		if q.Sort == vault.SortRelevance && q.Search == "" {
			q.Sort = vault.SortNewest
		}
		want := expected(all, q, holds)
		byPage, byCursor := everyPage(t, app, q, len(want)), everyCursor(t, app, q, len(want))
		if !slices.Equal(byPage, byCursor) {
			t.Errorf("%+v: by page %v, by cursor %v", q, byPage, byCursor)
		}
		if q.Sort == vault.SortRelevance {
			slices.SortFunc(byPage, func(a, b document.ID) int { return bytes.Compare(a[:], b[:]) })
		}
		if !slices.Equal(byPage, want) {
			t.Errorf("%+v: %v, want %v", q, byPage, want)
		}
	}
}

func everyPage(t *testing.T, app *runtimetest.App, q vault.ListQuery, total int) (ids []document.ID) {
	t.Helper()
	for q.Page = 1; ; q.Page++ {
		page, err := app.List(t.Context(), anonymous, q)
		if err != nil || page.Total != int64(total) || !page.TotalIsExact {
			t.Fatalf("%+v: %d in all, want %d, %v", q, page.Total, total, err)
		}
		for _, d := range page.Documents {
			ids = append(ids, d.ID)
		}
		if page.NextCursor == "" {
			return ids
		}
	}
}

func everyCursor(t *testing.T, app *runtimetest.App, q vault.ListQuery, total int) (ids []document.ID) {
	t.Helper()
	for {
		page, err := app.List(t.Context(), anonymous, q)
		if err != nil || page.Total != int64(total) {
			t.Fatalf("%+v: %d in all, want %d, %v", q, page.Total, total, err)
		}
		for i, d := range page.Documents {
			ids = append(ids, d.ID)
			if i > 0 && q.Sort == vault.SortRelevance && page.Matches[i].Score > page.Matches[i-1].Score {
				t.Errorf("%+v: a better one after a worse", q)
			}
		}
		if q.Cursor = page.NextCursor; q.Cursor == "" {
			return ids
		}
	}
}

// TestCursorsWhileDocumentsComeAndGo shows each document that stays exactly once, beyond those that are ranked, too.
func TestCursorsWhileDocumentsComeAndGo(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	// More than are ranked, among them 10 that contain the word in their names, too, and are old.
	exec(t, app, `INSERT INTO objects (id, key, document_id, state) SELECT md5(i::text)::uuid, i::text, md5(i::text)::uuid, 'live' FROM generate_series(1, 1300) i`)
	exec(t, app, `INSERT INTO documents (id, object_id, object_key, original_name, mime_type, kind, size, sha256, status, created_at)
		SELECT id, id, key, CASE WHEN key::int BETWEEN 1000 AND 1009 THEN 'anchor ' ELSE '' END || key, 'text/plain', 'text', 1, sha256(key::bytea), 'ready',
			timestamptz '2026-01-01' + key::int / 3 * interval '1 minute' FROM objects`)
	exec(t, app, `INSERT INTO document_texts (document_id, text) SELECT id, 'an anchor ' || repeat('word ', key::int % 50) FROM objects`)
	for _, sort := range []vault.Sort{vault.SortRelevance, vault.SortNewest, vault.SortName, vault.SortSizeDesc} {
		seen, changed := map[document.ID]int{}, 0
		q := vault.ListQuery{Search: "anchor", Sort: sort, PerPage: 90}
		for first := true; first || q.Cursor != ""; first = false {
			page := search(t, app, q)
			for _, d := range page.Documents {
				seen[d.ID]++
			}
			if first && sort == vault.SortRelevance && !strings.HasPrefix(page.Documents[9].OriginalName, "anchor ") {
				t.Errorf("the tenth is %s", page.Documents[9].OriginalName)
			}
			q.Cursor = page.NextCursor
			if q.Cursor == "" {
				break
			}
			// The document that the cursor names goes, and so does one that is still to come or has been; another comes.
			check(t, app.Delete(t.Context(), anonymous, page.Documents[len(page.Documents)-1].ID, false))
			exec(t, app, `UPDATE documents SET deleted_at = now() WHERE id = (SELECT id FROM documents WHERE deleted_at IS NULL ORDER BY sha256(id::text::bytea) LIMIT 1)`)
			readText(t, app, "come.txt", fmt.Sprintf("an anchor that came meanwhile, %s %d", sort, changed))
			changed++
		}
		for id, times := range seen {
			if times > 1 {
				t.Errorf("%s: %s is shown %d times", sort, id, times)
			}
		}
		left := rows(t, app, "SELECT count(*) FROM documents WHERE deleted_at IS NULL AND original_name <> 'come.txt'")
		ids := []string{}
		for id := range seen {
			ids = append(ids, id.String())
		}
		kept := rows(t, app, "SELECT count(*) FROM documents WHERE id::text = ANY($1) AND deleted_at IS NULL AND original_name <> 'come.txt'", ids)
		if kept != left {
			t.Errorf("%s: saw %d of the %d documents that stayed", sort, kept, left)
		}
		exec(t, app, "DELETE FROM documents WHERE original_name = 'come.txt'")
		exec(t, app, "UPDATE documents SET deleted_at = NULL")
	}
}
