import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { accessible, add, ask, file, ready, row, world } from './page'

const w = world()
const invoice = readFileSync(new URL('../../test/documents/invoice.pdf', import.meta.url))

test('a document shows its pages, its text, its facts and who filed it', async () => {
  const page = await w.open()
  await ask(page, 'POST', '/api/topics', { name: 'Invoices', description: 'bills and payments, amounts due, invoice', color: '#ff0000' })
  await ask(page, 'POST', '/api/topics', { name: 'Travel', description: 'trips, hotels, flights' })
  await add(page, file('invoice.pdf', invoice))
  await ready(page, 'invoice.pdf')
  await row(page, 'invoice.pdf').locator('.thumbnail img').waitFor()
  const dot = row(page, 'invoice.pdf').locator('.chip .dot')
  assert.equal(await dot.evaluate((element) => getComputedStyle(element).backgroundColor), 'rgb(255, 0, 0)')

  await row(page, 'invoice.pdf').getByRole('link').click()
  await page.getByRole('img', { name: 'Page 1 of invoice.pdf' }).waitFor()
  await page.getByText(/% certain/).waitFor()
  await page.getByText('Filed by the vault itself').waitFor()
  await page.getByText('PDF', { exact: true }).waitFor()
  await accessible(page, 'a document')
  await page.getByRole('tab', { name: 'Text' }).click()
  await page.locator('pre.text').waitFor()
  assert.match(page.url(), /view=text/)
  await page.context().close()
})

test('it is renamed, filed by hand, filed and read again, and downloaded', async () => {
  const page = await w.open()
  await row(page, 'invoice.pdf').getByRole('link').click()
  await page.getByRole('button', { name: 'Rename' }).click()
  await page.keyboard.type('bill of April')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { level: 1, name: 'bill of April.pdf' }).waitFor()

  await page.getByRole('button', { name: 'Change topics' }).click()
  await accessible(page, 'the choice of topics')
  await page.getByRole('checkbox', { name: 'Invoices' }).uncheck()
  await page.getByRole('checkbox', { name: 'Travel' }).check()
  await page.getByLabel('New topic').fill('April')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.locator('.filed li', { hasText: 'April' }).getByText('by hand').waitFor()
  assert.deepEqual(await page.locator('.filed bdi').allTextContents().then((names) => names.sort()), ['April', 'Travel'])

  await page.getByRole('button', { name: 'File again' }).click()
  await page.locator('.filed li', { hasText: 'Invoices' }).waitFor()
  await page.getByRole('button', { name: 'Read again' }).click()
  await page.locator('.title .standing').waitFor()
  await page.locator('.title .standing').waitFor({ state: 'detached' })

  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Download' }).click()])
  assert.equal(download.suggestedFilename(), 'bill of April.pdf')
  assert.deepEqual(readFileSync(await download.path()), invoice)
  await page.context().close()
})

test('it is deleted, brought back, and deleted for good', async () => {
  const page = await w.open()
  const name = 'bill of April.pdf'
  await row(page, name).getByRole('link').click()
  await page.getByRole('button', { name: 'Delete' }).click()
  await page.getByText(`“${name}” is in the trash`).waitFor()
  await row(page, name).waitFor({ state: 'detached' })
  await page.getByRole('button', { name: 'Undo' }).click()
  await row(page, name).waitFor()

  await row(page, name).getByRole('link').click()
  await page.getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('link', { name: 'Trash' }).click()
  await row(page, name).waitFor()
  await accessible(page, 'the trash')
  await page.getByRole('button', { name: `Restore: ${name}` }).click()
  await page.getByRole('heading', { name: 'The trash is empty' }).waitFor()
  await page.getByRole('link', { name: 'All documents' }).click()
  await row(page, name).getByRole('link').click()
  await page.getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('link', { name: 'Trash' }).click()
  await page.getByRole('button', { name: `Delete for good: ${name}` }).click()
  await page.getByText('This cannot be undone').waitFor()
  await accessible(page, 'the question before deleting for good')
  await page.getByRole('dialog').getByRole('button', { name: 'Delete for good' }).click()
  await page.getByRole('heading', { name: 'The trash is empty' }).waitFor()
  await page.context().close()
})

test('what cannot be read says why', async () => {
  const page = await w.open()
  await add(page, file('damaged.pdf', '%PDF-1.7\nthis is none'))
  await row(page, 'damaged.pdf').getByText('Not readable').waitFor()
  await row(page, 'damaged.pdf').getByRole('link').click()
  await page.getByText('The file is damaged').waitFor()
  await accessible(page, 'a document that could not be read')
  await page.goto('/documents/00000000-0000-4000-8000-000000000000')
  await page.getByRole('heading', { name: 'There is nothing here' }).waitFor()
  await page.context().close()
})
