/** sys/kern/kern_mbuf.c in two parts: tables, allocation and release; unmapped mbufs that become mapped. */
export * from './kern_mbuf_alloc'
export * from './kern_mbuf_ext_pgs'
export { setExtFree } from './mbuf_ext_free'
