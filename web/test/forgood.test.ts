import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accessible, add, file, ready, row, world } from './page'

const w = world({ TRASH_DAYS: '0' })

test('a vault without a trash asks before it deletes, and offers no undo', async () => {
  const page = await w.open()
  const names = ['one.txt', 'two.txt', 'three.txt']
  await add(page, ...names.map((name) => file(name, `the text of ${name}`)))
  for (const name of names) await ready(page, name)
  assert.equal(await page.getByRole('link', { name: 'Trash' }).count(), 0)

  await row(page, 'one.txt').getByRole('link').click()
  await page.getByRole('button', { name: 'Delete for good' }).click()
  await page.getByText('This cannot be undone').waitFor()
  await accessible(page, 'the question')
  await page.getByRole('button', { name: 'Cancel' }).click()
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  await page.getByRole('button', { name: 'Delete for good' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete for good' }).click()
  await page.getByText('“one.txt” is gone').waitFor()
  await row(page, 'two.txt').waitFor()
  assert.equal(await row(page, 'one.txt').count(), 0)

  await row(page, 'two.txt').getByRole('checkbox').check()
  await row(page, 'three.txt').getByRole('checkbox').check()
  await page.getByRole('toolbar').getByRole('button', { name: 'Delete for good' }).click()
  await page.getByText('Delete 2 documents for good?').waitFor()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete for good' }).click()
  await page.getByText('2 documents are gone').waitFor()
  await page.getByRole('heading', { name: 'Put your papers in' }).waitFor()
  assert.equal(await page.getByRole('button', { name: 'Undo' }).count(), 0)
  await page.context().close()
})
