import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import type { RefObject } from 'preact'
import { explain, isolate, t } from '../i18n'
import { Bulk } from '../parts/bulk'
import { Empty } from '../parts/empty'
import { Filters } from '../parts/filters'
import { Row } from '../parts/row'
import { useWindow } from '../parts/window'
import { Again, useAgain } from '../parts/wrong'
import { returns } from '../state/connection'
import { watch } from '../state/events'
import { filterOf, listOf, type Filter, type List } from '../state/list'
import { here } from '../state/router'
import { selection } from '../state/selection'
import { signedOut } from '../state/session'
import { topics } from '../state/topics'

// DocumentsView is the list, of the vault or of the trash: what the address bar says.
export function DocumentsView() {
  const filter = filterOf(here.value)
  const list = listOf(filter)
  const shown = useShown(list)
  useEffect(() => { selection.value = new Set() }, [list])
  useEffect(() => {
    const forget = watch({ document: (changed) => list.apply(changed), topics: () => list.refresh(500), reset: () => list.refresh() })
    list.begin()
    if (list.state.value !== 'loading') list.refresh()
    return () => {
      forget()
      list.stop()
    }
  }, [list])
  const title = titleOf(filter)
  useEffect(() => { document.title = `${isolate(title)} · DocVault` }, [title])

  return (
    <>
      <div class="head">
        <h1><bdi>{title}</bdi></h1>
        <p class="count" role="status">{countOf(shown, filter)}</p>
      </div>
      {topics.value?.length === 0 && shown.entries.length > 0 && !filter.trashed && (
        <p class="note">{t('noTopicsYet')} <a href="/topics">{t('manage')}</a></p>
      )}
      <div class="tools">
        {!nothingToFilter(shown) && <Filters filter={filter} />}
        <Bulk list={shown} trashed={filter.trashed} />
      </div>
      <Rows list={shown} />
    </>
  )
}

// useShown is the list, or, until it has something to show, the one before: letters that are typed do not make the page flicker.
function useShown(list: List): List {
  const before = useRef(list)
  list.watch()
  const ready = list.state.value === 'there' || list.state.value === 'wrong' || list.entries.length > 0
  if (ready || before.current.filter.trashed !== list.filter.trashed) before.current = list
  return before.current
}

function hasConditions({ q, topic, untagged, status, type, from, to }: Filter): boolean {
  return [q, topic, untagged, status, type, from, to].some(Boolean)
}

const nothingToFilter = (list: List) => list.state.value === 'there' && list.entries.length === 0 && !hasConditions(list.filter)

function titleOf(filter: Filter): string {
  if (filter.trashed) return t('trash')
  if (filter.untagged) return t('untagged')
  return filter.topic || t('all')
}

function countOf(list: List, filter: Filter): string {
  list.watch()
  if (list.state.value === 'new' || (list.state.value === 'loading' && list.entries.length === 0)) return t('loading')
  if (list.state.value === 'wrong' && list.entries.length === 0) return ''
  if (!list.exact) return t('countMore', { n: list.total })
  return t(filter.q ? 'found' : 'count', { n: list.total })
}

// How many rows before the end of what is loaded the next page is asked for.
const ahead = 50

function Rows({ list }: { list: List }) {
  const element = useRef<HTMLUListElement>(null)
  const height = list.filter.q ? 6.5 : 4.75
  list.watch()
  const { first, last, row } = useWindow(element, list.entries.length, height)
  useStill(element, list, first, last, row)
  useEffect(() => {
    list.look(first, last)
    if (list.state.value === 'there' && !list.ended && last > list.entries.length - ahead) void list.more()
  }, [list, first, last, list.version.value, returns.value])

  const problem = list.state.value === 'wrong' ? list.problem : undefined
  const empty = list.entries.length === 0
  useAgain(empty ? problem : undefined, () => void list.more())

  if (problem && empty) {
    if (signedOut.value) return null
    return (
      <Empty icon="warning" title={t('listWrong')} text={explain(problem)}>
        <button type="button" onClick={() => list.more()}>{t('retry')}</button>
      </Empty>
    )
  }
  if (list.state.value === 'there' && empty) return <Nothing filter={list.filter} />
  return (
    <>
      <ul
        class={list.filter.q ? 'rows found' : 'rows'} ref={element} aria-label={t('documents')}
        style={{ height: `${list.entries.length * row}px` }} onKeyDown={(event) => step(event, row)}
      >
        {list.entries.slice(first, last).map((entry, i) => (
          <Row key={entry.id} entry={entry} list={list} index={first + i} top={(first + i) * row} />
        ))}
      </ul>
      <p class="end" aria-hidden="true">{list.state.value === 'loading' && !empty ? t('loading') : ''}</p>
      <Again problem={problem} again={() => list.refresh()} />
    </>
  )
}

// useStill keeps what is in sight where it is while rows come and go above it. At the top of the list, what comes in is to be seen.
function useStill(element: RefObject<HTMLElement | null>, list: List, first: number, last: number, row: number) {
  const shown = useRef<{ list: List; version: number; first: number; ids: string[] } | undefined>(undefined)
  const version = list.watch()
  useLayoutEffect(() => {
    const was = shown.current
    shown.current = { list, version, first, ids: list.entries.slice(first, last).map((entry) => entry.id) }
    if (!element.current || was?.list !== list || was.version === version) return
    const top = Math.floor(-element.current.getBoundingClientRect().top / row)
    if (top <= 0) return
    for (let i = Math.max(0, top - was.first); i < was.ids.length; i++) {
      const now = list.entries.findIndex((entry) => entry.id === was.ids[i])
      if (now < 0) continue
      const moved = now - was.first - i
      if (moved !== 0) scrollBy(0, moved * row)
      return
    }
  }, [list, version, first, last, row])
}

// step moves the focus by a row. The next one is made by scrolling to it, if it is not there yet.
function step(event: KeyboardEvent, row: number) {
  const by = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1 }[event.key]
  const from = (event.target as HTMLElement).closest('li')
  if (!by || !from || event.ctrlKey || event.metaKey || event.altKey) return
  const to = by > 0 ? from.nextElementSibling : from.previousElementSibling
  const link = to?.querySelector('a')
  if (!link) return
  event.preventDefault()
  link.focus({ preventScroll: true })
  const { top, bottom } = link.getBoundingClientRect()
  const bars = parseFloat(getComputedStyle(document.documentElement).scrollPaddingTop)
  if (top < bars + row || bottom > innerHeight - row) scrollBy(0, by * row)
}

function Nothing({ filter }: { filter: Filter }) {
  if (hasConditions(filter)) {
    const filtered = hasConditions({ ...filter, q: '' })
    const text = filtered ? (filter.q ? 'emptyFoundDo' : 'emptyFilteredDo') : 'emptySearchDo'
    return (
      <Empty icon="search" title={t('emptyFound')} text={t(text)}>
        <a class="button" href={here.value.pathname}>{t(filtered ? 'clear' : 'clearSearch')}</a>
      </Empty>
    )
  }
  if (filter.trashed) return <Empty icon="trash" title={t('emptyTrash')} text={t('emptyTrashDo')} />
  return (
    <Empty icon="document" title={t('empty')} text={t('emptyDo')}>
      <button type="button" class="main" onClick={() => document.querySelector<HTMLButtonElement>('button.add')?.click()}>{t('add')}</button>
      <p class="limits">PDF · Word · Excel · PowerPoint · OpenDocument · {t('type.image')} · {t('type.email')} · {t('type.text')}</p>
    </Empty>
  )
}

