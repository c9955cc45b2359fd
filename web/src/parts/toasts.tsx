import { t } from '../i18n'
import { dismiss, toasts } from '../state/toasts'
import { Icon } from './icon'

export function Toasts() {
  return (
    <div class="toasts" role="status">
      {toasts.value.map(({ id, kind, text, action }) => (
        <div key={id} class={`toast ${kind}`}>
          <Icon name={kind === 'done' ? 'done' : 'warning'} />
          <bdi>{text}</bdi>
          {action && <button type="button" onClick={() => { dismiss(id); action.run() }}>{action.label}</button>}
          <button type="button" class="plain" aria-label={t('close')} onClick={() => dismiss(id)}><Icon name="close" /></button>
        </div>
      ))}
    </div>
  )
}
