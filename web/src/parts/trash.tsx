import { useState } from 'preact/hooks'
import { api, type Entry } from '../api/api'
import { Problem } from '../api/problem'
import { explain, t } from '../i18n'
import type { List } from '../state/list'
import { tell } from '../state/toasts'
import { refocus } from './focus'
import { ForGood } from './forgood'
import { Icon } from './icon'
import { restore } from './many'

export function TrashActions({ entry, list }: { entry: Entry; list: List }) {
  const [asking, setAsking] = useState(false)
  const name = entry.original_name
  const leave = () => {
    const at = list.entries.findIndex((one) => one.id === entry.id)
    list.drop([entry.id])
    refocus(Math.min(at, list.entries.length - 1))
  }
  const act = async (work: () => Promise<void>) => {
    setAsking(false)
    try {
      await work()
      leave()
    } catch (error) {
      if (error instanceof Problem && error.status === 404) leave()
      tell(explain(error), { kind: 'wrong' })
    }
  }
  const removeForGood = async () => {
    await api.removeForGood(entry.id)
    tell(t('deletedForGood', { name }))
  }
  return (
    <span class="side">
      <button type="button" aria-label={t('actionsOf', { action: t('restore'), name })} onClick={() => act(() => restore([entry.id], name))}>
        <Icon name="retry" /><span>{t('restore')}</span>
      </button>
      <button type="button" class="danger" aria-label={t('actionsOf', { action: t('deleteForGood'), name })} onClick={() => setAsking(true)}>
        <Icon name="trash" /><span>{t('deleteForGood')}</span>
      </button>
      {asking && <ForGood question={t('deleteForGoodAsk', { name })} onClose={() => setAsking(false)} onYes={() => void act(removeForGood)} />}
    </span>
  )
}
