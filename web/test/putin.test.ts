import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import { accessible, add, file, ready, row, world } from './page'

const w = world({ MAX_UPLOAD_BYTES: '8MiB' })

const entry = (page: Page, name: string) => page.locator('.upload', { has: page.getByText(name, { exact: true }) })

// files makes a DataTransfer in the page, as the browser does when files are dragged or copied.
const files = (page: Page, ...names: string[]) => page.evaluateHandle((all) => {
  const transfer = new DataTransfer()
  for (const name of all) transfer.items.add(new File([`what stands in ${name}`], name, { type: 'text/plain' }))
  return transfer
}, names)

test('an empty vault says what to do; what is put in is read and shown', async () => {
  const page = await w.open()
  await page.getByRole('heading', { name: 'Put your papers in' }).waitFor()
  await accessible(page, 'the empty vault')
  await add(page, file('first.txt', 'the first text'), file('second.md', '# the second'))
  await ready(page, 'first.txt')
  await ready(page, 'second.md')
  await accessible(page, 'the list with uploads')
  // Nothing needs a look, so the list of uploads leaves by itself.
  await page.locator('.uploads').waitFor({ state: 'detached' })
  await page.context().close()
})

test('files are dropped anywhere, and pasted', async () => {
  const page = await w.open('/settings', { timezoneId: 'Pacific/Kiritimati' })
  const dropped = await files(page, 'dropped.txt', 'dropped too.txt')
  await page.dispatchEvent('main', 'dragenter', { dataTransfer: dropped })
  await page.getByText('Drop files to add them').waitFor()
  await page.dispatchEvent('main', 'drop', { dataTransfer: dropped })
  await page.getByText('Drop files to add them').waitFor({ state: 'detached' })
  await entry(page, 'dropped.txt').getByText('Added').waitFor()
  await entry(page, 'dropped too.txt').getByText('Added').waitFor()

  await page.evaluate(() => {
    const clipboardData = new DataTransfer()
    clipboardData.items.add(new File(['as from a screen'], 'image.txt', { type: 'text/plain' }))
    document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true }))
  })
  // A picture of the screen has no name of its own: it gets the time as one.
  const name = await page.locator('.upload .name', { hasText: /^\d{4}-\d\d-\d\d \d\d\.\d\d\.\d\d\.txt$/ }).innerText()
  // By the clock of who pasted it, fourteen hours before UTC.
  const ahead = Date.parse(`${name.slice(0, 10)}T${name.slice(11, 19).replaceAll('.', ':')}Z`) - Date.now()
  assert.ok(Math.abs(ahead / 3_600_000 - 14) < 0.1, name)
  await page.context().close()
})

test('what cannot be read of a folder keeps nothing else out', async () => {
  const page = await w.open()
  const dropped = await files(page, 'stands in.txt')
  await page.evaluate(() => {
    let some: object[] = ['readable.txt', 'locked.txt', 'readable too.txt'].map((name) => ({
      name, isFile: true,
      file(done: (file: File) => void, failed: (why: Error) => void) {
        if (name === 'locked.txt') failed(new Error('no'))
        else done(new File([`what stands in ${name}`], name))
      },
    }))
    const folder = {
      name: 'folder', isFile: false,
      createReader() { return this },
      readEntries(done: (entries: object[]) => void) {
        done(some)
        some = []
      },
    }
    DataTransferItem.prototype.webkitGetAsEntry = () => folder as unknown as FileSystemEntry
  })
  await page.dispatchEvent('main', 'drop', { dataTransfer: dropped })
  await entry(page, 'readable.txt').getByText('Added').waitFor()
  await entry(page, 'readable too.txt').getByText('Added').waitFor()
  await entry(page, 'locked.txt').getByText('cannot be read').waitFor()
  await page.context().close()
})

test('a text that is pasted with its picture is a text, in a field', async () => {
  const page = await w.open()
  const pasted = await page.getByRole('searchbox').evaluate((field) => {
    const clipboardData = new DataTransfer()
    clipboardData.setData('text/plain', 'cells of a table')
    clipboardData.items.add(new File(['as a picture'], 'image.png', { type: 'image/png' }))
    return field.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))
  })
  assert.ok(pasted, 'the field does not get its text')
  assert.equal(await page.locator('.upload').count(), 0)
  await page.context().close()
})

test('what is dragged out of the window leaves nothing over the page', async () => {
  const page = await w.open()
  const dragged = await files(page, 'dragged.txt')
  await page.dispatchEvent('main', 'dragenter', { dataTransfer: dragged })
  await page.dispatchEvent('header.bar', 'dragenter', { dataTransfer: dragged })
  await page.getByText('Drop files to add them').waitFor()
  await page.dispatchEvent('header.bar', 'dragleave', { dataTransfer: dragged })
  await page.getByText('Drop files to add them').waitFor({ state: 'detached' })
  await page.context().close()
})

test('a refusal says which file, why and what to do', async () => {
  const page = await w.open()
  await add(page, file('nothing.txt', ''), file('archive.zip', Buffer.from('504b0506' + '00'.repeat(18), 'hex')), file('huge.txt', Buffer.alloc(9 << 20, 'a')))
  await entry(page, 'nothing.txt').getByText('The file is empty.').waitFor()
  await entry(page, 'huge.txt').getByText('larger than this vault takes').waitFor()
  await entry(page, 'archive.zip').getByText('It is an archive').waitFor()
  await page.getByRole('heading', { name: 'Some files were not taken' }).waitFor()
  await accessible(page, 'refusals')
  await page.context().close()
})

test('a file keeps its name, whatever stands in it', async () => {
  const page = await w.open()
  const names = ['say "hi".txt', '100%22 sure.txt', "it's (2) of *3*; ümlaut, 概要 = 50 %0A.txt"]
  await add(page, ...names.map((name) => file(name, `the text of ${name}`)))
  for (const name of names) await ready(page, name)
  // Pages of others send what browsers make of a form, where a quote is %22.
  await page.evaluate(async () => {
    const form = new FormData()
    form.append('file', new File(['from a form'], 'a "form".txt'))
    await fetch('/api/documents/upload', { method: 'POST', body: form })
  })
  await ready(page, 'a "form".txt')
  await page.context().close()
})

test('a duplicate leads to the document that is there', async () => {
  const page = await w.open()
  await add(page, file('original.txt', 'the same bytes'))
  await ready(page, 'original.txt')
  await add(page, file('copy.txt', 'the same bytes'))
  await entry(page, 'copy.txt').getByRole('link', { name: 'Already there: open it' }).click()
  await page.getByRole('heading', { level: 1, name: 'original.txt' }).waitFor()
  await page.context().close()
})

test('an upload shows how far it is, is cancelled and tried again', async () => {
  const page = await w.open()
  const network = await page.context().newCDPSession(page)
  const slow = (bytes: number) => network.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: bytes })
  await network.send('Network.enable')
  await slow(200_000)
  const name = 'slow.txt'
  await add(page, file(name, Buffer.alloc(4 << 20, 'slowly ')))
  const bar = page.getByRole('progressbar', { name: `Progress of ${name}` })
  await bar.waitFor()
  await page.waitForFunction(() => (document.querySelector('progress')?.value ?? 0) > 0)
  assert.ok((await bar.evaluate((element: HTMLProgressElement) => element.value)) < 1)
  await page.getByRole('button', { name: `Cancel ${name}` }).click()
  await entry(page, name).getByText('Cancelled').waitFor()
  assert.equal(await row(page, name).count(), 0)
  await slow(-1)
  await page.getByRole('button', { name: `Try ${name} again` }).click()
  await ready(page, name)
  await page.context().close()
})
