package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/docvault/docvault/runtime/document"
)

// Search is a query as Postgres understands it, in each of the languages that the vault has documents in. The zero value finds nothing.
type Search struct {
	Reading

	in       []languageSearch
	excludes bool
}

// Reading is how a query was read. The pages of a list have it in common.
type Reading struct {
	// Similar says that words of names count as found which differ from a word of the query by a typing error or two, or go on from the
	// one or two letters that it ends with.
	Similar bool `json:"m,omitempty"`
	// Shortened says that those letters are passed over.
	Shortened bool `json:"h,omitempty"`
}

// languageSearch is a query in one language: texts of type tsquery.
type languageSearch struct {
	Language string
	Exact    string // the words themselves
	Wide     string // also what goes on from the last of them, or is similar
}

// simple is the language of documents whose language is unknown, or which Postgres has no stemmer for.
const simple = "simple"

// Empty reports whether there is nothing to look for.
func (s Search) Empty() bool { return s.any(wide) == "" }

// ReadSearch reads a query; any text is one. That it is read as Similar comes to nothing where names have no such words.
func (s *Store) ReadSearch(ctx context.Context, text string, as Reading) (Search, error) {
	if as.Shortened {
		text = Shortened(text)
	}
	alternatives := parseSearch(text)
	if len(alternatives) == 0 {
		return Search{}, nil
	}
	search := Search{Reading: Reading{Shortened: as.Shortened}}
	var like map[string][]string
	if as.Similar {
		var err error
		if like, err = s.similarWords(ctx, alternatives); err != nil {
			return Search{}, err
		}
		search.Similar = len(like) > 0
	}
	var st statement
	exactly, widely := st.query(alternatives, false, nil), st.query(alternatives, true, like)
	sql := fmt.Sprintf(`SELECT language, exact::text, wide::text
		FROM (SELECT language FROM search_languages UNION SELECT 'simple') l, LATERAL (SELECT %s AS exact, %s AS wide) q
		ORDER BY language`, exactly, widely)
	rows, err := s.pool.Query(ctx, sql, st.args...)
	if err != nil {
		return Search{}, tell(err)
	}
	search.in, err = pgx.CollectRows(rows, pgx.RowToStructByPos[languageSearch])
	for _, terms := range alternatives {
		search.excludes = search.excludes || slices.ContainsFunc(terms, func(t term) bool { return t.excluded })
	}
	return search, tell(err)
}

// query writes an expression of type tsquery for the language of column language. wider adds what the last word goes on to, though it has
// no star; like are other words for a word, in names alone.
func (st *statement) query(alternatives [][]term, wider bool, like map[string][]string) string {
	var either []string
	for _, terms := range alternatives {
		var all []string
		for _, t := range terms {
			expression := fmt.Sprintf("search_term(language, %s)", st.arg(t.words))
			if t.starred || wider && t.unended {
				expression += " || " + st.begins(t)
			}
			for _, word := range like[t.words] {
				expression += fmt.Sprintf(" || (quote_literal(%s::text) || ':A')::tsquery", st.arg(word))
			}
			if t.excluded {
				expression = "!! (" + expression + ")"
			}
			all = append(all, "("+expression+")")
		}
		// Where a language passes over all the words that are looked for, only exclusions are left, which would find everything.
		const orNothing = "(SELECT CASE WHEN querytree(q) IN ('', 'T') THEN ''::tsquery ELSE q END FROM (SELECT %s AS q) t)"
		either = append(either, fmt.Sprintf(orNothing, strings.Join(all, " && ")))
	}
	return strings.Join(either, " || ")
}

// placeholder stands for the last word of a phrase while Postgres finds out where the others are. No language changes it.
const placeholder = "last0word"

