import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import { after, test } from 'node:test'
import type { Page, Route } from 'playwright-core'
import { accessible, add, ask, file, ready, row, world } from './page'

const token = 'correct horse battery staple'
const w = world({ API_TOKEN: token })
let provider: Server | undefined
after(() => provider?.close())

async function signIn(page: Page) {
  await page.getByLabel('Token').fill(token)
  await page.keyboard.press('Enter')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
}

test('the token opens the vault, and is kept nowhere', async () => {
  const page = await w.open('/?sort=name')
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  await accessible(page, 'sign in')
  await page.getByLabel('Token').fill('wrong')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('alert').getByText('The token is wrong').waitFor()
  await page.getByLabel('Token').fill(token)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Put your papers in' }).waitFor()
  await add(page, file('secret.txt', 'for those with the token'))
  await ready(page, 'secret.txt')
  const kept = await page.evaluate(() => JSON.stringify([location.href, localStorage, sessionStorage, document.cookie]))
  assert.ok(!kept.includes('horse') && !kept.includes('docvault_session'), kept)
  assert.match(page.url(), /sort=name/)

  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  assert.equal(await page.getByText('secret.txt').count(), 0)
  await page.context().close()
})

test('the sign-in stays until it is answered, in the dark too; other windows follow', async () => {
  const page = await w.open('/', { colorScheme: 'dark' })
  const other = await page.context().newPage()
  await other.goto('/')
  for (const one of [page, other]) {
    await one.getByRole('heading', { name: 'Sign in' }).waitFor()
    for (let i = 0; i < 3; i++) await one.keyboard.press('Escape')
  }
  await page.locator('dialog[open]').waitFor()
  await accessible(page, 'sign in in the dark')
  await page.getByLabel('Token').fill(token)
  await page.keyboard.press('Enter')
  await row(page, 'secret.txt').waitFor()
  // Which of a context's pages is in front is all the same here: all count as visible.
  await other.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))
  await row(other, 'secret.txt').waitFor()
  await other.getByRole('dialog').waitFor({ state: 'detached' })

  // Files that are added meanwhile wait for the token, too.
  const names = ['a', 'b', 'c', 'd', 'e'].map((name) => `after sign-in ${name}.txt`)
  await page.context().clearCookies()
  await add(page, ...names.map((name) => file(name, `the text of ${name}`)))
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  await page.getByLabel('Token').fill(token)
  await page.keyboard.press('Enter')
  for (const name of names) await page.locator('.upload', { hasText: name }).getByText('Added').waitFor()
  for (const name of names) await ready(page, name)
  await page.context().close()
})

test('a session that ends takes nothing that was typed with it', async () => {
  const page = await w.open('/settings')
  await signIn(page)
  await page.getByLabel('What models are told').fill('File as my grandmother would.')
  await page.context().clearCookies()
  // Not clicked: the page may have asked for something else, and have the dialog over the button already.
  await page.getByRole('button', { name: 'Save' }).dispatchEvent('click')
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  await signIn(page)
  assert.equal(await page.getByLabel('What models are told').inputValue(), 'File as my grandmother would.')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('The settings are saved').waitFor()
  await page.reload()
  assert.equal(await page.getByLabel('What models are told').inputValue(), 'File as my grandmother would.')
  await page.getByRole('button', { name: 'Back to the default' }).click()
  await page.waitForFunction(() => document.querySelector('textarea')?.value.startsWith('You file documents'))
  await page.context().close()
})

test('what was read before a change does not take it back', async () => {
  const page = await w.open('/settings')
  await signIn(page)
  const prompt = page.getByLabel('What models are told')
  await prompt.fill('File by colour.')
  await page.context().clearCookies()
  await page.getByRole('button', { name: 'Save' }).dispatchEvent('click')
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  const held = new Promise<() => Promise<void>>((hold) => void page.route('**/api/settings', async (route) => {
    const early = await route.fetch()
    hold(() => route.fulfill({ response: early }))
  }, { times: 1 }))
  await signIn(page)
  const release = await held
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('The settings are saved').waitFor()
  const again = page.waitForRequest((request) => request.url().endsWith('/api/settings'))
  await release()
  await (await again).response()
  assert.equal(await prompt.inputValue(), 'File by colour.')
  await page.getByRole('button', { name: 'Back to the default' }).click()
  await page.waitForFunction(() => document.querySelector('textarea')?.value.startsWith('You file documents'))
  await page.context().close()
})

