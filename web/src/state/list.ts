import { signal } from '@preact/signals'
import { api, type Entry } from '../api/api'
import { Away, Problem } from '../api/problem'
import type { Changed } from './events'
import { unselect } from './selection'

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

export const types = ['pdf', 'image', 'text', 'office', 'email']
export const statuses = ['pending', 'processing', 'ready', 'failed']
// sortsOf are the orders besides the usual one, which has no name: the best match of a search, else the newest first.
export const sortsOf = (q: string) => [...(q ? ['-created_at'] : []), 'created_at', 'name', '-name', 'size', '-size']

// filterOf reads an address; what it does not know in it is passed over.
export function filterOf(url: URL): Filter {
  const get = (name: string) => url.searchParams.get(name) ?? ''
  const among = (name: string, known: string[]) => known.find((one) => one === get(name)) ?? ''
  const day = (name: string) => (firstMoment(get(name), 0) ? get(name) : '')
  const q = get('q').trim()
  return {
    q, topic: get('topic'), untagged: get('untagged') === 'true', status: among('status', statuses), type: among('type', types),
    from: day('from'), to: day('to'), sort: among('sort', sortsOf(q)), trashed: url.pathname === '/trash',
  }
}

function parametersOf(filter: Filter): URLSearchParams {
  const parameters = new URLSearchParams({ per_page: String(filter.q ? searchPageSize : pageSize) })
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

// firstMoment is that of a day where the user is, or of a later day, as the API takes it. Of what is no day there is none.
function firstMoment(day: string, later: number): string {
  const moment = new Date(/^\d{4}-\d\d-\d\d$/.test(day) ? `${day}T00:00` : NaN)
  moment.setDate(moment.getDate() + later)
  const said = Number.isNaN(moment.getTime()) ? '' : moment.toISOString()
  return /^\d{4}-/.test(said) ? said : ''
}

const pageSize = 100
// What a search says of each document it has to work for: the first that it found are wanted soon.
const searchPageSize = 40

// A Page is where one begins: after the cursor, as it was when `changes` of the list were known.
interface Page {
  cursor: string | null
  changes: number
}

// The first page begins after no entry.
const start = ''

// A List is what a filter finds, as far as it was scrolled to. `entries` grows in place, for there may be a hundred thousand: `version` says
// that it changed. What is in sight, and the first page with the total, are read anew when something changed; the rest is when it comes into
// sight.
export class List {
  readonly entries: Entry[] = []
  readonly version = signal(0)
  readonly state = signal<'new' | 'loading' | 'there' | 'wrong'>('new')
  total = 0
  exact = true
  problem: Problem | Away | undefined
  private cursor: string | null = null
  // By the entry that they begin after.
  private readonly pages = new Map<string, Page>([[start, { cursor: null, changes: 0 }]])
  private changes = 0
  private sight = { first: 0, last: 0 }
  private readonly parameters: URLSearchParams
  private reading: AbortController | undefined
  private refreshing: ReturnType<typeof setTimeout> | undefined
  private renewing = false

  constructor(readonly filter: Filter) {
    this.parameters = parametersOf(filter)
  }

  get ended() {
    return this.cursor === null
  }

  // watch makes the component that calls it be drawn anew when the list changes.
  watch(): number {
    return this.version.value
  }

  // begin loads the first page of a list that is new.
  begin() {
    if (this.state.value === 'new') void this.more()
  }

  // more loads the first page or the next.
  async more() {
    if (this.state.value === 'loading' || (this.state.value === 'there' && this.ended)) return
    this.state.value = 'loading'
    const last = this.entries.at(-1)
    const page: Page = { cursor: last ? this.cursor : null, changes: this.changes }
    await this.read(page, (answer) => {
      this.pages.set(last?.id ?? start, page)
      const known = new Set(this.entries.map((entry) => entry.id))
      this.entries.push(...answer.documents.filter((entry) => !known.has(entry.id)))
      this.cursor = answer.next_cursor
      if (page.cursor === null || this.total === 0) this.count(answer)
    })
  }

  // look is told which entries are in sight, `last` excluded.
  look(first: number, last: number) {
    this.sight = { first, last }
    if (this.state.value === 'there' && this.firstStale(this.changes) !== undefined) this.renewSoon(200)
  }

  // refresh reads anew what is in sight.
  refresh(after = 0) {
    this.changes++
    this.renewSoon(after)
  }

  private renewSoon(after: number) {
    this.refreshing ??= setTimeout(() => {
      this.refreshing = undefined
      if (this.state.value === 'new') this.begin()
      else if (this.state.value === 'loading' || this.renewing) this.renewSoon(300)
      else void this.renew()
    }, after)
  }

  private async renew() {
    this.renewing = true
    // What changes meanwhile asks for itself.
    const changes = this.changes
    try {
      let at = this.firstStale(changes)
      while (at !== undefined && (await this.renewPage(at))) at = this.firstStale(changes)
    } finally {
      this.renewing = false
    }
  }

  private async renewPage(at: string): Promise<boolean> {
    const page: Page = { cursor: this.pages.get(at)?.cursor ?? null, changes: this.changes }
    return this.read(page, (answer) => {
      this.merge(at, page, answer.documents, answer.next_cursor)
      if (at === start) this.count(answer)
    })
  }

  // inSight is where the pages begin that are in sight.
  private inSight(): string[] {
    const found: string[] = []
    for (let i = Math.min(this.sight.last, this.entries.length) - 2; i >= 0; i--) {
      const id = this.entries[i]?.id ?? start
      if (!this.pages.has(id)) continue
      found.push(id)
      if (i < this.sight.first) return found.reverse()
    }
    return [start, ...found.reverse()]
  }

  // firstStale is where a page begins that is older than `changes`: of those in sight, or the first, which has the total.
  private firstStale(changes: number): string | undefined {
    return [...this.inSight(), start].find((at) => (this.pages.get(at)?.changes ?? changes) < changes)
  }

  // merge puts a page that was read anew in the place of what was loaded of it. Where the two do not meet, what follows is loaded again.
  private merge(at: string, page: Page, fresh: Entry[], next: string | null) {
    const from = at === start ? 0 : this.entries.findIndex((entry) => entry.id === at) + 1
    if (at !== start && from === 0) return // it went, and events have said so
    const before = this.entries.slice(0, from)
    const old = this.entries.slice(from)
    const end = next === null ? old.length : meeting(old, fresh)
    const ids = new Set(fresh.map((entry) => entry.id))
    const isOld = (entry: Entry) => !ids.has(entry.id)
    const rest = old.slice(end).filter(isOld)

    const last = fresh.at(-1)
    const following = { cursor: next, changes: (this.pages.get(last?.id ?? at) ?? this.pages.get(at) ?? page).changes }
    this.pages.set(at, page)
    for (const entry of [...fresh, ...old.slice(0, end)]) this.pages.delete(entry.id)
    if (rest.length === 0) this.cursor = next
    else if (last) this.pages.set(last.id, following)
    this.replace([...before.filter(isOld), ...fresh, ...rest])
  }

  // replace takes no entries as arguments of a call: there may be more than an engine has room for.
  private replace(entries: Entry[]) {
    for (const [i, entry] of entries.entries()) this.entries[i] = entry
    this.entries.length = entries.length
  }

  private count(page: { total: number; total_is_exact: boolean }) {
    this.total = page.total
    this.exact = page.total_is_exact
  }

  // read says whether there was an answer.
  private async read(page: Page, take: (answer: Awaited<ReturnType<typeof api.list>>) => void): Promise<boolean> {
    this.reading?.abort()
    const reading = (this.reading = new AbortController())
    const parameters = new URLSearchParams(this.parameters)
    if (page.cursor) parameters.set('cursor', page.cursor)
    try {
      const answer = await api.list(parameters, reading.signal)
      if (reading.signal.aborted) return false
      take(answer)
      this.problem = undefined
      this.state.value = 'there'
    } catch (error) {
      if (reading.signal.aborted) return false
      if (!(error instanceof Problem || error instanceof Away)) throw error
      this.problem = error
      this.state.value = 'wrong'
    }
    this.version.value++
    return this.state.value === 'there'
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
    const leaves = changed.deleted !== this.filter.trashed
    if (leaves) unselect(new Set([changed.id])) // it may have been read already that it went
    if (entry && leaves) this.drop([changed.id])
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
    let before = start
    for (const { id } of this.entries) {
      if (!gone.has(id)) {
        before = id
        continue
      }
      // The page that began after it begins after the one before, unless another does.
      const page = this.pages.get(id)
      if (page && !this.pages.has(before)) this.pages.set(before, page)
      this.pages.delete(id)
    }
    const kept = this.entries.filter((entry) => !gone.has(entry.id))
    this.total -= this.entries.length - kept.length
    unselect(gone)
    this.replace(kept)
    this.version.value++
  }
}

// meeting is where, in what was loaded, that follows which a page read anew does not reach: after its last entry that stands behind the same
// entry as before. One that moved says nothing.
function meeting(old: Entry[], fresh: Entry[]): number {
  const places = new Map(old.map((entry, place) => [entry.id, place]))
  // Where what stands before the first was: before the first. One that is new was nowhere.
  const now = [-1, ...fresh.map((entry) => places.get(entry.id) ?? NaN)]
  const at = now.findLastIndex((place, i) => i > 0 && place - (now[i - 1] ?? NaN) === 1)
  return at < 0 ? old.length : (now[at] ?? 0) + 1
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

// dropFromLists takes out of them what was just deleted, before an event says so.
export function dropFromLists(id: string) {
  for (const list of kept.values()) list.drop([id])
}

// entryOf is what a list showed of a document, if one did.
export function entryOf(id: string): Entry | undefined {
  for (const list of [...kept.values()].reverse()) {
    const entry = list.entries.find((one) => one.id === id)
    if (entry) return entry
  }
  return undefined
}
