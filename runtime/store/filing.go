package store

import (
	"context"
	"slices"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/store/sqlrows"
)

// Edit is what a user changes on a document; nil leaves it.
type Edit struct {
	Name   *string
	Topics []document.ID // all that it is filed under, from now on by hand
}

// EditDocument changes a document. Errors: document.ErrNotFound; document.ErrStale where a topic is not there any more.
func (s *Store) EditDocument(ctx context.Context, owner, id document.ID, e Edit) error {
	return s.inTxAgain(ctx, func(q *sqlrows.Queries) error {
		found, err := q.RenameDocument(ctx, sqlrows.RenameDocumentParams{ID: id, Owner: owner, OriginalName: e.Name})
		switch {
		case err != nil:
			return err
		case found == 0:
			return document.ErrNotFound
		case e.Topics == nil:
			return nil
		}
		if err := holdTopics(ctx, q, owner, e.Topics); err != nil {
			return err
		}
		if err := q.UnfileOthers(ctx, sqlrows.UnfileOthersParams{DocumentID: id, Topics: e.Topics}); err != nil {
			return err
		}
		return q.FileByHand(ctx, sqlrows.FileByHandParams{Documents: []document.ID{id}, Topics: e.Topics})
	})
}

// FileDocuments files documents under topics by hand, and returns those that are there.
// Errors: document.ErrStale where a topic is not there any more.
func (s *Store) FileDocuments(ctx context.Context, owner document.ID, ids, topics []document.ID) (done []document.ID, err error) {
	return s.refile(ctx, owner, ids, topics, func(q *sqlrows.Queries, there []document.ID) error {
		return q.FileByHand(ctx, sqlrows.FileByHandParams{Documents: there, Topics: topics})
	})
}

// UnfileDocuments takes documents out of topics, and returns those that are there. Errors as of FileDocuments.
func (s *Store) UnfileDocuments(ctx context.Context, owner document.ID, ids, topics []document.ID) (done []document.ID, err error) {
	return s.refile(ctx, owner, ids, topics, func(q *sqlrows.Queries, there []document.ID) error {
		return q.Unfile(ctx, sqlrows.UnfileParams{Documents: there, Topics: topics})
	})
}

func (s *Store) refile(
	ctx context.Context, owner document.ID, ids, topics []document.ID, change func(q *sqlrows.Queries, there []document.ID) error,
) (done []document.ID, err error) {
	err = s.inTxAgain(ctx, func(q *sqlrows.Queries) error {
		var err error
		if done, err = q.LockDocuments(ctx, sqlrows.LockDocumentsParams{Owner: owner, Ids: ids}); err != nil {
			return err
		}
		if err := holdTopics(ctx, q, owner, topics); err != nil {
			return err
		}
		if err := change(q, done); err != nil {
			return err
		}
		return q.TouchDocuments(ctx, done)
	})
	return done, err
}

// holdTopics keeps topics there until the transaction ends.
func holdTopics(ctx context.Context, q *sqlrows.Queries, owner document.ID, topics []document.ID) error {
	there, err := q.LockTopics(ctx, sqlrows.LockTopicsParams{Owner: owner, Ids: topics})
	if err == nil && len(there) < len(topics) {
		return document.ErrStale
	}
	return err
}

// MergeTopic moves the documents of a topic into another, and removes it. Errors: document.ErrNotFound where the topic is not there,
// document.ErrStale where the other is not.
func (s *Store) MergeTopic(ctx context.Context, owner, from, into document.ID) error {
	return s.inTxAgain(ctx, func(q *sqlrows.Queries) error {
		there, err := holdFiled(ctx, q, owner, from, into)
		if err != nil {
			return err
		}
		if !slices.Contains(there, into) {
			return document.ErrStale
		}
		if err := q.MoveFilings(ctx, sqlrows.MoveFilingsParams{FromTopic: from, IntoTopic: into}); err != nil {
			return err
		}
		among := sqlrows.ChooseAmongMergedParams{Owner: owner, FromTopic: from, IntoTopic: into}
		if err := q.ChooseAmongMerged(ctx, among); err != nil {
			return err
		}
		_, err = q.RemoveTopic(ctx, sqlrows.RemoveTopicParams{ID: from, Owner: owner})
		return err
	})
}

