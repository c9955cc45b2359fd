import { computed, signal } from '@preact/signals'
import type { Doc } from '../api/api'
import { facts } from '../api/facts'
import { fromProxy, parseProblem, type Problem } from '../api/problem'
import { away, lost, returns } from './connection'
import { asking, signedOut } from './session'

export interface Upload {
  readonly key: number
  readonly file: File
  state: 'waiting' | 'sending' | 'stored' | 'duplicate' | 'refused' | 'cancelled' | 'broken'
  sent: number // of 1
  tries: number // that came to nothing
  document?: Doc | undefined
  problem?: Problem | undefined
}

// uploads are those of this visit, the newest first.
export const uploads = signal<Upload[]>([])
export const running = computed(() => uploads.value.filter((one) => one.state === 'waiting' || one.state === 'sending').length)

// A browser has six connections to a server: events and previews need some, too.
const atOnce = 3

// A file that ends each try is not to hold up the others.
const mostTries = 5
// The longest that a server is believed when it says when to try again, in seconds.
const longestPause = 60

const requests = new Map<number, XMLHttpRequest>()
let next = 1
let paused: ReturnType<typeof setTimeout> | undefined

// upload sends files; of those that could not be read when they were dropped it says so.
export function upload(files: Iterable<File>, unreadable: string[] = []) {
  const refused = unreadable.map((name) => newUpload(new File([], name)))
  const added = Array.from(files, newUpload)
  uploads.value = [...added.toReversed(), ...refused, ...uploads.value]
  for (const one of refused) refuse(one, 'unreadable_file')
  for (const one of added) {
    if (one.file.size > facts.max_upload_bytes) refuse(one, 'too_large')
    else if (one.file.size === 0) refuse(one, 'empty_file')
  }
  sendNext()
}

const newUpload = (file: File): Upload => ({ key: next++, file, state: 'waiting', sent: 0, tries: 0 })

function refuse(one: Upload, code: string) {
  change(one, { state: 'refused', problem: problemOf(code) })
}

const problemOf = (code: string) => parseProblem(400, JSON.stringify({ code }))

export function cancel(one: Upload) {
  requests.get(one.key)?.abort()
  requests.delete(one.key)
  change(one, { state: 'cancelled', problem: undefined })
  sendNext()
}

const anew = { state: 'waiting', sent: 0, tries: 0, problem: undefined } as const

export function retry(one: Upload) {
  change(one, anew)
  sendNext()
}

export function retryAll() {
  uploads.value = uploads.value.map((one) => (one.state === 'broken' ? { ...one, ...anew } : one))
  sendNext()
}

export function forgetEnded() {
  uploads.value = uploads.value.filter((one) => one.state === 'waiting' || one.state === 'sending')
}

// Where nothing needs a look, the list leaves by itself.
const leaveAfter = 8000

function leave() {
  if (uploads.value.every((one) => one.state === 'stored')) uploads.value = []
}

// change replaces the one with its key: what is shown compares.
function change(one: Upload, changes: Partial<Upload>) {
  uploads.value = uploads.value.map((other) => (other.key === one.key ? { ...other, ...changes } : other))
}

// While there is nobody to send to, all wait.
function sendNext() {
  while (requests.size < atOnce && !away.value && !signedOut.value && !paused) {
    const one = uploads.value.findLast((other) => other.state === 'waiting')
    if (!one) return
    send(one)
  }
}

returns.subscribe(sendNext)

// again puts one back that the vault did not take for now. All rest for some seconds, or as many as the server asked for: while other
// requests come through, the tries would be over in no time.
function again(one: Upload, problem?: Problem, asked?: string | null): Partial<Upload> {
  const tries = one.tries + 1
  rest(Math.min(Number(asked) || tries, longestPause))
  return tries < mostTries ? { state: 'waiting', sent: 0, tries, problem: undefined } : { state: 'broken', tries, problem }
}

function rest(seconds: number) {
  paused ??= setTimeout(() => {
    paused = undefined
    sendNext()
  }, seconds * 1000)
}

