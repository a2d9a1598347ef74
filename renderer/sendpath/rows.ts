/** The layers of the send path, in their order, and where each mark of a row stands in the three forms of the picture. */

export const rowIds = ['file', 'sockbuf', 'tcp', 'ip', 'vlan', 'card', 'wire', 'ack'] as const
export type RowId = (typeof rowIds)[number]

/** `full` and `compact` show one run, `pair` two beside each other. */
export type PictureForm = 'full' | 'compact' | 'pair'

export interface RowGeometry {
  id: RowId
  /** Top of the row, below the ruler. */
  top: number
  height: number
  /** Top and height of the boxes of the row (pages, mbufs, entries, frames). */
  markTop: number
  markHeight: number
}

export interface FormGeometry {
  form: PictureForm
  /** Height of the ruler above the rows. */
  ruler: number
  rows: Record<RowId, RowGeometry>
  /** Sum of the rows. */
  height: number
  /** Base lines of the two lines of a caption, from the top of its row; compact has one line. */
  captionLines: 1 | 2
  /** Bar of the CPU column, and the share it stands for when full. */
  barWidth: number
}

type Spec = readonly [height: number, markTop: number, markHeight: number]

const specs: Record<PictureForm, Record<RowId, Spec>> = {
  full: {
    file: [40, 12, 20],
    sockbuf: [56, 26, 24],
    tcp: [42, 9, 24],
    ip: [56, 16, 24],
    vlan: [30, 9, 12],
    card: [42, 17, 8],
    wire: [36, 10, 16],
    ack: [34, 12, 10],
  },
  compact: {
    file: [28, 7, 14],
    sockbuf: [30, 7, 16],
    tcp: [28, 6, 16],
    ip: [28, 6, 16],
    vlan: [22, 5, 12],
    card: [26, 9, 8],
    wire: [28, 6, 16],
    ack: [24, 7, 10],
  },
  pair: {
    file: [34, 11, 16],
    sockbuf: [52, 26, 20],
    tcp: [38, 9, 20],
    ip: [46, 13, 20],
    vlan: [26, 7, 12],
    card: [36, 14, 8],
    wire: [34, 9, 16],
    ack: [30, 10, 10],
  },
}

function build(form: PictureForm): FormGeometry {
  let top = 0
  const rows = {} as Record<RowId, RowGeometry>
  for (const id of rowIds) {
    const [height, markTop, markHeight] = specs[form][id]
    rows[id] = { id, top, height, markTop: top + markTop, markHeight }
    top += height
  }
  return {
    form,
    ruler: form === 'compact' ? 20 : 24,
    rows,
    height: top,
    captionLines: form === 'full' ? 2 : 1,
    barWidth: form === 'compact' ? 40 : 44,
  }
}

const built: Record<PictureForm, FormGeometry> = {
  full: build('full'),
  compact: build('compact'),
  pair: build('pair'),
}

export function geometry(form: PictureForm): FormGeometry {
  return built[form]
}
