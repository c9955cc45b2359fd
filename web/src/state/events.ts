import { effect } from '@preact/signals'
import type { Doc } from '../api/api'
import { away, returns } from './connection'
import { signedOut } from './session'

export interface Changed {
  id: string
  status: Doc['status']
  classification: { status: Doc['classification']['status'] }
  topics: string[]
  deleted: boolean
}

export interface Watcher {
  document?: (changed: Changed) => void
  topics?: () => void
  // Something may have been missed: read anew what is shown.
  reset: () => void
}

const watchers = new Set<Watcher>()

export function watch(watcher: Watcher): () => void {
  watchers.add(watcher)
  return () => watchers.delete(watcher)
}

// While there is no stream, what is shown is read anew as often as this.
const pollEvery = 5000
// A stream that was refused, not cut, is asked for again after this.
const askAgain = 10_000

let stream: EventSource | undefined
let polling: ReturnType<typeof setInterval> | undefined
let asking: ReturnType<typeof setTimeout> | undefined

function resetAll() {
  for (const watcher of watchers) watcher.reset()
}

function open() {
  if (stream || document.hidden || signedOut.value) return
  clearTimeout(asking)
  stream = new EventSource('/api/events')
  stream.onopen = () => {
    poll(false)
    resetAll() // what happened since it was read was told to nobody
  }
  stream.onerror = () => {
    poll(true)
    if (stream?.readyState !== EventSource.CLOSED) return
    stream = undefined
    asking = setTimeout(open, askAgain)
  }
  stream.addEventListener('document', (event) => {
    const changed = JSON.parse(event.data as string) as Changed
    for (const watcher of watchers) watcher.document?.(changed)
  })
  stream.addEventListener('topics', () => {
    for (const watcher of watchers) watcher.topics?.()
  })
  stream.addEventListener('reset', resetAll)
}

function close() {
  poll(false)
  clearTimeout(asking)
  stream?.close()
  stream = undefined
}

// poll begins or ends that. A stream that fails again and again does not begin it anew.
function poll(on: boolean) {
  if (on) {
    polling ??= setInterval(() => { if (!away.value && !signedOut.value) resetAll() }, pollEvery)
    return
  }
  clearInterval(polling)
  polling = undefined
}

// A browser has six connections to a server, for all its windows: those that nobody looks at hold none.
export function followEvents() {
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) close()
    else open()
  })
  effect(() => {
    if (returns.value > 0) resetAll()
    if (signedOut.value) close()
    else open()
  })
}