test('a provider is chosen, its key goes in and never comes out, and it is tried', async () => {
  const server = createServer((request, answer) => {
    answer.statusCode = request.headers.authorization === 'Bearer right-key' ? 200 : 401
    answer.setHeader('Content-Type', 'application/json')
    answer.end('{"object": "list", "data": [{"id": "gpt-4o", "object": "model"}], "id": "gpt-4o"}')
  })
  provider = server
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address() as { port: number }

  const page = await w.open('/settings')
  await page.getByLabel('Token').fill(token)
  await page.keyboard.press('Enter')
  await page.getByRole('radio', { name: /OpenAI/ }).check()
  await page.getByLabel('Server’s address').fill(`http://127.0.0.1:${port}/v1`)
  await page.getByLabel('API key').fill('wrong-key')
  await accessible(page, 'settings')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('A key is stored.').waitFor()
  assert.equal(await page.getByLabel('API key').inputValue(), '')
  await page.getByRole('button', { name: 'Try it' }).click()
  await page.getByText('It does not work.').waitFor()
  await page.getByLabel('API key').fill('right-key')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.waitForFunction(() => document.querySelector<HTMLInputElement>('input[type=password]')?.value === '')
  await page.getByRole('button', { name: 'Try it' }).click()
  await page.getByText(/It works/).waitFor()
  assert.ok(!(await page.content()).includes('right-key'))
  await page.getByRole('button', { name: 'Remove the key' }).click()
  await page.getByText('No key is stored.').waitFor()
  await page.context().close()
})

test('settings are saved by two windows, and typed in while they are', async () => {
  const page = await w.open('/settings')
  await page.getByLabel('Token').fill(token)
  await page.keyboard.press('Enter')
  const prompt = page.getByLabel('What models are told')
  const save = page.getByRole('button', { name: 'Save' })
  await prompt.fill('Mine.')
  await page.getByRole('link', { name: 'Status' }).click()
  await ask(page, 'PUT', '/api/settings', { providers: { openai: { model: 'of another window' } } })
  await page.getByRole('link', { name: 'Settings' }).click()
  const model = page.locator('.provider input').first()
  await page.waitForFunction(() => document.querySelector<HTMLInputElement>('.provider input')?.value === 'of another window')
  assert.equal(await prompt.inputValue(), 'Mine.')
  await save.click()
  await page.getByText('The settings are saved').waitFor()
  assert.equal(await model.inputValue(), 'of another window')
  const stored = await ask<{ system_prompt: string; providers: { openai: { model: string } } }>(page, 'GET', '/api/settings')
  assert.deepEqual([stored.system_prompt, stored.providers.openai.model], ['Mine.', 'of another window'])

  // What is typed while it is sent is neither lost nor taken for saved.
  for (const name of ['Save', 'Back to the default']) {
    await prompt.fill('Sent.')
    const sent = new Promise<Route>((got) => void page.route('**/api/settings', got, { times: 1 }))
    await page.getByRole('button', { name }).click()
    const route = await sent
    await prompt.fill('Typed since.')
    const answered = page.waitForResponse((response) => response.request().method() === 'PUT')
    await route.continue()
    await (await answered).finished()
    await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))))
    assert.equal(await prompt.inputValue(), 'Typed since.')
  }
  await page.getByRole('button', { name: 'Back to the default' }).click()
  await page.waitForFunction(() => document.querySelector('textarea')?.value.startsWith('You file documents'))
  await page.context().close()
})

test('German says why a provider does not work', async () => {
  const page = await w.open('/settings', { locale: 'de-DE' })
  await page.getByLabel('Token').fill(token)
  await page.keyboard.press('Enter')
  await page.getByLabel('API-Schlüssel').fill('wrong-key')
  await page.getByRole('button', { name: 'Speichern' }).click()
  await page.getByText('Ein Schlüssel ist gespeichert.').waitFor()
  await page.getByRole('button', { name: 'Ausprobieren' }).click()
  await page.getByText('Der Anbieter nimmt den API-Schlüssel nicht an.').waitFor()
  await page.context().close()
})

test('the status says how the vault fares', async () => {
  const page = await w.open('/status')
  await page.getByLabel('Token').fill(token)
  await page.keyboard.press('Enter')
  await page.getByText('All is well').waitFor()
  await page.getByText('Waiting for a worker').waitFor()
  await accessible(page, 'the status')
  await page.getByRole('link', { name: 'All documents' }).click()
  await row(page, 'secret.txt').waitFor()
  await page.context().close()
})
