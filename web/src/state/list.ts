import { signal } from '@preact/signals'
import { api, type Entry } from '../api/api'
import { Away, Problem } from '../api/problem'
import type { Changed } from './events'

export interface Filter {
  q: string
  topic: string
  untagged: boolean
  status: string
  type: string
  from: string
  to: string
  sort: string
  trashed: boolean
}

// filterOf reads an address; what it does not know in it is passed over.
export function filterOf(url: URL): Filter {
  const get = (name: string) => url.searchParams.get(name) ?? ''
  return {
    q: get('q').trim(), topic: get('topic'), untagged: get('untagged') === 'true', status: get('status'), type: get('type'),
    from: get('from'), to: get('to'), sort: get('sort'), trashed: url.pathname === '/trash',
  }
}

function parametersOf(filter: Filter): URLSearchParams {
  const parameters = new URLSearchParams({ per_page: String(pageSize) })
  const set = (name: string, value: string) => value && parameters.set(name, value)
  set('q', filter.q)
  set('topic', filter.topic)
  set('untagged', filter.untagged ? 'true' : '')
  set('status', filter.status)
  set('type', filter.type)
  set('created_after', firstMoment(filter.from, 0))
  set('created_before', firstMoment(filter.to, 1))
  set('sort', filter.sort)
  set('trashed', filter.trashed ? 'true' : '')
  return parameters
}

// firstMoment is that of a day where the user is, or of a later day, as the API takes it.
function firstMoment(day: string, later: number): string {
  const [year, month, date] = day.split('-').map(Number)
  if (!year || !month || !date) return ''
  return new Date(year, month - 1, date + later).toISOString()
}

const pageSize = 100

// A List is what a filter finds, as far as it was scrolled to. `entries` grows in place, for there may be a hundred thousand: `version` says
// that it changed.
export class List {
  readonly entries: Entry[] = []
  readonly version = signal(0)
  readonly state = signal<'new' | 'loading' | 'there' | 'wrong'>('new')
  total = 0
  exact = true
  problem: Problem | Away | undefined
  private cursor: string | null = null
  private readonly parameters: URLSearchParams
  private reading: AbortController | undefined
  private refreshing: ReturnType<typeof setTimeout> | undefined

  constructor(readonly filter: Filter) {
    this.parameters = parametersOf(filter)
  }

  get ended() {
    return this.cursor === null
  }

  // more loads the first page or the next.
  async more() {
    if (this.state.value === 'loading' || (this.state.value === 'there' && this.ended)) return
    this.state.value = 'loading'
    const parameters = new URLSearchParams(this.parameters)
    if (this.cursor) parameters.set('cursor', this.cursor)
    await this.read(parameters, (page) => {
      const known = new Set(this.entries.map((entry) => entry.id))
      this.entries.push(...page.documents.filter((entry) => !known.has(entry.id)))
      this.cursor = page.next_cursor
      if (page.page !== null || this.total === 0) this.count(page)
    })
  }

  // refresh reads the first page anew and puts it before what is loaded. Where the two do not meet, only the page is kept.
  refresh(after = 0) {
    this.refreshing ??= setTimeout(() => {
      this.refreshing = undefined
      if (this.state.value === 'loading') return this.refresh(300)
      if (this.state.value === 'new') return void this.more()
      void this.read(this.parameters, (page) => {
        this.merge(page.documents, page.next_cursor)
        this.count(page)
      })
    }, after)
  }

  private merge(head: Entry[], next: string | null) {
    const ids = new Set(head.map((entry) => entry.id))
    const last = head.at(-1)
    const meets = last ? this.entries.findIndex((entry) => entry.id === last.id) : -1
    const rest = meets < 0 || next === null ? [] : this.entries.slice(meets + 1).filter((entry) => !ids.has(entry.id))
    if (rest.length === 0) this.cursor = next
    this.entries.splice(0, this.entries.length, ...head, ...rest)
  }

  private count(page: { total: number; total_is_exact: boolean }) {
    this.total = page.total
    this.exact = page.total_is_exact
  }

  private async read(parameters: URLSearchParams, take: (page: Awaited<ReturnType<typeof api.list>>) => void) {
    this.reading?.abort()
    const reading = (this.reading = new AbortController())
    try {
      take(await api.list(parameters, reading.signal))
      this.problem = undefined
      this.state.value = 'there'
    } catch (error) {
      if (reading.signal.aborted) return
      if (!(error instanceof Problem || error instanceof Away)) throw error
      this.problem = error
      this.state.value = 'wrong'
    }
    this.version.value++
  }

  // stop gives up what is being read: nobody looks any more.
  stop() {
    clearTimeout(this.refreshing)
    this.refreshing = undefined
    if (this.state.value !== 'loading') return
    this.reading?.abort()
    this.state.value = this.entries.length ? 'there' : 'new'
  }

  // apply takes what an event told, and reads the rest soon.
  apply(changed: Changed) {
    const at = this.entries.findIndex((one) => one.id === changed.id)
    const entry = this.entries[at]
    if (entry && changed.deleted !== this.filter.trashed) this.drop([changed.id])
    else if (entry) {
      // Another object, not another content: rows that have the same as before are not drawn again.
      const classification = { ...entry.classification, status: changed.classification.status }
      this.entries[at] = { ...entry, status: changed.status, topics: changed.topics, classification }
      this.version.value++
    }
    this.refresh(500)
  }

  drop(ids: string[]) {
    const gone = new Set(ids)
    const kept = this.entries.filter((entry) => !gone.has(entry.id))
    this.total -= this.entries.length - kept.length
    this.entries.splice(0, this.entries.length, ...kept)
    this.version.value++
  }
}

// The lists of the last few addresses, so that the way back is at once.
const kept = new Map<string, List>()

export function listOf(filter: Filter): List {
  const key = JSON.stringify(filter)
  const list = kept.get(key) ?? new List(filter)
  kept.delete(key)
  kept.set(key, list)
  for (const oldest of kept.keys()) {
    if (kept.size <= 8) break
    kept.delete(oldest)
  }
  return list
}

// entryOf is what a list showed of a document, if one did.
export function entryOf(id: string): Entry | undefined {
  for (const list of [...kept.values()].reverse()) {
    const entry = list.entries.find((one) => one.id === id)
    if (entry) return entry
  }
  return undefined
}
