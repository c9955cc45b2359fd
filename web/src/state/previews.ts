import { request } from '../api/api'
import { Problem } from '../api/problem'

// The widths that are asked for: few, so that the vault keeps few pictures of a page.
export const thumbnail = 160
export const sheet = 1024

// The newest pictures, as URLs of this window; the oldest are given back.
const pictures = new Map<string, string>()
const keep = 300

// A page shows many pictures, and a browser has six connections to a server.
const atOnce = 2
let busy = 0
const queue: (() => void)[] = []

async function turn<T>(work: () => Promise<T>): Promise<T> {
  if (busy >= atOnce) await new Promise<void>((go) => queue.push(go))
  busy++
  try {
    return await work()
  } finally {
    busy--
    queue.shift()?.()
  }
}

export const pictureAt = (id: string, page: number, width: number) => pictures.get(`${id}/${page}/${width}`)

// picture answers with a URL, or null where the page cannot be shown. The vault draws when it is asked first: until then, it is asked again.
export async function picture(id: string, page: number, width: number, signal: AbortSignal): Promise<string | null> {
  const key = `${id}/${page}/${width}`
  const known = pictures.get(key)
  if (known) return known
  for (let wait = 300; ; wait = Math.min(wait * 1.5, 5000)) {
    signal.throwIfAborted()
    const blob = await turn(() => ask(id, page, width, signal))
    if (blob === null) return null
    if (blob) return remember(key, URL.createObjectURL(blob))
    await pause(wait, signal)
  }
}

// ask answers undefined while the picture is being drawn.
async function ask(id: string, page: number, width: number, signal: AbortSignal): Promise<Blob | null | undefined> {
  try {
    signal.throwIfAborted()
    return await request('GET', `/api/documents/${id}/preview?page=${page}&width=${width}`, { signal },
      async (response) => (response.status === 202 ? undefined : response.blob()))
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return null
    if (error instanceof Problem && error.status !== 401) return undefined
    throw error
  }
}

function remember(key: string, url: string): string {
  pictures.set(key, url)
  for (const [oldest, old] of pictures) {
    if (pictures.size <= keep) break
    pictures.delete(oldest)
    URL.revokeObjectURL(old)
  }
  return url
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done, failed) => {
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      failed(signal.reason as Error)
    }, { once: true })
  })
}
