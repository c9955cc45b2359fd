import { mkdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { add, ask, file, world } from './page'

// Writes docs/screenshots: hack/web-test test/screenshots.ts. It is no test, but wants the same world.
const w = world()
const into = new URL('../../docs/screenshots/', import.meta.url).pathname
const documents = new URL('../../test/documents/', import.meta.url)

const wide: BrowserContextOptions = { viewport: { width: 1280, height: 800 } }
const narrow: BrowserContextOptions = { viewport: { width: 390, height: 780 } }
const dark = { colorScheme: 'dark' } as const

const topics = [
  { name: 'Invoices', description: 'bills, amounts due, payments', color: '#3b6fd4' },
  { name: 'Contracts', description: 'agreements, terms, signatures, tenancy', color: '#8e4fc2' },
  { name: 'Health', description: 'doctors, prescriptions, insurance for the sick', color: '#3f8f3a' },
  { name: 'Travel', description: 'trips, hotels, trains, flights', color: '#d4622a' },
]

const papers: [string, string, string[]][] = [
  ['Tenancy agreement 2024.txt', 'TENANCY AGREEMENT\n\nBetween Ms Ada Brook and Mr Ben Calder.\n\nThe rent is 840 EUR a month, due on the third working day.', ['Contracts']],
  ['Dentist, estimate.txt', 'ESTIMATE\n\nTwo fillings. The insurance pays 62 %. What remains is 118.40 EUR.', ['Health', 'Invoices']],
  ['Electricity March.txt', 'INVOICE 2026-0331\n\nElectricity in March: 212 kWh. Amount due 74.20 EUR, by bank transfer until 15 April.', ['Invoices']],
  ['Night train to Vienna.txt', 'BOOKING\n\nNight train, two berths, leaving at 20:42. Amount paid: 159 EUR.', ['Travel']],
  ['Letter from aunt Vera.txt', 'Dear both,\n\nthe tulips are out and the invoice for the roof has come.\n\nYours, Vera', []],
  ['Prescription glasses.txt', 'PRESCRIPTION\n\nLeft -1.25, right -1.50. Valid for one year.', ['Health']],
  ['Phone contract.txt', 'AGREEMENT\n\nTwenty-four months, 14.99 EUR a month, notice of one month.', ['Contracts']],
  ['Garage, winter tyres.txt', 'INVOICE 77-118\n\nFour winter tyres, fitted. Amount due 512.00 EUR.', ['Invoices']],
]

async function shot(page: Page, name: string) {
  await page.waitForFunction(() => !document.querySelector('.spinner') && document.fonts.status === 'loaded')
  await page.waitForTimeout(300)
  await page.screenshot({ path: `${into}${name}.png` })
}

async function shots(name: string, path: string, prepare?: (page: Page) => Promise<unknown>) {
  for (const [suffix, options] of Object.entries({ wide, 'wide-dark': { ...wide, ...dark }, narrow, 'narrow-dark': { ...narrow, ...dark } })) {
    if (name !== 'documents' && name !== 'document' && suffix !== 'wide' && suffix !== 'narrow-dark') continue
    const page = await w.open(path, options)
    await page.locator('main h1').waitFor()
    await prepare?.(page)
    await shot(page, `${name}-${suffix}`)
    await page.context().close()
  }
}

test('screenshots', async () => {
  mkdirSync(into, { recursive: true })
  await shots('empty', '/')
  const page = await w.open()
  for (const topic of topics) await ask(page, 'POST', '/api/topics', topic)
  await add(page, ...papers.map(([name, text]) => file(name, text)))
  await add(page, file('Insurance, damaged.pdf', '%PDF-1.7\nbroken'))
  await add(page, file('travel-notes.txt', readFileSync(new URL('travel-notes.txt', documents))), file('invoice.pdf', readFileSync(new URL('invoice.pdf', documents))))
  await page.waitForFunction((n) => document.querySelectorAll('li.row').length === n && document.querySelectorAll('.standing').length === 1, papers.length + 3)
  const { documents: all } = await ask<{ documents: { id: string; original_name: string }[] }>(page, 'GET', '/api/documents?per_page=100')
  await page.getByRole('button', { name: 'Hide' }).click()
  const of = (name: string) => `/documents/${all.find((one) => one.original_name === name)?.id}`
  for (const [name, , filed] of papers) await ask(page, 'PATCH', `/api${of(name)}`, { topics: filed })

  const thumbnails = (on: Page) => on.waitForFunction((n) => document.querySelectorAll('.thumbnail img').length >= n, 8)
  await shots('documents', '/', thumbnails)
  await shots('search', '/?q=invoice', (on) => on.locator('mark').first().waitFor())
  await shots('document', of('invoice.pdf'), (on) => on.locator('.sheet img').first().waitFor())
  await shots('text', `${of('Electricity March.txt')}?q=invoice`, (on) => on.locator('mark.current').waitFor())
  await shots('failed', of('Insurance, damaged.pdf'), (on) => on.getByText('cannot be shown as a picture').waitFor())
  await shots('topics', '/topics')
  await shots('settings', '/settings', (on) => on.locator('textarea').waitFor())
  await shots('status', '/status', (on) => on.getByText('All is well').waitFor())
  await shots('selection', '/', async (on) => {
    await thumbnails(on)
    for (const at of [0, 1, 3]) await on.locator('li.row input').nth(at).check()
  })
  await page.context().close()
})
