/** sys/kern/uipc_mbuf.c in parts: sharing, joining, trimming and reading; copies of whole chains; transfers to and from user memory; checks; and tags. */
export * from './uipc_mbuf_chain'
export * from './uipc_mbuf_copy'
export * from './uipc_mbuf_sanity'
export * from './uipc_mbuf_uio'
export * from './uipc_mbuf2'