// AskReprocess has documents read and filed again, and returns those that are there.
func (s *Store) AskReprocess(ctx context.Context, p sqlrows.AskReprocessParams) (asked []sqlrows.AskReprocessRow, err error) {
	return again(ctx, s, (*sqlrows.Queries).AskReprocess, p)
}

// AskClassify has documents filed again, and returns those that are there.
func (s *Store) AskClassify(ctx context.Context, p sqlrows.AskClassifyParams) (asked []sqlrows.AskClassifyRow, err error) {
	return again(ctx, s, (*sqlrows.Queries).AskClassify, p)
}

// RemoveTopic takes a topic's documents out of it and removes it. Errors: document.ErrNotFound.
func (s *Store) RemoveTopic(ctx context.Context, owner, id document.ID) error {
	return s.inTxAgain(ctx, func(q *sqlrows.Queries) error {
		if _, err := holdFiled(ctx, q, owner, id); err != nil {
			return err
		}
		_, err := q.RemoveTopic(ctx, sqlrows.RemoveTopicParams{ID: id, Owner: owner})
		return err
	})
}

// holdFiled keeps everyone from a topic that is to go, from its documents, and from further topics, and returns the topics that are there.
// Errors: document.ErrNotFound where the first is not.
func holdFiled(ctx context.Context, q *sqlrows.Queries, owner, topic document.ID, further ...document.ID) (there []document.ID, err error) {
	// Documents before topics, as all others do, or they would wait for one another.
	held, err := q.LockFiled(ctx, topic)
	if err != nil {
		return nil, err
	}
	there, err = q.LockTopicsWhole(ctx, sqlrows.LockTopicsWholeParams{Owner: owner, Ids: append(further, topic)})
	switch {
	case err != nil:
		return nil, err
	case !slices.Contains(there, topic):
		return nil, document.ErrNotFound
	}
	filed, err := q.CountFiled(ctx, topic)
	if err == nil && filed > held { // some were filed while this waited for the topic; whoever has one and waits for it gives way
		_, err = q.LockFiled(ctx, topic)
	}
	return there, err
}

// TrashAll puts documents into the trash, and returns those that were not there yet.
func (s *Store) TrashAll(ctx context.Context, owner document.ID, ids []document.ID) (done []document.ID, err error) {
	return again(ctx, s, (*sqlrows.Queries).TrashDocuments, sqlrows.TrashDocumentsParams{Owner: owner, Ids: ids})
}

// RestoreAll takes documents out of the trash, and returns those that are not in it now.
func (s *Store) RestoreAll(ctx context.Context, owner document.ID, ids []document.ID) (done []document.ID, err error) {
	return again(ctx, s, (*sqlrows.Queries).RestoreDocuments, sqlrows.RestoreDocumentsParams{Owner: owner, Ids: ids})
}

// PurgeDocument removes a document for good; its object is the caller's. Errors: document.ErrNotFound.
func (s *Store) PurgeDocument(ctx context.Context, p sqlrows.PurgeDocumentParams) (gone sqlrows.PurgeDocumentRow, err error) {
	return again(ctx, s, (*sqlrows.Queries).PurgeDocument, p)
}

// PurgeAll removes documents for good, and returns them; their objects are the sweeper's.
func (s *Store) PurgeAll(ctx context.Context, owner document.ID, ids []document.ID) (done []document.ID, err error) {
	return again(ctx, s, (*sqlrows.Queries).PurgeDocuments, sqlrows.PurgeDocumentsParams{Owner: owner, Ids: ids})
}
