import { lost, found } from '../state/connection'
import { asking } from '../state/session'
import { Away, fromProxy, parseProblem } from './problem'
import type { components } from './schema'

type Schemas = components['schemas']
export type Doc = Schemas['Document']
export type DocWithText = Schemas['DocumentWithText']
export type Entry = Schemas['ListEntry']
export type Topic = Schemas['Topic']
export type TopicNew = Schemas['TopicNew']
export type Settings = Schemas['Settings']
export type ProviderName = Settings['active_provider']
export type ProviderCheck = Schemas['ProviderCheck']
export type Stats = Schemas['Stats']
export type Health = Schemas['Health']
export type BulkAction = Schemas['Bulk']['action']
export type BulkResult = Schemas['BulkResult']

interface Options {
  body?: unknown
  signal?: AbortSignal | undefined
}

// request asks the API, and reads what it answers, which may be cut as well. Errors: Problem, Away, and the AbortError of a signal. It tells
// the page when the connection was lost, and when the vault wants its token.
export async function request<T>(method: string, path: string, options: Options, read: (response: Response) => Promise<T>): Promise<T> {
  const init: RequestInit = { method, signal: options.signal ?? null }
  if (options.body !== undefined) {
    init.body = JSON.stringify(options.body)
    init.headers = { 'Content-Type': 'application/json' }
  }
  const refused = asking()
  let status: number
  let answer: { refusal: string } | { taken: T }
  try {
    const response = await fetch(path, init)
    status = response.status
    answer = status >= 400 ? { refusal: await response.text() } : { taken: await read(response) }
  } catch (error) {
    if (options.signal?.aborted) throw error
    lost()
    throw new Away()
  }
  if ('refusal' in answer && fromProxy(status, answer.refusal)) {
    lost()
    throw new Away()
  }
  found()
  if (status === 401 && path !== '/api/session') refused()
  if ('refusal' in answer) throw parseProblem(status, answer.refusal)
  return answer.taken
}

const json = <T>(method: string, path: string, options: Options = {}) => request(method, path, options, (response) => response.json() as Promise<T>)
const nothing = (method: string, path: string, options: Options = {}) => request(method, path, options, () => Promise.resolve())

const documents = '/api/documents'

export const api = {
  list: (parameters: URLSearchParams, signal?: AbortSignal) =>
    json<Schemas['DocumentList']>('GET', `${documents}?${parameters}`, { signal }),
  get: (id: string, signal?: AbortSignal) => json<DocWithText>('GET', `${documents}/${id}`, { signal }),
  rename: (id: string, name: string) => json<Doc>('PATCH', `${documents}/${id}`, { body: { original_name: name } }),
  file: (id: string, topics: string[]) => json<Doc>('PATCH', `${documents}/${id}`, { body: { topics } }),
  classify: (id: string) => json<Doc>('POST', `${documents}/${id}/classify`),
  reprocess: (id: string) => json<Doc>('POST', `${documents}/${id}/reprocess`),
  remove: (id: string) => nothing('DELETE', `${documents}/${id}`),
  removeForGood: (id: string) => nothing('DELETE', `${documents}/${id}?permanent=true`),
  bulk: (ids: string[], action: BulkAction, topics?: string[]) =>
    json<BulkResult>('POST', `${documents}/bulk`, { body: topics ? { ids, action, topics } : { ids, action } }),

  topics: () => json<Schemas['TopicList']>('GET', '/api/topics'),
  createTopic: (topic: Partial<TopicNew>) => json<Topic>('POST', '/api/topics', { body: topic }),
  changeTopic: (id: string, topic: Partial<TopicNew>) => json<Topic>('PATCH', `/api/topics/${id}`, { body: topic }),
  mergeTopic: (id: string, into: string) => json<Topic>('POST', `/api/topics/${id}/merge`, { body: { into } }),
  removeTopic: (id: string) => nothing('DELETE', `/api/topics/${id}`),

  settings: () => json<Settings>('GET', '/api/settings'),
  changeSettings: (changes: unknown) => json<Settings>('PUT', '/api/settings', { body: changes }),
  check: (provider: ProviderName) => json<ProviderCheck>('POST', '/api/settings/check', { body: { provider } }),
  stats: (signal?: AbortSignal) => json<Stats>('GET', '/api/stats', { signal }),
  health: (signal?: AbortSignal) => json<Health>('GET', '/health', { signal }),

  signIn: (token: string) => nothing('POST', '/api/session', { body: { token } }),
  signOut: () => nothing('DELETE', '/api/session'),
}

export const contentURL = (id: string, download = false) => `${documents}/${id}/content${download ? '?download=1' : ''}`
export const textURL = (id: string) => `${documents}/${id}/text`
