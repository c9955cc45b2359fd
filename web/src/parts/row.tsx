import type { Entry } from '../api/api'
import { bytes, day, kind, moment, t } from '../i18n'
import type { List } from '../state/list'
import { here } from '../state/router'
import { select, selection } from '../state/selection'
import { Chip } from './chip'
import { piecesOf } from './highlight'
import { Marked } from './marked'
import { Thumbnail } from './preview'
import { isSettled, Standing } from './standing'
import { TrashActions } from './trash'

interface Props {
  entry: Entry
  list: List
  index: number
  top: number
}

// Row is a document in the list. Names and texts are other people's: each stands in a bdi, so that its marks of direction end with it.
export function Row({ entry, list, index, top }: Props) {
  const selected = selection.value.has(entry.id)
  const state = list.filter.trashed ? 'trashed' : isSettled(entry) ? 'settled' : 'unsettled'
  const inside = (
    <>
      <bdi class="name">{entry.original_name}</bdi>
      <span class="facts">
        <span>{kind(entry.mime_type)}</span><span>{bytes(entry.size)}</span>
        <time dateTime={entry.created_at} title={moment(entry.created_at)}>{day(entry.created_at)}</time>
      </span>
      {entry.highlight && <bdi class="highlight"><Marked pieces={piecesOf(entry.highlight)} /></bdi>}
    </>
  )
  return (
    <li
      class={`row ${state} ${selected ? 'selected' : ''}`} style={{ top: `${top}px` }}
      aria-setsize={list.exact ? list.total : -1} aria-posinset={index + 1}
    >
      <label class="check">
        <input
          type="checkbox" checked={selected} aria-label={t('select', { name: entry.original_name })}
          onClick={(event) => select(list, index, event.currentTarget.checked, event.shiftKey)}
        />
      </label>
      <Thumbnail document={entry} />
      {/* What is in the trash has no view of its own until it is restored. */}
      {list.filter.trashed ? <div class="link">{inside}</div> : <a class="link" href={address(entry.id)}>{inside}</a>}
      <span class="chips">
        {entry.topics.map((name) => <Chip key={name} name={name} certainty={entry.classification.confidence[name]} />)}
      </span>
      {list.filter.trashed ? <TrashActions entry={entry} list={list} /> : <span class="side"><Standing document={entry} /></span>}
    </li>
  )
}

function address(id: string): string {
  const q = here.value.searchParams.get('q')
  return q ? `/documents/${id}?q=${encodeURIComponent(q)}` : `/documents/${id}`
}
