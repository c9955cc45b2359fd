import { t } from '../i18n'
import { Dialog } from './dialog'

interface Props {
  question: string
  onYes: () => void
  onClose: () => void
}

// ForGood asks before what cannot be undone.
export function ForGood({ question, onYes, onClose }: Props) {
  return (
    <Dialog title={t('deleteForGood')} onClose={onClose}>
      <p>{question}</p>
      <footer>
        <button type="button" onClick={onClose}>{t('cancel')}</button>
        <button type="button" class="main danger" onClick={onYes}>{t('deleteForGood')}</button>
      </footer>
    </Dialog>
  )
}
