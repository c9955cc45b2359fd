import { useEffect, useState } from 'preact/hooks'
import { api, type BulkAction } from '../api/api'
import { facts } from '../api/facts'
import { Problem } from '../api/problem'
import { explain, t, type Key } from '../i18n'
import type { List } from '../state/list'
import { selection } from '../state/selection'
import { tell } from '../state/toasts'
import { refocus } from './focus'
import { ForGood } from './forgood'
import { Icon } from './icon'
import { each, restore } from './many'
import { Picker } from './picker'

const saidOf: Record<BulkAction, Key> = {
  delete: facts.trash ? 'deletedMany' : 'deletedManyForGood', restore: 'restoredMany', classify: 'askedMany', reprocess: 'askedMany', add_topics: 'changedMany', remove_topics: 'changedMany',
}

// Bulk does one thing with all that are selected.
export function Bulk({ list, trashed }: { list: List; trashed: boolean }) {
  const [picking, setPicking] = useState<'add_topics' | 'remove_topics'>()
  const [asking, setAsking] = useState(false)
  const ids = [...selection.value]
  const none = ids.length === 0
  list.watch()
  // What was asked of a selection goes with it, also when it is deleted elsewhere.
  useEffect(() => {
    setPicking(undefined)
    setAsking(false)
  }, [none])
  if (none) return null

  // The bar goes with the selection: the focus goes on at the first row that was chosen, or at the one in its place.
  const first = () => list.entries.findIndex((entry) => selection.value.has(entry.id))
  const unselect = (at: number) => {
    selection.value = new Set()
    refocus(Math.min(at, list.entries.length - 1))
  }
  const act = async (action: BulkAction, topics?: string[]) => {
    const at = first() // an event may take them out before the answer comes
    const done = await each(ids, action, topics)
    if (action === 'delete' || action === 'restore') list.drop(ids)
    unselect(at)
    list.refresh()
    if (done.length === 0) return
    const undone = async () => {
      await restore(done)
      list.refresh()
    }
    const undo = action === 'delete' && facts.trash ? { action: { label: t('undo'), run: () => void attempt(undone) } } : {}
    tell(t(saidOf[action], { n: done.length }), undo)
  }
  // The API deletes for good one by one.
  const removeForGood = async () => {
    const at = first()
    const gone: string[] = []
    try {
      for (const id of ids) {
        await api.removeForGood(id).catch((error: unknown) => { if (!(error instanceof Problem && error.status === 404)) throw error })
        gone.push(id)
      }
    } finally {
      list.drop(gone)
      unselect(at)
      list.refresh()
      if (gone.length > 0) tell(t('deletedManyForGood', { n: gone.length }))
    }
  }
  const button = (action: BulkAction, label: Key) => (
    <button type="button" class={action === 'delete' ? 'danger' : ''} onClick={() => attempt(() => act(action))}>{t(label)}</button>
  )
  const askForGood = <button type="button" class="danger" onClick={() => setAsking(true)}>{t('deleteForGood')}</button>
  const remove = facts.trash ? button('delete', 'delete') : askForGood
  return (
    <div class="bulk" role="toolbar" aria-label={t('selected', { n: ids.length })}>
      <strong role="status">{t('selected', { n: ids.length })}</strong>
      <button type="button" class="plain" onClick={() => { selection.value = new Set(list.entries.map((entry) => entry.id)) }}>
        {list.ended ? t('selectAll') : t('selectLoaded', { n: list.entries.length })}
      </button>
      <span class="actions">
        {trashed ? <>{button('restore', 'restore')}{askForGood}</> : (
          <>
            <button type="button" onClick={() => setPicking('add_topics')}>{t('addTopics')}</button>
            <button type="button" onClick={() => setPicking('remove_topics')}>{t('removeTopics')}</button>
            {button('classify', 'fileAgain')}
            {button('reprocess', 'readAgain')}
            {remove}
          </>
        )}
        <button type="button" class="plain" aria-label={t('unselect')} onClick={() => unselect(first())}><Icon name="close" /></button>
      </span>
      {asking && (
        <ForGood
          question={t('deleteManyForGoodAsk', { n: ids.length })} onClose={() => setAsking(false)}
          onYes={() => {
            setAsking(false)
            void attempt(() => (trashed ? removeForGood() : act('delete')))
          }}
        />
      )}
      {picking && (
        <Picker
          title={t(picking === 'add_topics' ? 'addTopics' : 'removeTopics')} chosen={[]} onClose={() => setPicking(undefined)}
          onSave={(names) => (names.length ? act(picking, names) : Promise.resolve())}
        />
      )}
    </div>
  )
}

async function attempt(work: () => Promise<void>) {
  try {
    await work()
  } catch (error) {
    tell(explain(error), { kind: 'wrong' })
  }
}
