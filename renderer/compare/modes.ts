/** How the charts of two runs stand to each other. */
export type ChartMode = 'side' | 'overlay' | 'difference'

export const chartModes: readonly { value: ChartMode; label: string }[] = [
  { value: 'side', label: 'Side by side' },
  { value: 'overlay', label: 'Overlay' },
  { value: 'difference', label: 'Difference' },
]
