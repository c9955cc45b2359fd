import type { Doc } from '../api/api'
import { t } from '../i18n'
import { Icon } from './icon'

// isSettled tells that all is done, and well.
export const isSettled = ({ status, classification }: Doc) =>
  status === 'ready' && classification.status !== 'pending' && classification.status !== 'failed'

// Standing says how far a document has come, and nothing once all is done.
export function Standing({ document }: { document: Doc }) {
  const { status, classification } = document
  if (isSettled(document)) return null
  if (status === 'failed') return <span class="standing wrong"><Icon name="warning" />{t('status.failed')}</span>
  if (status !== 'ready') return <span class="standing busy"><i class="spinner" />{t(`status.${status}`)}</span>
  if (classification.status === 'pending') return <span class="standing busy"><i class="spinner" />{t('filing')}</span>
  return <span class="standing warn"><Icon name="warning" />{t('filingFailed')}</span>
}
