package vault_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/runtimetest"
	"github.com/docvault/docvault/runtime/vault"
)

// BenchmarkScale asks vaults of 10,000 and of 1,000,000 documents for lists, topics and searches, and reports the median and the
// 95th percentile in milliseconds. `make bench-search` fetches the texts, and says the numbers of documents.
func BenchmarkScale(b *testing.B) {
	corpus := runtimetest.Env(b, "BENCH_CORPUS")
	for text := range strings.SplitSeq(runtimetest.Env(b, "BENCH_DOCUMENTS"), ",") {
		size, err := strconv.Atoi(text)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			app := runtimetest.NewApp(b)
			fill(b, app, corpus, size)
			for name, ask := range questions(b, app) {
				b.Run(name, func(b *testing.B) { measure(b, ask) })
			}
		})
	}
}

// askedTimes is how often each question is asked, after five times to warm up.
const askedTimes = 100

func measure(b *testing.B, ask func(n int) error) {
	for b.Loop() {
		var took []time.Duration
		for n := range askedTimes + 5 {
			started := time.Now()
			if err := ask(n); err != nil {
				b.Fatal(err)
			}
			if n >= 5 {
				took = append(took, time.Since(started))
			}
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[askedTimes/2].Microseconds())/1000, "p50-ms")
		b.ReportMetric(float64(took[askedTimes*95/100].Microseconds())/1000, "p95-ms")
	}
}

// questions are what is askedTimes, n times: by n they differ.
func questions(b *testing.B, app *runtimetest.App) map[string]func(n int) error {
	list := func(q func(n int) vault.ListQuery) func(n int) error {
		return func(n int) error {
			_, err := app.List(b.Context(), anonymous, q(n))
			return err
		}
	}
	search := func(words ...string) func(n int) error {
		return list(func(n int) vault.ListQuery { return vault.ListQuery{Search: words[n%len(words)]} })
	}
	all := map[string]func(n int) error{
		"list-newest":           list(func(int) vault.ListQuery { return vault.ListQuery{} }),
		"list-by-name-page-400": list(func(int) vault.ListQuery { return vault.ListQuery{Sort: vault.SortName, Page: 400} }),
		"list-by-size":          list(func(int) vault.ListQuery { return vault.ListQuery{Sort: vault.SortSizeDesc} }),
		"list-topic":            list(func(n int) vault.ListQuery { return vault.ListQuery{Topic: fmt.Sprintf("topic %d", n)} }),
		"list-topic-by-name": list(func(n int) vault.ListQuery {
			return vault.ListQuery{Topic: fmt.Sprintf("topic %d", n), Sort: vault.SortName}
		}),
		"list-untagged":    list(func(int) vault.ListQuery { return vault.ListQuery{Untagged: true} }),
		"list-rare-status": list(func(int) vault.ListQuery { return vault.ListQuery{Status: document.StatusFailed} }),
		"list-rare-type":   list(func(int) vault.ListQuery { return vault.ListQuery{Kind: document.KindEmail} }),
		"list-common-type": list(func(int) vault.ListQuery { return vault.ListQuery{Kind: document.KindPDF} }),
		"topics": func(int) error {
			_, err := app.Topics(b.Context(), anonymous)
			return err
		},
		"search-in-10":          search("decuple", "decuples"),
		"search-in-1-of-1000":   search("milleform"),
		"search-in-1-of-100":    search("centiform"),
		"search-in-3-of-4":      search("archive"),
		"search-frequent-words": search("would", "time", "new", "man", "state"),
		"search-two-words":      search("government policy", "water river", "church music", "school children"),
		"search-phrase":         search(`"united states"`, `"new york"`, `"white house"`),
		"search-prefix":         search("gover", "amer", "comm", "presi"),
		"search-prefix-of-3":    search("con", "pro", "int"),
		"search-misspelt-name":  search("govrenment", "presidnet", "chruch"),
		"search-in-topic": list(func(n int) vault.ListQuery {
			return vault.ListQuery{Search: "archive", Topic: fmt.Sprintf("topic %d", n)}
		}),
		"search-3-of-4-by-size":     list(func(int) vault.ListQuery { return vault.ListQuery{Search: "archive", Sort: vault.SortSizeDesc} }),
		"search-1-of-100-by-name":   list(func(int) vault.ListQuery { return vault.ListQuery{Search: "centiform", Sort: vault.SortName} }),
		"search-3-of-4-rare-status": list(func(int) vault.ListQuery { return vault.ListQuery{Search: "archive", Status: document.StatusFailed} }),
		"search-finds-nothing":      search("zyxwvut", "qqqqq"),
		"search-excluding":          search("government -policy", "archive -water"),
	}
	return all
}