// send uses XMLHttpRequest because fetch does not tell how far a body has gone.
function send(one: Upload) {
  const xhr = new XMLHttpRequest()
  const refused = asking()
  requests.set(one.key, xhr)
  change(one, { state: 'sending' })
  xhr.upload.onprogress = (event) => change(one, { sent: event.total ? event.loaded / event.total : 0 })
  const end = (changes: Partial<Upload>) => {
    requests.delete(one.key)
    change(one, changes)
    sendNext()
    if (running.value === 0 && uploads.value.every((other) => other.state === 'stored')) setTimeout(leave, leaveAfter)
  }
  xhr.onload = () => end(outcome(one, xhr, refused))
  xhr.onabort = () => end({})
  xhr.onerror = () => void isReadable(one.file).then((readable) => {
    if (requests.get(one.key) !== xhr) return // cancelled meanwhile
    if (readable) lost()
    end(readable ? again(one) : { state: 'refused', problem: problemOf('unreadable_file') })
  })
  xhr.open('POST', '/api/documents/upload')
  xhr.send(formOf(one.file))
}

// isReadable tells a file that was changed or removed since it was chosen from a connection that was lost: a request says the same of both.
const isReadable = (file: File) => file.slice(0, 1).arrayBuffer().then(() => true, () => false)

// formOf is a form with the file. FormData would write a quote in its name as %22 and leave a percent sign as it is (multipart/form-data
// encoding of the HTML standard): the vault takes %22 for a quote, and a name that has %22 in it would be changed. In filename* (RFC 8187) a
// name is what it is.
function formOf(file: File): Blob {
  const boundary = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
  const name = Array.from(new TextEncoder().encode(file.name), escaped).join('')
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename*=UTF-8''${name}\r\n\r\n`
  return new Blob([head, file, `\r\n--${boundary}--\r\n`], { type: `multipart/form-data; boundary=${boundary}` })
}

// escaped writes a byte as RFC 8187 does.
function escaped(byte: number): string {
  const letter = String.fromCharCode(byte)
  return /[A-Za-z0-9._~-]/.test(letter) ? letter : `%${byte.toString(16).padStart(2, '0')}`
}

function outcome(one: Upload, xhr: XMLHttpRequest, refused: () => void): Partial<Upload> {
  if (xhr.status === 200) {
    const document = JSON.parse(xhr.responseText) as Doc
    return { state: document.duplicate ? 'duplicate' : 'stored', sent: 1, document, problem: undefined }
  }
  if (xhr.status === 401) {
    refused()
    return anew
  }
  if (fromProxy(xhr.status, xhr.responseText)) {
    lost()
    return again(one)
  }
  const problem = parseProblem(xhr.status, xhr.responseText)
  if (xhr.status === 429 || xhr.status === 503) return again(one, problem, xhr.getResponseHeader('Retry-After'))
  // What the server could not do now it may do later; what it refused it will refuse again.
  return { state: xhr.status >= 500 || xhr.status === 408 ? 'broken' : 'refused', problem }
}

// filesOf collects what was dropped, folders included. One that cannot be read does not keep the others out.
export async function filesOf(transfer: DataTransfer): Promise<{ files: File[]; unreadable: string[] }> {
  const entries = Array.from(transfer.items, (item) => item.webkitGetAsEntry()).filter((entry) => entry !== null)
  if (entries.length === 0) return { files: [...transfer.files], unreadable: [] }
  const unreadable: string[] = []
  const files = await Promise.all(entries.map((entry) => filesIn(entry, unreadable)))
  return { files: files.flat(), unreadable }
}

async function filesIn(entry: FileSystemEntry, unreadable: string[]): Promise<File[]> {
  const all: File[] = []
  try {
    if (entry.isFile) return [await new Promise<File>((done, failed) => (entry as FileSystemFileEntry).file(done, failed))]
    const reader = (entry as FileSystemDirectoryEntry).createReader()
    for (;;) {
      // A reader gives a hundred at a time, and none at the end.
      const some = await new Promise<FileSystemEntry[]>((done, failed) => reader.readEntries(done, failed))
      if (some.length === 0) return all
      all.push(...(await Promise.all(some.map((one) => filesIn(one, unreadable)))).flat())
    }
  } catch {
    unreadable.push(entry.name)
    return all
  }
}

// A picture from the clipboard has the same name each time: its own says when it was taken.
export function pasted(files: FileList): File[] {
  const now = new Date()
  const here = new Date(now.getTime() - now.getTimezoneOffset() * 60_000) // so that UTC reads as the user's clock does
  const stamp = here.toISOString().slice(0, 19).replace('T', ' ').replaceAll(':', '.')
  return Array.from(files, (file) => (/^image\.\w+$/.test(file.name)
    ? new File([file], `${stamp}.${file.name.split('.').pop()}`, { type: file.type }) : file))
}

addEventListener('beforeunload', (event) => {
  if (running.value > 0) event.preventDefault()
})
