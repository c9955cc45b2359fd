import { signal } from '@preact/signals'
import { useState } from 'preact/hooks'
import { api, type BulkAction } from '../api/api'
import { explain, t, type Key } from '../i18n'
import type { List } from '../state/list'
import { tell } from '../state/toasts'
import { Icon } from './icon'
import { Picker } from './picker'

// selection holds the ids of the documents that are chosen in the list.
export const selection = signal<ReadonlySet<string>>(new Set())

let lastIndex = 0

// select chooses one, or with shift all from the one that was chosen before.
export function select(list: List, index: number, on: boolean, shift: boolean) {
  const from = shift ? Math.min(lastIndex, index) : index
  const to = shift ? Math.max(lastIndex, index) : index
  const chosen = new Set(selection.value)
  for (const entry of list.entries.slice(from, to + 1)) {
    if (on) chosen.add(entry.id)
    else chosen.delete(entry.id)
  }
  lastIndex = index
  selection.value = chosen
}

// The API takes so many at a time.
const most = 1000

async function each(ids: string[], action: BulkAction, topics?: string[]) {
  let failed = 0
  for (let i = 0; i < ids.length; i += most) failed += (await api.bulk(ids.slice(i, i + most), action, topics)).failed.length
  if (failed > 0) tell(t('failedMany', { n: failed }), { kind: 'wrong' })
}

const saidOf: Record<BulkAction, Key> = {
  delete: 'deletedMany', restore: 'restoredMany', classify: 'askedMany', reprocess: 'askedMany', add_topics: 'changedMany', remove_topics: 'changedMany',
}

// Bulk does one thing with all that are selected.
export function Bulk({ list, trashed }: { list: List; trashed: boolean }) {
  const [picking, setPicking] = useState<'add_topics' | 'remove_topics'>()
  const ids = [...selection.value]
  list.watch()
  if (ids.length === 0) return null

  const act = async (action: BulkAction, topics?: string[]) => {
    await each(ids, action, topics)
    selection.value = new Set()
    if (action === 'delete' || action === 'restore') list.drop(ids)
    list.refresh()
    const undo = action === 'delete' ? { action: { label: t('undo'), run: () => void attempt(() => restore(ids, list)) } } : {}
    tell(t(saidOf[action], { n: ids.length }), undo)
  }
  const button = (action: BulkAction, label: Key) => (
    <button type="button" class={action === 'delete' ? 'danger' : ''} onClick={() => attempt(() => act(action))}>{t(label)}</button>
  )
  return (
    <div class="bulk" role="toolbar" aria-label={t('selected', { n: ids.length })}>
      <strong role="status">{t('selected', { n: ids.length })}</strong>
      <button type="button" class="plain" onClick={() => { selection.value = new Set(list.entries.map((entry) => entry.id)) }}>
        {list.ended ? t('selectAll') : t('selectLoaded', { n: list.entries.length })}
      </button>
      <span class="actions">
        {trashed ? button('restore', 'restore') : (
          <>
            <button type="button" onClick={() => setPicking('add_topics')}>{t('addTopics')}</button>
            <button type="button" onClick={() => setPicking('remove_topics')}>{t('removeTopics')}</button>
            {button('classify', 'fileAgain')}
            {button('reprocess', 'readAgain')}
            {button('delete', 'delete')}
          </>
        )}
        <button type="button" class="plain" aria-label={t('unselect')} onClick={() => { selection.value = new Set() }}><Icon name="close" /></button>
      </span>
      {picking && (
        <Picker
          title={t(picking === 'add_topics' ? 'addTopics' : 'removeTopics')} chosen={[]} onClose={() => setPicking(undefined)}
          onSave={(names) => (names.length ? act(picking, names) : Promise.resolve())}
        />
      )}
    </div>
  )
}

async function restore(ids: string[], list: List) {
  await each(ids, 'restore')
  list.refresh()
  tell(t('restoredMany', { n: ids.length }))
}

async function attempt(work: () => Promise<void>) {
  try {
    await work()
  } catch (error) {
    tell(explain(error), { kind: 'wrong' })
  }
}
