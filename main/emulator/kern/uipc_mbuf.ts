/** sys/kern/uipc_mbuf.c in three parts: sharing, joining, trimming and reading; copies of whole chains; transfers to and from user memory. */
export * from './uipc_mbuf_chain'
export * from './uipc_mbuf_copy'
export * from './uipc_mbuf_uio'