// fill makes documents of three sentences each, about 60 words, in SQL: 1,000 topics, one document in twenty in the first, one in
// 10,000 in none; one in 10,000 failed, one in 10,000 an e-mail; the word archive in three of four, others in one of so many. Triggers
// are off meanwhile: what they would write is written for all documents at once.
func fill(b *testing.B, app *runtimetest.App, corpus string, size int) {
	b.Helper()
	conn, err := pgx.Connect(b.Context(), app.Database.Admin)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(b.Context())) }()
	started := time.Now()
	run := func(sql string, args ...any) {
		if _, err := conn.Exec(b.Context(), sql, args...); err != nil {
			b.Fatalf("%s: %v", sql, err)
		}
	}
	run("SET session_replication_role = replica")
	run("SET maintenance_work_mem = '1GB'")
	run("SET search_path = public")
	run("DROP INDEX document_search_terms")
	run("CREATE UNLOGGED TABLE sentences (n bigint PRIMARY KEY, text text NOT NULL)")
	rows := [][]any{}
	for _, s := range sentences(b, corpus) {
		rows = append(rows, []any{int64(len(rows)), s})
	}
	if _, err := conn.CopyFrom(b.Context(), pgx.Identifier{"sentences"}, []string{"n", "text"}, pgx.CopyFromRows(rows)); err != nil {
		b.Fatal(err)
	}
	run(`INSERT INTO topics (id, name, description, color) SELECT md5('topic' || i)::uuid, 'topic ' || i, '', '#6366f1' FROM generate_series(0, 999) i`)
	run(`INSERT INTO objects (id, key, document_id, state) SELECT md5('object' || i)::uuid, i::text, md5('document' || i)::uuid, 'live' FROM generate_series(1, $1) i`, size)
	run(`INSERT INTO documents (id, object_id, object_key, original_name, mime_type, kind, size, sha256, status, language, created_at)
		SELECT md5('document' || i)::uuid, md5('object' || i)::uuid, i::text,
			coalesce((SELECT left(regexp_replace(text, '[^A-Za-z]+', ' ', 'g'), 40) FROM sentences WHERE n = i % 20000 * 7919::bigint % $2), '') || ' ' || i || '.pdf',
			'application/pdf', CASE WHEN i % 10000 = 5 THEN 'email' WHEN i % 10 = 0 THEN 'image' ELSE 'pdf' END, 1 + i * 7919::bigint % 10000019,
			sha256(i::text::bytea), CASE WHEN i % 10000 = 6 THEN 'failed' ELSE 'ready' END, 'en', timestamptz '2020-01-01' + i * interval '1 minute'
		FROM generate_series(1, $1) i`, size, len(rows))
	// Of the texts 20,000 are made, and read again and again.
	run(`CREATE UNLOGGED TABLE texts AS SELECT i AS n, (SELECT string_agg(s.text, ' ') FROM generate_series(0, 2) k
				JOIN sentences s ON s.n = (hashint8extended(i, k) & 1073741823) % $1)
			|| CASE WHEN i % 4 > 0 THEN ' Kept in the archive.' ELSE '' END || CASE WHEN i % 100 = 1 THEN ' centiform' ELSE '' END
			|| CASE WHEN i % 1000 = 1 THEN ' milleform' ELSE '' END AS text
		FROM generate_series(0, 19999) i`, len(rows))
	run(`CREATE UNLOGGED TABLE terms AS SELECT t.n, search_terms('en', regexp_replace(s.text, '[^A-Za-z]+', ' ', 'g'), t.text) AS terms
		FROM texts t LEFT JOIN sentences s ON s.n = t.n * 7919::bigint % $1`, len(rows))
	run(`CREATE INDEX ON texts (n)`)
	run(`CREATE INDEX ON terms (n)`)
	run(`INSERT INTO document_texts (document_id, text) SELECT md5('document' || i)::uuid, t.text || CASE WHEN i % ($1::bigint / 10) = 1 THEN ' decuple' ELSE '' END
		FROM generate_series(1, $1) i JOIN texts t ON t.n = i % 20000`, size)
	run(`INSERT INTO document_topics (document_id, topic_id, by_hand, document_created_at)
		SELECT md5('document' || i)::uuid, md5('topic' || CASE i % 20 WHEN 0 THEN 0 ELSE i % 1000 END)::uuid, true, timestamptz '2020-01-01' + i * interval '1 minute'
		FROM generate_series(1, $1) i WHERE i % 10000 <> 7`, size)
	run(`INSERT INTO document_untagged SELECT id, owner, created_at FROM documents d WHERE NOT EXISTS (SELECT FROM document_topics f WHERE f.document_id = d.id)`)
	run(`INSERT INTO counters SELECT '00000000-0000-0000-0000-000000000000', topic_id, 0, count(*) FROM document_topics GROUP BY topic_id`)
	run(`INSERT INTO counters SELECT owner, '00000000-0000-0000-0000-000000000000', 0, count(*) FROM documents GROUP BY owner`)
	run(`INSERT INTO document_search SELECT md5('document' || i)::uuid, '00000000-0000-0000-0000-000000000000', timestamptz '2020-01-01' + i * interval '1 minute',
			false, 'en', t.terms FROM generate_series(1, $1) i JOIN terms t ON t.n = i % 20000`, size)
	run(`SELECT search_index(md5('document' || i)::uuid) FROM generate_series(1, $1) i WHERE i % ($1::bigint / 10) = 1`, size)
	run(`INSERT INTO search_languages VALUES ('en'), ('de'), ('fr') ON CONFLICT DO NOTHING`)
	run(`INSERT INTO search_words SELECT DISTINCT w.lexeme FROM (SELECT original_name FROM documents LIMIT 20000) d,
			unnest(to_tsvector('search_simple', search_name(d.original_name))) w
		WHERE w.lexeme ~ '^[^0-9]{3,40}$' ON CONFLICT DO NOTHING`)
	run(`CREATE INDEX document_search_terms ON document_search USING gin (terms) WITH (fastupdate = off)`)
	run(`VACUUM ANALYZE`)
	b.Logf("%d documents made in %s", size, time.Since(started).Round(time.Second))
}

// sentences reads those of the Brown corpus: words are tagged, as in the/at.
func sentences(b *testing.B, corpus string) (all []string) {
	b.Helper()
	files, err := filepath.Glob(filepath.Join(corpus, "c[a-r][0-9][0-9]"))
	if err != nil || len(files) < 500 {
		b.Fatalf("%d files in %s: %v", len(files), corpus, err)
	}
	for _, name := range files {
		file, err := os.Open(name)
		if err != nil {
			b.Fatal(err)
		}
		lines := bufio.NewScanner(file)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			words := strings.Fields(lines.Text())
			for i, word := range words {
				words[i], _, _ = strings.Cut(word, "/")
			}
			if len(words) > 3 {
				all = append(all, strings.Join(words, " "))
			}
		}
		_ = file.Close()
	}
	return all
}
