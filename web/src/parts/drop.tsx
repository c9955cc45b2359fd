import { useEffect, useState } from 'preact/hooks'
import { t } from '../i18n'
import { filesOf, pasted, upload } from '../state/uploads'
import { isTyping } from './header'
import { Icon } from './icon'

// Drop takes files that are dropped anywhere on the page, or pasted.
export function Drop() {
  const [over, setOver] = useState(false)
  useEffect(() => {
    const holdsFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false
    const enter = (event: DragEvent) => { if (holdsFiles(event)) setOver(true) }
    // Each element that is left is told of: the page itself is where nothing is entered instead.
    const leave = (event: DragEvent) => { if (event.relatedTarget === null) setOver(false) }
    const move = (event: DragEvent) => { if (holdsFiles(event)) event.preventDefault() }
    const drop = (event: DragEvent) => {
      setOver(false)
      if (!event.dataTransfer || !holdsFiles(event)) return
      event.preventDefault()
      void filesOf(event.dataTransfer).then(({ files, unreadable }) => upload(files, unreadable))
    }
    const paste = (event: ClipboardEvent) => {
      const files = event.clipboardData?.files
      if (!files?.length) return
      // Office programs copy a text along with its picture: in a field the text is meant.
      if (isTyping(event.target) && event.clipboardData?.types.includes('text/plain')) return
      event.preventDefault()
      upload(pasted(files))
    }
    addEventListener('dragenter', enter)
    addEventListener('dragleave', leave)
    addEventListener('dragover', move)
    addEventListener('drop', drop)
    addEventListener('paste', paste)
    return () => {
      removeEventListener('dragenter', enter)
      removeEventListener('dragleave', leave)
      removeEventListener('dragover', move)
      removeEventListener('drop', drop)
      removeEventListener('paste', paste)
    }
  }, [])
  return over ? <div class="drop"><p><Icon name="download" />{t('drop')}</p></div> : null
}