// begins writes what a term stands for whose last word may go on: behind the words before it, or as the one word that Postgres
// takes addresses for.
func (st *statement) begins(t term) string {
	before, last := splitLast(t.words)
	if before == "" || last == "" {
		return fmt.Sprintf("search_prefix(language, %s)", st.arg(t.words))
	}
	placed := fmt.Sprintf(`replace(phraseto_tsquery(search_config(language), search_text(language, search_name(%s)))::text,
		quote_literal('%s'), quote_literal(translate(lower(extensions.unaccent(search_text(language, %s))), '\', ' ')) || ':*')::tsquery`,
		st.arg(before+" "+placeholder), placeholder, st.arg(last))
	if t.phrase {
		return placed
	}
	return fmt.Sprintf("%s || search_prefix(language, %s)", placed, st.arg(t.words))
}

// similarWords returns, for each word of a query, those that names have and that may have been meant.
func (s *Store) similarWords(ctx context.Context, alternatives [][]term) (map[string][]string, error) {
	var words, begun []string
	for _, terms := range alternatives {
		for _, t := range terms {
			switch {
			case t.phrase, t.excluded, slices.Contains(words, t.words):
			case t.begun > 0 && t.begun == len(t.words):
				begun = append(begun, t.words)
			case utf8.RuneCountInString(t.words) > minSimilar:
				words = append(words, t.words)
			}
		}
	}
	rows, err := s.pool.Query(ctx, `SELECT a.asked, a.plain, k.word
		FROM (SELECT asked, lower(extensions.unaccent(asked)) AS plain FROM unnest($1::text[]) asked) a
		CROSS JOIN LATERAL (
			SELECT w.word FROM search_words w WHERE w.word OPERATOR(extensions.%) a.plain AND w.word <> a.plain
			ORDER BY extensions.similarity(w.word, a.plain) DESC, w.word LIMIT 20
		) k
		UNION ALL SELECT b.asked, b.plain, k.word
		FROM (SELECT asked, lower(extensions.unaccent(asked)) AS plain FROM unnest($2::text[]) asked) b
		CROSS JOIN LATERAL (
			SELECT w.word FROM search_words w WHERE w.word LIKE b.plain || '%' ORDER BY char_length(w.word), w.word LIMIT 20
		) k`, words, begun)
	if err != nil {
		return nil, tell(err)
	}
	like := map[string][]string{}
	var asked, plain, word string
	_, err = pgx.ForEachRow(rows, []any{&asked, &plain, &word}, func() error {
		errors := 2
		if utf8.RuneCountInString(plain) < 6 {
			errors = 1
		}
		if slices.Contains(begun, asked) || within(errors, plain, word) {
			like[asked] = append(like[asked], word)
		}
		return nil
	})
	return like, tell(err)
}

// minSimilar is how many letters a word may have that is taken as it is: of three letters, most are one error from many words.
const minSimilar = 3

// width chooses one form of a query.
type width func(languageSearch) string

func exact(l languageSearch) string { return l.Exact }

func wide(l languageSearch) string { return l.Wide }

// any is the query in all languages at once: what the index is asked for.
func (s Search) any(form width) string {
	var all []string
	for _, l := range s.in {
		if query := form(l); query != "" && !slices.Contains(all, query) {
			all = append(all, query)
		}
	}
	if len(all) < 2 {
		return strings.Join(all, "")
	}
	return "(" + strings.Join(all, ") | (") + ")"
}

// own writes the query in the language of a document (of document_search s).
func (s Search) own(st *statement, form width) string {
	fallback, branches := "", ""
	for _, l := range s.in {
		if l.Language == simple {
			fallback = form(l)
		}
	}
	for _, l := range s.in {
		// A language that passes over all the words leaves what names have of them.
		if query := form(l); query != "" && query != fallback {
			branches += fmt.Sprintf(" WHEN %s THEN %s::tsquery", st.arg(l.Language), st.arg(query))
		}
	}
	if branches == "" {
		return st.arg(fallback) + "::tsquery"
	}
	return fmt.Sprintf("CASE s.language%s ELSE %s::tsquery END", branches, st.arg(fallback))
}

