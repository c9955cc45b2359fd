import { t } from '../i18n'
import { dismiss, toasts } from '../state/toasts'
import { refocus } from './focus'
import { Icon } from './icon'

function close(id: number) {
  dismiss(id)
  refocus()
}

export function Toasts() {
  return (
    <div class="toasts" role="status">
      {toasts.value.map(({ id, kind, text, action }) => (
        <div key={id} class={`toast ${kind}`}>
          <Icon name={kind === 'done' ? 'done' : 'warning'} />
          <bdi>{text}</bdi>
          {action && <button type="button" onClick={() => { close(id); action.run() }}>{action.label}</button>}
          <button type="button" class="plain" aria-label={t('close')} onClick={() => close(id)}><Icon name="close" /></button>
        </div>
      ))}
    </div>
  )
}
