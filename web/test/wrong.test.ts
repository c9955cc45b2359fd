import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Page, Route } from 'playwright-core'
import { accessible, add, ask, file, ready, row, world } from './page'

const w = world()
const uploads = '**/api/documents/upload'

const entry = (page: Page, name: string) => page.locator('.upload', { has: page.getByText(name, { exact: true }) })
const refuse = (status: number, code: string, headers: Record<string, string> = {}) => (route: Route) =>
  route.fulfill({ status, contentType: 'application/problem+json', headers, body: JSON.stringify({ status, code, detail: 'what went wrong' }) })

// put uploads beside the page, and answers with the id.
async function put(page: Page, name: string): Promise<string> {
  const response = await page.request.post('/api/documents/upload', { multipart: { file: file(name, `the text of ${name}`) } })
  return ((await response.json()) as { id: string }).id
}

const gone = (page: Page, id: string) => ask(page, 'DELETE', `/api/documents/${id}?permanent=true`)

test('what cannot be brought back is not said to be', async () => {
  const page = await w.open()
  const ids = new Map<string, string>()
  for (const name of ['one.txt', 'two.txt', 'three.txt', 'four.txt']) {
    ids.set(name, await put(page, name))
    await ready(page, name)
  }
  const lose = (name: string) => gone(page, ids.get(name) ?? '')
  await row(page, 'one.txt').getByRole('link').click()
  await page.getByRole('button', { name: 'Delete' }).click()
  await page.getByText('“one.txt” is in the trash').waitFor()
  await lose('one.txt')
  await page.getByRole('button', { name: 'Undo' }).click()
  await page.getByText('1 document was not there any more').waitFor()
  assert.equal(await page.getByText('“one.txt” is back').count(), 0)
  await page.locator('.toast').getByRole('button', { name: 'Close' }).first().click()

  await row(page, 'two.txt').getByRole('checkbox').check()
  await row(page, 'three.txt').getByRole('checkbox').check()
  await page.getByRole('toolbar').getByRole('button', { name: 'Delete' }).click()
  await page.getByText('2 documents are in the trash').waitFor()
  await lose('two.txt')
  await page.getByRole('button', { name: 'Undo' }).click()
  await page.getByText('1 document was not there any more').waitFor()
  await page.getByText('1 document is back').waitFor()
  await row(page, 'three.txt').waitFor()

  await row(page, 'four.txt').getByRole('link').click()
  await page.getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('link', { name: 'Trash' }).click()
  await row(page, 'four.txt').waitFor()
  await lose('four.txt')
  await page.getByRole('button', { name: 'Restore: four.txt' }).click()
  await row(page, 'four.txt').waitFor({ state: 'detached' })
  assert.equal(await page.getByText('“four.txt” is back').count(), 0)
  await page.context().close()
})

test('uploads wait for a vault that is away, and for one that asks for time', async () => {
  const page = await w.open()
  const names = ['a', 'b', 'c', 'd', 'e'].map((name) => `waits ${name}.txt`)
  const away = /\/(api|livez)/
  await page.route(away, (route) => route.abort())
  await add(page, ...names.map((name) => file(name, `the text of ${name}`)))
  await page.locator('.banner').waitFor()
  for (const name of names) await entry(page, name).getByText('Waiting').waitFor()
  await page.unroute(away)
  for (const name of names) await entry(page, name).getByText('Added').waitFor()

  await page.route(uploads, refuse(503, 'unavailable', { 'Retry-After': '1' }), { times: 1 })
  await add(page, file('later.txt', 'taken a second later'))
  await entry(page, 'later.txt').getByText('Added').waitFor()
  await page.context().close()
})

test('uploads that failed are tried again together, and say no longer why', async () => {
  const page = await w.open()
  const names = ['first.txt', 'second.txt']
  await page.route(uploads, refuse(500, 'internal'))
  await add(page, ...names.map((name) => file(name, `the text of ${name}`)))
  for (const name of names) await entry(page, name).getByText('Something went wrong').waitFor()
  await page.unroute(uploads)
  await page.route(uploads, () => undefined) // no answer
  await page.getByRole('button', { name: 'Try first.txt again' }).click()
  await page.getByRole('button', { name: 'Cancel first.txt' }).click()
  await entry(page, 'first.txt').getByText('Cancelled').waitFor()
  await page.unroute(uploads)
  await page.route(uploads, refuse(500, 'internal'))
  await page.getByRole('button', { name: 'Try first.txt again' }).click()
  await entry(page, 'first.txt').getByText('Something went wrong').waitFor()
  await page.unroute(uploads)
  await accessible(page, 'uploads that failed')
  await page.getByRole('button', { name: 'Try all again' }).click()
  for (const name of names) await entry(page, name).getByText('Added').waitFor()
  await page.context().close()
})

