/** Manual pages written for this lab. Facts: reference console-tools 7 and kernel-mbuf-sendfile; the words are ours. */
import { kernelPages } from './kernelPages'
import type { Page } from './page'
import { toolPages } from './toolPages'

export const pages: readonly Page[] = [...toolPages, ...kernelPages]
