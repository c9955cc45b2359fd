import { t } from '../i18n'
import { dismiss, toasts } from '../state/toasts'
import { Icon } from './icon'

export function Toasts() {
  return (
    <div class="toasts" role="status">
      {toasts.value.map((toast) => (
        <div key={toast.id} class={`toast ${toast.kind}`}>
          <Icon name={toast.kind === 'done' ? 'done' : 'warning'} />
          <bdi>{toast.text}</bdi>
          {toast.action && (
            <button type="button" onClick={() => { dismiss(toast.id); toast.action!.run() }}>{toast.action.label}</button>
          )}
          <button type="button" class="plain" aria-label={t('close')} onClick={() => dismiss(toast.id)}><Icon name="close" /></button>
        </div>
      ))}
    </div>
  )
}
