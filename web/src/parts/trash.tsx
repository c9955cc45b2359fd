import { useState } from 'preact/hooks'
import { api, type Entry } from '../api/api'
import { explain, t } from '../i18n'
import type { List } from '../state/list'
import { tell } from '../state/toasts'
import { Dialog } from './dialog'
import { Icon } from './icon'

export function TrashActions({ entry, list }: { entry: Entry; list: List }) {
  const [asking, setAsking] = useState(false)
  const name = entry.original_name
  const act = async (work: () => Promise<unknown>, said: string) => {
    setAsking(false)
    try {
      await work()
      list.drop([entry.id])
      tell(said)
    } catch (error) {
      tell(explain(error), { kind: 'wrong' })
    }
  }
  return (
    <span class="side">
      <button type="button" aria-label={t('actionsOf', { action: t('restore'), name })} onClick={() => act(() => api.bulk([entry.id], 'restore'), t('restored', { name }))}>
        <Icon name="retry" /><span>{t('restore')}</span>
      </button>
      <button type="button" class="danger" aria-label={t('actionsOf', { action: t('deleteForGood'), name })} onClick={() => setAsking(true)}>
        <Icon name="trash" /><span>{t('deleteForGood')}</span>
      </button>
      {asking && (
        <Dialog title={t('deleteForGood')} onClose={() => setAsking(false)}>
          <p>{t('deleteForGoodAsk', { name })}</p>
          <footer>
            <button type="button" onClick={() => setAsking(false)}>{t('cancel')}</button>
            <button type="button" class="main danger" onClick={() => act(() => api.removeForGood(entry.id), t('deletedForGood', { name }))}>
              {t('deleteForGood')}
            </button>
          </footer>
        </Dialog>
      )}
    </span>
  )
}
