/** sys/kern/kern_mbuf.c in parts: tables, allocation, release; unmapped mbufs that become mapped; and the inline functions of sys/mbuf.h. */
export * from './kern_mbuf_alloc'
export * from './kern_mbuf_ext_pgs'
export * from './kern_mbuf_free'
export * from './kern_mbuf_tables'
export { setExtFree } from './mbuf_ext_free'
export * from './mbuf_inline'
