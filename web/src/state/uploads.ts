import { computed, signal } from '@preact/signals'
import type { Doc } from '../api/api'
import { facts } from '../api/facts'
import { fromProxy, parseProblem, type Problem } from '../api/problem'
import { lost } from './connection'
import { signedOut } from './session'

export interface Upload {
  readonly key: number
  readonly file: File
  state: 'waiting' | 'sending' | 'stored' | 'duplicate' | 'refused' | 'cancelled' | 'broken'
  sent: number // of 1
  document?: Doc
  problem?: Problem
}

// uploads are those of this visit, the newest first.
export const uploads = signal<Upload[]>([])
export const running = computed(() => uploads.value.filter((one) => one.state === 'waiting' || one.state === 'sending').length)

// A browser has six connections to a server: events and previews need some, too.
const atOnce = 3

const requests = new Map<number, XMLHttpRequest>()
let next = 1

export function upload(files: Iterable<File>) {
  const added = Array.from(files, (file): Upload => ({ key: next++, file, state: 'waiting', sent: 0 }))
  uploads.value = [...added.reverse(), ...uploads.value]
  for (const one of added) {
    if (one.file.size > facts.max_upload_bytes) refuse(one, 'too_large')
    else if (one.file.size === 0) refuse(one, 'empty_file')
  }
  sendNext()
}

function refuse(one: Upload, code: string) {
  change(one, { state: 'refused', problem: parseProblem(400, JSON.stringify({ code })) })
}

export function cancel(one: Upload) {
  requests.get(one.key)?.abort()
  change(one, { state: 'cancelled' })
  sendNext()
}

export function retry(one: Upload) {
  change(one, { state: 'waiting', sent: 0 })
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

function sendNext() {
  while (requests.size < atOnce) {
    const one = uploads.value.findLast((other) => other.state === 'waiting')
    if (!one) return
    send(one)
  }
}

// send uses XMLHttpRequest because fetch does not tell how far a body has gone.
function send(one: Upload) {
  const xhr = new XMLHttpRequest()
  requests.set(one.key, xhr)
  change(one, { state: 'sending' })
  xhr.upload.onprogress = (event) => change(one, { sent: event.total ? event.loaded / event.total : 0 })
  xhr.onload = () => change(one, outcome(xhr))
  xhr.onerror = () => {
    lost()
    change(one, { state: 'broken' })
  }
  xhr.onloadend = () => {
    requests.delete(one.key)
    sendNext()
    if (running.value === 0 && uploads.value.every((other) => other.state === 'stored')) setTimeout(leave, leaveAfter)
  }
  xhr.open('POST', '/api/documents/upload')
  xhr.send(formOf(one.file))
}

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

function outcome(xhr: XMLHttpRequest): Partial<Upload> {
  if (xhr.status === 200) {
    const document = JSON.parse(xhr.responseText) as Doc
    return { state: document.duplicate ? 'duplicate' : 'stored', sent: 1, document }
  }
  if (xhr.status === 401) signedOut.value = true
  if (fromProxy(xhr.status, xhr.responseText)) {
    lost()
    return { state: 'broken' }
  }
  const problem = parseProblem(xhr.status, xhr.responseText)
  // What the server could not do now it may do later; what it refused it will refuse again.
  const passing = xhr.status >= 500 || xhr.status === 401 || xhr.status === 408 || xhr.status === 429
  return { state: passing ? 'broken' : 'refused', problem }
}

// filesOf collects what was dropped, folders included.
export async function filesOf(transfer: DataTransfer): Promise<File[]> {
  const entries = Array.from(transfer.items, (item) => item.webkitGetAsEntry()).filter((entry) => entry !== null)
  if (entries.length === 0) return [...transfer.files]
  return (await Promise.all(entries.map(filesIn))).flat()
}

async function filesIn(entry: FileSystemEntry): Promise<File[]> {
  if (entry.isFile) return [await new Promise<File>((done, failed) => (entry as FileSystemFileEntry).file(done, failed))]
  const reader = (entry as FileSystemDirectoryEntry).createReader()
  const all: File[] = []
  for (;;) {
    // A reader gives a hundred at a time, and none at the end.
    const some = await new Promise<FileSystemEntry[]>((done, failed) => reader.readEntries(done, failed))
    if (some.length === 0) return all
    all.push(...(await Promise.all(some.map(filesIn))).flat())
  }
}

// A picture from the clipboard has the same name each time: its own says when it was taken.
export function pasted(files: FileList): File[] {
  const stamp = new Date().toISOString().slice(0, 19).replace('T', ' ').replaceAll(':', '.')
  return Array.from(files, (file) => (/^image\.\w+$/.test(file.name)
    ? new File([file], `${stamp}.${file.name.split('.').pop()}`, { type: file.type }) : file))
}

addEventListener('beforeunload', (event) => {
  if (running.value > 0) event.preventDefault()
})