// matches writes the condition that a row of document_search s is found. A lexeme of one language may be found in a document of
// another, which does no harm; what is excluded is judged in the document's own.
func (s Search) matches(st *statement) string {
	condition := fmt.Sprintf("s.terms @@ %s::tsquery", st.arg(s.any(wide)))
	if s.excludes {
		condition += " AND s.terms @@ " + s.own(st, wide)
	}
	return condition
}

// score writes how well a row of document_search s fits, 0 to 1: the words themselves go before what is like them or goes on from
// them, names before beginnings before the rest, and short texts before long ones (the bits of 33: divide by 1 + the logarithm of
// the length, then scale to below 1).
func (s Search) score(st *statement) string {
	const rank = "ts_rank('{0.1, 0.2, 0.4, 1}', s.terms, %s, 33)"
	return fmt.Sprintf("(CASE WHEN s.terms @@ %s::tsquery THEN 0.5 + "+rank+" / 2 ELSE greatest("+rank+" / 2, 0.001) END)::real",
		st.arg(s.any(exact)), s.own(st, exact), s.own(st, wide))
}

// Found is a document that a search found, as it stands in the order by relevance.
type Found struct {
	ID        document.ID
	CreatedAt time.Time
	Score     float32
}

// Window bounds a search to documents created between two, these included. Zero values do not bound.
type Window struct {
	Newest, Oldest *Position // values are times
}

// Newest returns the newest documents that a list's search finds within a window, with their scores, in no order; and how many it
// finds in all, more than MaxFound for all beyond, and possibly for all beyond ExactTotal.
func (s *Store) Newest(ctx context.Context, l List, within Window, atMost int) (found []Found, total int, err error) {
	common, err := s.isCommon(ctx, l)
	if err != nil {
		return nil, 0, err
	}
	if common {
		found, err = s.walkNewest(ctx, l, within, atMost)
		return found, MaxFound + 1, err
	}
	var st statement
	matching := l.matching("s.document_id, s.created_at", MaxFound+1, &st)
	bounds := within.terms(&st, "f.created_at", "f.document_id")
	sql := fmt.Sprintf(`WITH found AS MATERIALIZED (%s), counted AS MATERIALIZED (SELECT count(*) AS total FROM found),
		newest AS MATERIALIZED (
			SELECT f.* FROM found f WHERE (SELECT total FROM counted) <= %d%s ORDER BY f.created_at DESC, f.document_id DESC LIMIT %d
		)
		SELECT c.total, n.document_id, n.created_at, (SELECT %s FROM document_search s WHERE s.document_id = n.document_id)
		FROM counted c LEFT JOIN newest n ON true`, matching, MaxFound, bounds, atMost, l.Search.score(&st))
	err = s.listing(ctx, l, func(tx querier) error {
		rows, err := tx.Query(ctx, sql, st.planned()...)
		if err != nil {
			return err
		}
		var (
			id      *document.ID
			created *time.Time
			score   *float32
		)
		_, err = pgx.ForEachRow(rows, []any{&total, &id, &created, &score}, func() error {
			if id != nil && score != nil {
				found = append(found, Found{*id, *created, *score})
			}
			return nil
		})
		return err
	})
	if err == nil && total > MaxFound {
		found, err = s.walkNewest(ctx, l, within, atMost)
	}
	return found, total, err
}

