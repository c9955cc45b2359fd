import { useEffect, useState } from 'preact/hooks'
import { t } from '../i18n'
import { filesOf, pasted, upload } from '../state/uploads'
import { Icon } from './icon'

// Drop takes files that are dropped anywhere on the page, or pasted.
export function Drop() {
  const [over, setOver] = useState(false)
  useEffect(() => {
    // Each element that is entered is told of, and left: the page is left when all are.
    let depth = 0
    const holdsFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false
    const enter = (event: DragEvent) => { if (holdsFiles(event)) setOver(++depth > 0) }
    const leave = (event: DragEvent) => { if (holdsFiles(event)) setOver(--depth > 0) }
    const move = (event: DragEvent) => { if (holdsFiles(event)) event.preventDefault() }
    const drop = (event: DragEvent) => {
      depth = 0
      setOver(false)
      if (!event.dataTransfer || !holdsFiles(event)) return
      event.preventDefault()
      void filesOf(event.dataTransfer).then(upload)
    }
    const paste = (event: ClipboardEvent) => {
      const files = event.clipboardData?.files
      if (!files?.length) return
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
