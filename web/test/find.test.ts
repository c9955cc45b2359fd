import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accessible, add, ask, file, ready, row, world } from './page'

const w = world()
const hostile = '<img src=x onerror="document.title=\'broken in\'">'

test('what is typed is found as one types, with its hits marked', async () => {
  const page = await w.open()
  await ask(page, 'POST', '/api/topics', { name: 'Invoices', description: 'bills, amounts due' })
  await add(page, file('invoice.txt', `INVOICE 2026-0417. Please pay 480 EUR for the tulips. ${hostile} & more tulips`), file('letter.txt', 'Dear aunt, the weather is fine.'))
  await ready(page, 'invoice.txt')
  await ready(page, 'letter.txt')

  await page.keyboard.press('/')
  assert.ok(await page.getByRole('searchbox').evaluate((field) => field === document.activeElement), '/ does not focus the search')
  await page.keyboard.type('tulip')
  await row(page, 'letter.txt').waitFor({ state: 'detached' })
  assert.deepEqual(await row(page, 'invoice.txt').locator('mark').allTextContents(), ['tulips', 'tulips'])
  await page.getByText('1 document found').waitFor()
  await accessible(page, 'a search')

  // The markup in the text is text, in the list and in the document.
  assert.ok((await row(page, 'invoice.txt').locator('.highlight').innerText()).includes(hostile))
  await row(page, 'invoice.txt').getByRole('link').click()
  await page.getByText('2 hits').waitFor()
  assert.equal(await page.locator('pre img, .highlight img').count(), 0)
  assert.ok((await page.locator('pre.text').innerText()).includes(hostile))
  await page.locator('mark.current').waitFor()
  await page.getByRole('button', { name: 'Next hit' }).click()
  assert.equal(await page.locator('mark').nth(1).getAttribute('class'), 'current')
  assert.notEqual(await page.title(), 'broken in')
  await accessible(page, 'a document with hits')

  await page.goBack()
  assert.equal(await page.getByRole('searchbox').inputValue(), 'tulip')
  await row(page, 'invoice.txt').waitFor()
  await page.goBack()
  await row(page, 'letter.txt').waitFor()
  assert.equal(await page.getByRole('searchbox').inputValue(), '')
  await page.context().close()
})

test('typing goes on while results come, from any view', async () => {
  const page = await w.open('/topics')
  await page.getByRole('searchbox').focus()
  await page.keyboard.type('tul')
  await row(page, 'invoice.txt').waitFor()
  await page.keyboard.type('ip')
  await page.waitForFunction(() => location.search === '?q=tulip')
  await page.context().close()
})

test('a search goes together with filters, and a link brings all of it back', async () => {
  const page = await w.open('/?q=invoice&topic=Invoices&type=text&sort=name')
  await row(page, 'invoice.txt').waitFor()
  assert.equal(await page.getByRole('combobox', { name: 'Topic' }).inputValue(), 'Invoices')
  assert.equal(await page.getByRole('combobox', { name: 'Order' }).inputValue(), 'name')
  await page.getByRole('combobox', { name: 'Type' }).selectOption('PDF')
  await page.getByRole('heading', { name: 'Nothing was found' }).waitFor()
  assert.match(page.url(), /type=pdf/)
  await accessible(page, 'nothing found')
  await page.goBack()
  await row(page, 'invoice.txt').waitFor()
  await page.getByRole('link', { name: 'Clear filters' }).click()
  assert.equal(new URL(page.url()).search, '?q=invoice&sort=name')
  await page.getByLabel('Until').fill('2001-01-01')
  await page.getByRole('heading', { name: 'Nothing was found' }).waitFor()
  await page.context().close()
})

test('a search that is refined begins at its top; its field follows the address back', async () => {
  const page = await w.open('/', { viewport: { width: 1280, height: 400 } })
  const names = Array.from({ length: 8 }, (_, i) => `garden ${i}.txt`)
  await add(page, ...names.map((name) => file(name, `tulips in ${name}`)))
  for (const name of names) await ready(page, name)
  await page.goto('/?q=tulip')
  await page.getByText('9 documents found').waitFor()
  await page.evaluate(() => scrollTo(0, 300))
  await page.waitForFunction(() => scrollY === 300)
  await page.getByRole('searchbox').press('End')
  await page.keyboard.type('s')
  await page.waitForFunction(() => location.search === '?q=tulips' && scrollY === 0)

  await page.locator('li.row a.link').first().click()
  await page.getByRole('tab', { name: 'Text' }).waitFor()
  await page.getByRole('searchbox').fill('')
  await page.goBack()
  await page.getByText('9 documents found').waitFor()
  await page.waitForFunction(() => document.querySelector<HTMLInputElement>('input[type=search]')?.value === 'tulips')
  await page.context().close()
})

test('an address that means nothing is passed over; a year that is typed is one step back', async () => {
  const page = await w.open('/?from=999999-01-01&to=2024-13-45&status=lost&type=hologram&sort=upside-down')
  await row(page, 'letter.txt').waitFor()
  await page.getByLabel('From').focus()
  for (const day of ['0002-01-01', '0020-01-01', '0202-01-01', '2002-01-01']) {
    await page.getByLabel('From').evaluate((field: HTMLInputElement, value) => {
      field.value = value
      field.dispatchEvent(new Event('change', { bubbles: true }))
    }, day)
    await page.waitForFunction((from) => location.search.includes(`from=${from}`), day)
  }
  await page.goBack()
  await page.waitForFunction(() => location.search.includes('from=999999-01-01'))
  await page.context().close()
})
