import type { components } from './schema'

type Body = Partial<components['schemas']['Problem']>

// What a proxy answers for the API has no code.
const codes: Record<number, string> = { 401: 'unauthorized', 404: 'not_found', 413: 'too_large', 429: 'busy', 503: 'unavailable' }

// A Problem is a refusal of the API. `code` is stable, `message` is the API's own English sentence.
export class Problem extends Error {
  readonly status: number
  readonly code: string
  readonly field: string | undefined

  constructor(status: number, body: Body) {
    super(body.detail ?? String(status))
    this.status = status
    this.code = body.code ?? codes[status] ?? 'unknown'
    this.field = body.field
  }
}

// An Away says that there was no answer at all: no network, or nobody listens.
export class Away extends Error {
  constructor() {
    super('no answer')
  }
}

// fromProxy tells the answer of a proxy that has lost the API from one of the API, whose errors are JSON.
export const fromProxy = (status: number, text: string) => status >= 500 && !text.startsWith('{')

export function parseProblem(status: number, text: string): Problem {
  try {
    const body: unknown = JSON.parse(text)
    return new Problem(status, body !== null && typeof body === 'object' ? body : {})
  } catch {
    return new Problem(status, {})
  }
}
