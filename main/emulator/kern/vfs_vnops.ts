/** Files as vnodes, as far as sendfile meets them: truncation. Source: sys/kern/vfs_vnops.c vn_truncate, sys/vm/vnode_pager.c (derived). */
import type { Kernel } from '../kernel'
import { EAGAIN } from '../sys/errno'
import { vnode_pager_setsize } from '../vm/vnode_pager'
import { sendfile_holds_vnode } from './kern_sendfile'

/**
 * Cuts a file to `bytes`. Data that is queued in sockets keeps its pages. @returns 0, or EAGAIN while a sendfile(2) that sleeps holds the vnode locked
 * (the kernel would wait for it; the caller tries again).
 */
export function vn_truncate(k: Kernel, object: number, bytes: number): number {
  if (sendfile_holds_vnode(k, object)) return EAGAIN
  vnode_pager_setsize(k, object, bytes)
  return 0
}