test('a file that is gone is told from a connection that is', async () => {
  const page = await w.open()
  const directory = mkdtempSync(join(tmpdir(), 'docvault-file-'))
  const path = join(directory, 'removed.txt')
  writeFileSync(path, 'there for now')
  await page.route(uploads, async (route) => {
    rmSync(directory, { recursive: true })
    await route.abort()
  })
  await page.locator('input[type=file]').setInputFiles(path)
  await entry(page, 'removed.txt').getByText('cannot be read any more').waitFor()
  assert.equal(await page.locator('.banner').count(), 0)
  await page.unroute(uploads)
  await page.route(uploads, (route) => route.fulfill({ status: 413, contentType: 'text/html', body: '<h1>413 Request Entity Too Large</h1>' }))
  await add(page, file('too much.txt', 'for the proxy'))
  await entry(page, 'too much.txt').getByText('larger than this vault takes').waitFor()
  await page.context().close()
})

test('an answer that is cut is none', async () => {
  const page = await w.open('/status')
  await page.route('**/api/documents?*', (route) => route.fulfill({ status: 200, contentType: 'application/json', body: '{"documents": [' }), { times: 1 })
  await page.getByRole('link', { name: 'All documents' }).click()
  await row(page, 'three.txt').waitFor()
  await page.locator('.banner').waitFor({ state: 'detached' })
  await page.context().close()
})

test('what fails beside what is shown is said, and tried again by itself', async () => {
  const page = await w.open()
  await row(page, 'three.txt').getByRole('link').click()
  await page.getByRole('heading', { level: 1, name: 'three.txt' }).waitFor()
  const id = new URL(page.url()).pathname
  await page.route(`**/api${id}`, refuse(500, 'internal'))
  await ask(page, 'PATCH', `/api${id}`, { original_name: 'renamed.txt' })
  await page.getByRole('alert').getByText('Something went wrong in the vault').waitFor()
  await accessible(page, 'a document that could not be read again')
  await page.unroute(`**/api${id}`)
  await page.getByRole('heading', { level: 1, name: 'renamed.txt' }).waitFor()
  await page.getByRole('alert').getByText('Something went wrong').waitFor({ state: 'detached' })

  await page.route('**/api/stats', refuse(500, 'internal'))
  await page.getByRole('link', { name: 'Status' }).click()
  await page.getByRole('alert').getByText('Something went wrong in the vault').waitFor()
  await page.unroute('**/api/stats')
  await page.getByText('Waiting for a worker').waitFor()
  await page.getByRole('alert').getByText('Something went wrong').waitFor({ state: 'detached' })
  await page.context().close()
})

test('a document is read once at a time, and once more after all that happened', async () => {
  const page = await w.open()
  const other = await w.open()
  await row(page, 'renamed.txt').getByRole('link').click()
  await page.getByRole('heading', { level: 1, name: 'renamed.txt' }).waitFor()
  const path = new URL(page.url()).pathname
  const held: Route[] = []
  await page.route(`**/api${path}`, async (route) => { if (held.push(route) > 1) await route.continue() })
  const rename = async (name: string) => {
    await ask(other, 'PATCH', `/api${path}`, { original_name: name })
    await row(other, name).waitFor()
  }
  await rename('again 1.txt')
  await rename('again 2.txt')
  await rename('again 3.txt')
  assert.equal(held.length, 1, 'read more than once at a time')
  await held[0]?.continue()
  await page.getByRole('heading', { level: 1, name: 'again 3.txt' }).waitFor()
  await page.context().close()
  await other.context().close()
})

test('German says what is wrong with a name', async () => {
  const page = await w.open('/', { locale: 'de-DE' })
  await row(page, 'again 3.txt').getByRole('link').click()
  await page.getByRole('button', { name: 'Umbenennen' }).click()
  await page.getByRole('textbox', { name: 'Name' }).fill('/')
  await page.keyboard.press('Enter')
  await page.getByText('Ein Name braucht Buchstaben oder Ziffern').waitFor()
  await page.context().close()
})
