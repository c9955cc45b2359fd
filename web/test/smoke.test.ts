import { test } from 'node:test'
import { accessible, add, file, ready, row, world } from './page'

const w = world()

test('a file that is put in is read, filed and shown', async () => {
  const page = await w.open()
  await page.getByRole('heading', { name: 'Put your papers in' }).waitFor()
  await accessible(page, 'the empty vault')
  await add(page, file('invoice.txt', 'INVOICE No. 7. Amount due: 480 EUR.'))
  await ready(page, 'invoice.txt')
  await accessible(page, 'the list')
  await row(page, 'invoice.txt').getByRole('link').click()
  await page.getByRole('img', { name: /Page 1/ }).waitFor()
  await accessible(page, 'a document')
})
