package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// ExactTotal is how far the total of a search is exact.
const ExactTotal = 10_000

const (
	// probed documents, the newest, say whether it is worth while to count from the newest on; for that, probedFound of them must be
	// found. To ask the index is dearer the more is found (it lists all before the first is looked at), and walking dearer the less.
	probed      = 200
	probedFound = 60
	// walked is how many documents are looked at, at most, until ExactTotal and one are found: a third more than the probe promises.
	walked = ExactTotal * probed / probedFound * 4 / 3
)

// isCommon reports whether a search finds so much among the newest documents that its total need not be known. False says nothing.
func (s *Store) isCommon(ctx context.Context, l List) (common bool, err error) {
	if !l.walksSearch() {
		return false, nil
	}
	var st statement
	newest := func(n int) string {
		return fmt.Sprintf(`(SELECT s.language, s.terms FROM %s
			ORDER BY s.created_at DESC, s.document_id DESC LIMIT %d) s`, l.searched(&st), n)
	}
	sql := fmt.Sprintf(`WITH probe AS MATERIALIZED (SELECT count(*) AS found FROM %s WHERE %s)
		SELECT count(*) > %d FROM (
			SELECT FROM %s WHERE (SELECT found FROM probe) >= %d AND %s LIMIT %d
		) bounded`,
		newest(probed), l.Search.matches(&st), ExactTotal, newest(walked), probedFound, l.Search.matches(&st), ExactTotal+1)
	err = s.walking(ctx, func(tx querier) error { return tx.QueryRow(ctx, sql, st.planned()...).Scan(&common) })
	return common, err
}

// walkSearch is walkNewest for a list that asks for nothing else: documents themselves need not be looked at.
func (s *Store) walkSearch(ctx context.Context, l List, within Window, atMost int) (found []Found, err error) {
	var st statement
	from, matches := l.searched(&st), l.Search.matches(&st)
	bounds := within.terms(&st, "s.created_at", "s.document_id")
	sql := fmt.Sprintf(`WITH newest AS MATERIALIZED (
			SELECT s.document_id, s.created_at FROM %s AND %s%s ORDER BY s.created_at DESC, s.document_id DESC LIMIT %d
		)
		SELECT n.document_id, n.created_at, %s FROM newest n JOIN document_search s ON s.document_id = n.document_id`,
		from, matches, bounds, atMost, l.Search.score(&st))
	err = s.walking(ctx, func(tx querier) error {
		rows, err := tx.Query(ctx, sql, st.planned()...)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Found])
		return err
	})
	return found, err
}

// walksSearch reports whether a list can be walked through in document_search, which knows the order of creation outside of the trash.
func (l List) walksSearch() bool { return l.Search != nil && l.asksSearchAlone() && !l.Trashed }

func (l List) searched(st *statement) string {
	return "document_search s WHERE NOT s.trashed AND s.owner = " + st.arg(l.Owner)
}

// walking is listing for a walk from the newest on, which the index of words must not take the place of.
func (s *Store) walking(ctx context.Context, work func(querier) error) error {
	return s.planning(ctx, "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true)", work)
}
