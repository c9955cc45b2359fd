import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import { accessible, add, ask, file, ready, row, world } from './page'

const w = world()
const focused = (page: Page) => page.evaluate(() => (document.activeElement as HTMLElement | null)?.innerText ?? '')

const names = {
  markup: '<b onmouseover="alert(1)">bold.txt',
  backwards: 'invoice\u202Etxt.exe.txt',
  arabic: 'فاتورة رقم 7.txt',
  long: `${'long '.repeat(78)}name.txt`,
  unbroken: `${'W'.repeat(240)}.txt`,
}

test('hostile names are shown as text, on a phone too', async () => {
  const page = await w.open()
  const stranger = await ask<{ id: string }>(page, 'POST', '/api/topics', { name: '<script>alert(1)</script>', description: '"><img src=x onerror=alert(1)>' })
  assert.ok(stranger.id)
  page.on('dialog', () => assert.fail('a name was run'))
  for (const [plain, name] of Object.entries(names)) {
    const response = await page.request.post('/api/documents/upload', { multipart: { file: file(`${plain}.txt`, `the text of ${name}`) } })
    const { id } = (await response.json()) as { id: string }
    await ask(page, 'PATCH', `/api/documents/${id}`, { original_name: name })
  }
  await page.waitForFunction((n) => document.querySelectorAll('li.row').length === n && !document.querySelector('.standing'), Object.keys(names).length)
  for (const width of [1280, 360]) {
    await page.setViewportSize({ width, height: 740 })
    assert.equal(await page.locator('.rows b, .rows script, .rows img[onerror]').count(), 0)
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `the list is wider than ${width}`)
    await accessible(page, `hostile names at ${width}`)
  }
  // Where there is no bdi, a name keeps its direction to itself, too.
  assert.equal(await page.getByRole('checkbox', { name: `Select \u2068${names.backwards}\u2069` }).count(), 1)
  await page.locator('li.row .name', { hasText: 'invoice' }).click()
  await page.waitForFunction((title) => document.title === title, `\u2068${names.backwards}\u2069 · DocVault`)
  await page.goBack()
  for (const part of ['<b onmouseover', 'فاتورة', 'long long', 'WWWW']) {
    await page.locator('li.row .name', { hasText: part }).click()
    await page.locator('h1 bdi', { hasText: part }).waitFor()
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${part} is wider than the phone`)
    await page.goBack()
  }
  await page.goto('/topics')
  await page.locator('.topic-list', { hasText: '<script>alert(1)</script>' }).waitFor()
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'the topics are wider than the phone')
  await accessible(page, 'hostile topics')
  await page.context().close()
})

test('everything is reached by the keyboard', async () => {
  const page = await w.open()
  await page.locator('li.row').first().waitFor()
  await page.keyboard.press('Tab')
  assert.equal(await focused(page), 'Skip to the documents')
  await page.keyboard.press('Enter')
  // From the list's start: filters, then a box and a link for each document.
  for (let i = 0; i < 30 && !(await page.evaluate(() => document.activeElement?.matches('a.link'))); i++) await page.keyboard.press('Tab')
  const first = await focused(page)
  await page.keyboard.press('ArrowDown')
  assert.notEqual(await focused(page), first)
  await page.keyboard.press('ArrowUp')
  assert.equal(await focused(page), first)
  await page.keyboard.press('Enter')
  await page.getByRole('tab', { name: 'Pages' }).waitFor()
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'main', 'the focus is not in the new view')
  await page.getByRole('tab', { name: 'Pages' }).focus()
  await page.keyboard.press('ArrowRight')
  await page.locator('pre.text').waitFor()
  await page.getByRole('button', { name: 'Change topics' }).focus()
  await page.keyboard.press('Enter')
  await page.getByRole('dialog').waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  assert.equal(await focused(page), 'Change topics', 'the focus is not given back')
  await page.getByRole('button', { name: 'Rename' }).focus()
  await page.keyboard.press('Enter')
  await page.getByRole('textbox', { name: 'Name' }).waitFor()
  await page.keyboard.press('Escape')
  await page.waitForFunction(() => document.activeElement?.getAttribute('aria-label') === 'Rename')
  // Back in the list, it goes on where it was left.
  await page.getByRole('link', { name: 'Documents', exact: true }).focus()
  await page.keyboard.press('Enter')
  await page.waitForFunction((text) => (document.activeElement as HTMLElement).innerText === text, first)
  await page.context().close()
})

test('in the dark, and on a phone with its menu', async () => {
  const page = await w.open('/', { colorScheme: 'dark', viewport: { width: 390, height: 844 }, hasTouch: true })
  await page.locator('li.row').first().waitFor()
  await accessible(page, 'the list in the dark')
  await page.getByRole('button', { name: 'Menu' }).click()
  await page.getByRole('link', { name: 'Trash' }).waitFor()
  await accessible(page, 'the menu in the dark')
  await page.keyboard.press('Escape')
  await page.getByRole('link', { name: 'Trash' }).waitFor({ state: 'hidden' })
  await page.getByRole('button', { name: 'Filters' }).click()
  await page.getByRole('combobox', { name: 'Status' }).selectOption('Ready')
  await accessible(page, 'filters in the dark')
  await page.getByRole('searchbox').fill('text')
  await page.locator('li.row mark').first().waitFor()
  await accessible(page, 'a search in the dark')
  await page.locator('li.row a.link').first().click()
  await page.getByRole('tab', { name: 'Text' }).waitFor()
  await accessible(page, 'a document in the dark')
  await page.getByRole('button', { name: 'Change topics' }).click()
  await page.getByRole('dialog').waitFor()
  await accessible(page, 'a dialog in the dark')
  await page.keyboard.press('Escape')
  for (const path of ['/topics', '/settings', '/status', '/trash', '/nowhere']) {
    await page.goto(path)
    await page.locator('main h1, main h2').first().waitFor()
    await accessible(page, `${path} in the dark`)
  }
  await page.context().close()
})

test('what moves ends where it should', async () => {
  const page = await w.open('/', { reducedMotion: 'no-preference', viewport: { width: 390, height: 844 }, hasTouch: true })
  await page.getByRole('button', { name: 'Menu' }).click()
  await page.getByRole('link', { name: 'Trash' }).click()
  await page.getByRole('heading', { name: 'The trash is empty' }).waitFor()
  await page.getByRole('link', { name: 'Trash' }).waitFor({ state: 'hidden' })
  await page.goBack()
  await page.locator('li.row .name', { hasText: 'WWWW' }).click()
  await page.getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('button', { name: 'Undo' }).click()
  await page.getByText('is back').waitFor()
  await page.locator('li.row .name', { hasText: 'WWWW' }).waitFor()
  await page.waitForFunction(() => document.getAnimations().every((one) => one.playState === 'finished'))
  await accessible(page, 'what has moved')
  await page.context().close()
})

test('German for those whose browser speaks it', async () => {
  const page = await w.open('/', { locale: 'de-AT' })
  await page.getByRole('heading', { name: 'Alle Dokumente' }).waitFor()
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'de')
  await page.getByText('5 Dokumente').waitFor()
  await page.locator('li.row .name', { hasText: 'long' }).click()
  await page.getByText(/^\d+\. November \d+|^\d+\. \p{L}+ \d+/u).first().waitFor()
  await accessible(page, 'a document in German')
  await page.context().close()
})

test('a proxy that has lost the vault is not taken for it', async () => {
  const page = await w.open()
  await page.locator('li.row').first().waitFor()
  const vault = /\/(api|livez)/
  await page.route(vault, (route) => route.fulfill({ status: 502, contentType: 'text/html', body: '<h1>502 Bad Gateway</h1>' }))
  await page.getByRole('link', { name: 'Trash' }).click()
  await page.locator('.banner').waitFor()
  await page.unroute(vault)
  await page.locator('.banner').waitFor({ state: 'detached' })
  await page.getByRole('heading', { name: 'The trash is empty' }).waitFor()
  await page.context().close()
})

test('a vault that goes away is said to be, and comes back by itself', async () => {
  const page = await w.open()
  await page.locator('li.row').first().waitFor()
  await w.stack.api.stop('SIGKILL')
  await add(page, file('meanwhile.txt', 'sent while the vault was away'))
  await page.getByText('The vault does not answer.').first().waitFor()
  await accessible(page, 'without a connection')
  // A search that is typed meanwhile is done when it is possible.
  await page.getByRole('searchbox').fill('meanwhile')
  await page.locator('.upload', { hasText: 'meanwhile.txt' }).getByText('Waiting').waitFor()
  await w.stack.api.start()
  await page.locator('.banner').waitFor({ state: 'detached' })
  await ready(page, 'meanwhile.txt')
  assert.equal(await page.getByRole('searchbox').inputValue(), 'meanwhile')
  await row(page, 'meanwhile.txt').locator('mark').first().waitFor()
  await page.context().close()
})