// walkNewest looks at one document after the other, from the newest, until it has found enough.
func (s *Store) walkNewest(ctx context.Context, l List, within Window, atMost int) (found []Found, err error) {
	if l.walksSearch() {
		return s.walkSearch(ctx, l, within, atMost)
	}
	var st statement
	terms := strings.Join(l.where(&st), " AND ")
	bounds := within.terms(&st, "d.created_at", "d.id")
	sql := fmt.Sprintf(`WITH newest AS MATERIALIZED (
			SELECT d.id, d.created_at FROM documents d CROSS JOIN LATERAL
				(SELECT FROM document_search s WHERE s.document_id = d.id AND %s OFFSET 0) m
			WHERE %s%s ORDER BY d.created_at DESC, d.id DESC LIMIT %d
		)
		SELECT n.id, n.created_at, %s FROM newest n JOIN document_search s ON s.document_id = n.id`,
		l.Search.matches(&st), terms, bounds, atMost, l.Search.score(&st))
	err = s.listing(ctx, l, func(tx querier) error {
		rows, err := tx.Query(ctx, sql, st.planned()...)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Found])
		return err
	})
	return found, err
}

func (w Window) terms(st *statement, created, id string) (sql string) {
	if w.Newest != nil {
		sql += fmt.Sprintf(" AND (%s, %s) <= (%s, %s)", created, id, st.arg(w.Newest.Value), st.arg(w.Newest.ID))
	}
	if w.Oldest != nil {
		sql += fmt.Sprintf(" AND (%s, %s) >= (%s, %s)", created, id, st.arg(w.Oldest.Value), st.arg(w.Oldest.ID))
	}
	return sql
}

// What stands around words that were found, in a headline. Texts are stripped of these.
const (
	MarkStart = "\x01"
	MarkEnd   = "\x02"
	// lessThan stands for itself: the parser would take what follows for markup and leave it out.
	lessThan = "\x03"
	// dash and slash stand for themselves beside digits: see search_plain.
	dash, slash = "\x04", "\x05"
)

var unmasked = strings.NewReplacer(lessThan, "<", dash, "-", slash, "/")

// headlineCharacters is how much of a text is looked through for what to show of it. To read on would cost a page of long documents
// more than the search.
const headlineCharacters = 20_000

// Shown is what a list shows of a document that was found.
type Shown struct {
	Score    float32
	Headline string // of the text, with marks; without any where the text's beginning has none of the words
	Name     string // with marks
}

// Show returns what is shown of documents that a search found.
func (s *Store) Show(ctx context.Context, search Search, ids []document.ID) (map[document.ID]Shown, error) {
	var st statement
	const options = "StartSel=" + MarkStart + ",StopSel=" + MarkEnd
	query := search.own(&st, wide)
	// Names are marked as their words stand in them: search_name changes no character's place.
	sql := fmt.Sprintf(`SELECT s.document_id, %s,
			ts_headline(search_config(s.language), regexp_replace(regexp_replace(
				translate(coalesce(left(x.text, %d), ''), '<%s', '%s'),
				'(?<=[0-9])-|-(?=[0-9])', '%s', 'g'), '(?<=[0-9])/|/(?=[0-9])', '%s', 'g'), %s,
				'%s,MaxWords=40,MinWords=20,MaxFragments=2,FragmentDelimiter=" … "'),
			ts_headline('public.search_simple', search_name(translate(d.original_name, '%s', '   ')), %s::tsquery, '%s,HighlightAll=true')
		FROM document_search s JOIN documents d ON d.id = s.document_id LEFT JOIN document_texts x ON x.document_id = s.document_id
		WHERE s.document_id = ANY(%s::uuid[])`,
		search.score(&st), headlineCharacters, MarkStart+MarkEnd+lessThan+dash+slash, lessThan, dash, slash, query,
		options, MarkStart+MarkEnd+lessThan, st.arg(search.any(wide)), options, st.arg(ids))
	rows, err := s.pool.Query(ctx, sql, st.args...)
	if err != nil {
		return nil, tell(err)
	}
	shown := map[document.ID]Shown{}
	var (
		id  document.ID
		one Shown
	)
	_, err = pgx.ForEachRow(rows, []any{&id, &one.Score, &one.Headline, &one.Name}, func() error {
		one.Headline = unmasked.Replace(one.Headline)
		shown[id] = one
		return nil
	})
	return shown, tell(err)
}
