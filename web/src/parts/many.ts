import { api, type BulkAction } from '../api/api'
import { t } from '../i18n'
import { tell } from '../state/toasts'

// The API takes so many at a time.
const most = 1000

// each does one thing with many documents. It says with how many it could not, and answers with the others.
export async function each(ids: string[], action: BulkAction, topics?: string[]): Promise<string[]> {
  const done: string[] = []
  for (let i = 0; i < ids.length; i += most) done.push(...(await api.bulk(ids.slice(i, i + most), action, topics)).done)
  if (done.length < ids.length) tell(t('failedMany', { n: ids.length - done.length }), { kind: 'wrong' })
  return done
}

// restore brings back what is in the trash, one with its name or many.
export async function restore(ids: string[], name?: string) {
  const { length: n } = await each(ids, 'restore')
  if (n > 0) tell(name === undefined ? t('restoredMany', { n }) : t('restored', { name }))
}
