import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { type Browser, type BrowserContextOptions, type Page, chromium } from 'playwright-core'
import { need, type Stack, startStack } from './stack'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

// How long anything may take before a test gives up: far longer than it takes.
export const patience = Number(process.env.PATIENCE ?? 30_000)

export interface World {
  stack: Stack
  open: (path?: string, options?: BrowserContextOptions) => Promise<Page>
}

// world gives the tests of a file a vault and a browser. Pages that end with an error of their own, or are refused something by their
// policy, fail the file.
export function world(environment: Record<string, string> = {}): World {
  const errors: string[] = []
  let browser: Browser | undefined
  const w = {} as World
  before(async () => {
    w.stack = await startStack(environment)
    const launched = (browser = await chromium.launch({ executablePath: need('CHROMIUM'), args: ['--no-sandbox', '--disable-dev-shm-usage'] }))
    w.open = async (path = '/', options = {}) => {
      const context = await launched.newContext({ baseURL: w.stack.url, locale: 'en-GB', reducedMotion: 'reduce', ...options })
      const page = await context.newPage()
      page.setDefaultTimeout(patience)
      page.on('pageerror', (error) => errors.push(String(error.stack ?? error)))
      page.on('console', (message) => {
        if (/Content Security Policy|Trusted/i.test(message.text())) errors.push(message.text())
      })
      await page.goto(path)
      return page
    }
  })
  after(async () => {
    await browser?.close()
    await (w as Partial<World>).stack?.close()
    assert.deepEqual(errors, [], 'errors of the page')
  })
  return w
}

export interface File {
  name: string
  text: string | Buffer
  mimeType?: string
}

export const file = (name: string, text: string | Buffer): { name: string; mimeType: string; buffer: Buffer } => ({
  name, mimeType: 'application/octet-stream', buffer: Buffer.from(text as string),
})

// add puts files in as the button does.
export async function add(page: Page, ...files: ReturnType<typeof file>[]) {
  await page.locator('input[type=file]').setInputFiles(files)
}

export const row = (page: Page, name: string) => page.locator('li.row', { has: page.getByText(name, { exact: true }) })

// ready waits until a document in the list has been read and filed.
export async function ready(page: Page, name: string) {
  await row(page, name).waitFor()
  await row(page, name).locator('.standing').waitFor({ state: 'detached' })
}

interface Violation {
  id: string
  nodes: { html: string; failureSummary: string }[]
}

// accessible asks axe, which knows most of WCAG 2.2 AA that a program can see.
export async function accessible(page: Page, about: string) {
  await page.evaluate(axe)
  const violations = await page.evaluate(async () => {
    const run = (window as unknown as { axe: { run: (on: Document, how: object) => Promise<{ violations: Violation[] }> } }).axe.run
    return (await run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })).violations
  })
  const said = violations.flatMap((one) => one.nodes.map((node) => `${one.id}: ${node.html}\n${node.failureSummary}`))
  assert.deepEqual(said, [], `axe on ${about}`)
}

// answers asks the API as the page does, with its session.
export async function ask<T>(page: Page, method: string, path: string, body?: unknown): Promise<T> {
  const response = await page.request.fetch(path, { method, ...(body === undefined ? {} : { data: body }) })
  assert.ok(response.ok(), `${method} ${path}: ${response.status()} ${await response.text()}`)
  return (response.status() === 204 ? undefined : await response.json()) as T
}
