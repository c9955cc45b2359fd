// refocus gives the focus to the row at `index`, or to the view, if what had it is gone.
export function refocus(index = -1) {
  // Once the page is drawn without it.
  requestAnimationFrame(() => {
    if (document.activeElement && document.activeElement !== document.body) return
    const row = document.querySelector<HTMLElement>(`li.row[aria-posinset="${index + 1}"] :is(a.link, .side > button)`)
    if (row) row.focus()
    else document.getElementById('main')?.focus({ preventScroll: true })
  })
}
