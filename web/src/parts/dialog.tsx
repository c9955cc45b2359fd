import type { ComponentChildren } from 'preact'
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { t } from '../i18n'
import { refocus } from './focus'
import { Icon } from './icon'
import { useUnsaved } from './unsaved'

interface Props {
  title: string
  children: ComponentChildren
  // Without it the dialog stays until it is answered.
  onClose?: () => void
}

// Dialog is the browser's own, which keeps the focus in. It gives it back to where it was. A click beside it does not close it: something may
// have been typed.
export function Dialog({ title, children, onClose }: Props) {
  const element = useRef<HTMLDialogElement>(null)
  const id = useId()
  useLayoutEffect(() => {
    const before = document.activeElement
    const dialog = element.current
    dialog?.showModal()
    return () => {
      dialog?.close()
      if (before instanceof HTMLElement && before.isConnected) before.focus()
      else refocus()
    }
  }, [])
  const [typed, setTyped] = useState(false)
  useUnsaved(typed)
  return (
    <dialog
      ref={element}
      onInput={() => setTyped(true)}
      aria-labelledby={id}
      closedby={onClose ? 'closerequest' : 'none'}
      onCancel={(event) => {
        event.preventDefault()
        onClose?.()
      }}
      // Browsers do not always ask before they close it, and not all know closedby.
      onClose={({ currentTarget: dialog }) => {
        if (!dialog.isConnected || dialog.open) return
        if (onClose) onClose()
        else dialog.showModal()
      }}
    >
      <div class="dialog">
        <header>
          <h2 id={id}>{title}</h2>
          {onClose && (
            <button type="button" class="plain" aria-label={t('close')} onClick={onClose}>
              <Icon name="close" />
            </button>
          )}
        </header>
        {children}
      </div>
    </dialog>
  )
}
