// The page's pictures: strokes on a field of 24 by 24, in the colour of the text around them.
const paths = {
  document: 'M7 3h7l5 5v13H7zM14 3v5h5M10 13h6M10 17h6',
  search: 'M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14M16 16l5 5',
  add: 'M12 5v14M5 12h14',
  menu: 'M4 6h16M4 12h16M4 18h16',
  close: 'M6 6l12 12M18 6L6 18',
  trash: 'M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5',
  settings: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 4.5v5M9 14.5v5',
  status: 'M3 12h4l3-8 4 16 3-8h4',
  topics: 'M4 4h8l8 8-8 8-8-8zM8.5 8.5v.01',
  untagged: 'M5 5h14v14H5z',
  back: 'M19 12H5M11 6l-6 6 6 6',
  download: 'M12 4v11M7 10l5 5 5-5M5 20h14',
  open: 'M14 4h6v6M20 4l-9 9M10 5H5v14h14v-5',
  edit: 'M4 20l1-4L16 5l3 3L8 19zM14 7l3 3',
  retry: 'M20 12a8 8 0 1 1-2.5-5.8M20 4v5h-5',
  down: 'M6 9l6 6 6-6',
  up: 'M6 15l6-6 6 6',
  filter: 'M4 6h16M7 12h10M10 18h4',
  out: 'M14 4H6v16h8M10 12h10M17 9l3 3-3 3',
  warning: 'M12 4l9 16H3zM12 10v5M12 17.5v.01',
  done: 'M5 12.5l5 5L19 7',
  merge: 'M6 4v4c0 4 6 4 6 8v4M18 4v4c0 4-6 4-6 8',
  book: 'M5 4h13v16H7a2 2 0 0 1-2-2zM5 18a2 2 0 0 1 2-2h11',
}

export type IconName = keyof typeof paths

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  )
}
