import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accessible, add, ask, file, ready, row, world } from './page'

const w = world()

test('topics are made, described, merged and deleted, and it is said what happens', async () => {
  const page = await w.open('/topics')
  await page.getByRole('heading', { name: 'No topics yet' }).waitFor()
  for (const [name, description] of [['Bills', 'amounts due, invoices'], ['Invoices', ''], ['Letters', '']] as const) {
    await page.getByRole('button', { name: 'New topic' }).click()
    await page.getByLabel('Name').fill(name)
    await page.getByLabel('Description').fill(description)
    await accessible(page, 'a new topic')
    await page.getByRole('button', { name: 'Create' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
  }
  await page.getByRole('button', { name: 'New topic' }).click()
  await page.getByLabel('Name').fill('bills')
  await page.getByRole('button', { name: 'Create' }).click()
  await page.getByText('There is a topic of this name already.').waitFor()
  assert.equal(await page.getByLabel('Name').inputValue(), 'bills', 'what was typed is gone')
  await page.keyboard.press('Escape')

  await page.getByRole('button', { name: 'Edit: Letters' }).click()
  await page.getByLabel('Name').fill('Post')
  await page.getByLabel('Colour', { exact: true }).fill('#123456')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('button', { name: 'Edit: Post' }).waitFor()
  await accessible(page, 'topics')

  await add(page, file('bill.txt', 'INVOICE. Amount due: 10 EUR, amounts, invoices'))
  await page.getByRole('link', { name: 'All documents' }).click()
  await ready(page, 'bill.txt')
  await row(page, 'bill.txt').getByRole('checkbox').check()
  await page.getByRole('button', { name: 'Add topics' }).click()
  await page.getByRole('checkbox', { name: 'Bills' }).check()
  await page.getByRole('button', { name: 'Save' }).click()
  await row(page, 'bill.txt').locator('.chip', { hasText: 'Bills' }).waitFor()

  await page.getByRole('link', { name: 'Manage topics' }).click()
  await page.getByRole('button', { name: 'Merge: Bills' }).click()
  await page.getByLabel('Merge into').selectOption('Post')
  await page.getByText('Its 1 document will be filed under the other topic.').waitFor()
  await accessible(page, 'a merge')
  await page.getByRole('dialog').getByRole('button', { name: 'Merge' }).click()
  await page.getByText('“Bills” is part of “Post” now').waitFor()
  await page.waitForFunction(() => document.activeElement?.id === 'main')
  await page.getByRole('button', { name: 'Delete: Post' }).click()
  await page.getByText('It stays in the vault, without this topic.').waitFor()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await page.getByText('The topic “Post” is gone, its documents stay').waitFor()
  await page.waitForFunction(() => document.activeElement?.id === 'main')
  await page.context().close()
})

test('several documents at once: topics, the trash and back', async () => {
  const page = await w.open()
  const names = ['one.txt', 'two.txt', 'three.txt', 'four.txt']
  await add(page, ...names.map((name) => file(name, `the text of ${name}`)))
  for (const name of names) await ready(page, name)
  // The newest is the first; with shift, all between are chosen.
  const boxes = page.locator('li.row input[type=checkbox]')
  const before = await boxes.nth(1).boundingBox()
  await boxes.nth(0).click()
  await page.getByText('1 selected').waitFor()
  assert.deepEqual(await boxes.nth(1).boundingBox(), before, 'rows moved from under the pointer')
  await boxes.nth(3).click({ modifiers: ['Shift'] })
  await page.getByText('4 selected').waitFor()
  await accessible(page, 'a selection')
  await page.getByRole('button', { name: 'Add topics' }).click()
  await page.getByLabel('New topic').fill('Numbers')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('4 documents changed').waitFor()
  await page.locator('li.row .chip', { hasText: 'Numbers' }).nth(3).waitFor()
  await page.getByRole('link', { name: /Numbers/ }).click()
  await page.getByRole('heading', { level: 1, name: 'Numbers' }).waitFor()
  await page.getByText('4 documents', { exact: true }).waitFor()

  for (const box of await boxes.all()) await box.check()
  await page.getByRole('toolbar').getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('heading', { name: 'Nothing was found' }).waitFor()
  await page.getByRole('button', { name: 'Undo' }).click()
  await page.getByText('4 documents are back').waitFor()
  await page.waitForFunction(() => document.activeElement?.id === 'main')
  for (const name of names) await row(page, name).waitFor()
  await page.getByRole('link', { name: 'Without a topic' }).click()
  await row(page, 'bill.txt').waitFor()
  assert.equal(await row(page, 'one.txt').count(), 0)
  await page.context().close()
})

test('a selection holds documents, not places; the focus goes on in the list', async () => {
  const page = await w.open()
  const ids = new Map<string, string>()
  const put = async (name: string) => {
    const response = await page.request.post('/api/documents/upload', { multipart: { file: file(name, `the text of ${name}`) } })
    ids.set(name, ((await response.json()) as { id: string }).id)
    await ready(page, name)
  }
  for (const name of ['a1.txt', 'a2.txt', 'a3.txt', 'a4.txt']) await put(name)
  await row(page, 'a3.txt').getByRole('checkbox').check()
  await put('a5.txt')
  await row(page, 'a1.txt').getByRole('checkbox').click({ modifiers: ['Shift'] })
  await page.getByText('3 selected').waitFor()
  assert.equal(await row(page, 'a4.txt').getByRole('checkbox').isChecked(), false)

  await ask(page, 'DELETE', `/api/documents/${ids.get('a2.txt')}`)
  await page.getByText('2 selected').waitFor()
  await page.getByRole('toolbar').getByRole('button', { name: 'Delete' }).press('Enter')
  await page.getByText('2 documents are in the trash').waitFor()
  await page.waitForFunction(() => document.activeElement?.closest('li.row')?.getAttribute('aria-posinset') === '3')

  await page.getByRole('link', { name: 'Trash' }).click()
  await row(page, 'a1.txt').waitFor()
  await page.locator('li.row').first().getByRole('button', { name: /^Restore/ }).press('Enter')
  await page.waitForFunction(() => document.querySelectorAll('li.row').length === 2 && document.activeElement?.closest('li.row') !== null)

  // What is in the trash goes for good together.
  await page.locator('li.row').first().getByRole('checkbox').check()
  await page.getByRole('button', { name: 'Select all' }).click()
  await page.getByRole('toolbar').getByRole('button', { name: 'Delete for good' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete for good' }).click()
  await page.getByText('2 documents are gone').waitFor()
  await page.getByRole('heading', { name: 'The trash is empty' }).waitFor()
  await page.context().close()
})

test('who leaves with something typed is asked', async () => {
  const page = await w.open('/topics')
  const asked: string[] = []
  page.on('dialog', (dialog) => {
    asked.push(dialog.type())
    void dialog.dismiss()
  })
  await page.getByRole('button', { name: 'New topic' }).first().click()
  await page.getByLabel('Name', { exact: true }).fill('Half a na')
  await page.evaluate(() => setTimeout(() => location.reload()))
  await page.waitForEvent('dialog')
  assert.deepEqual(asked, ['beforeunload'])
  assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'Half a na')
  await page.context().close()
})
