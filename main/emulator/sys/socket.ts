/**
 * Numbers of the socket interface. Source: sys/sys/socket.h, sys/sys/socketvar.h (values read).
 */

export const AF_INET = 2
export const AF_INET6 = 28
export const SOCK_STREAM = 1

// Options of level SOL_SOCKET.
export const SO_ACCEPTCONN = 0x0002
export const SO_REUSEADDR = 0x0004
export const SO_KEEPALIVE = 0x0008
export const SO_LINGER = 0x0080
export const SO_SNDBUF = 0x1001
export const SO_RCVBUF = 0x1002
export const SO_SNDLOWAT = 0x1003
export const SO_RCVLOWAT = 0x1004
export const SO_ERROR = 0x1007

/** so_state bits. */
export const SS_NOFDREF = 0x0001
export const SS_ISCONNECTED = 0x0002
export const SS_ISCONNECTING = 0x0004
export const SS_ISDISCONNECTING = 0x0008
export const SS_NBIO = 0x0100
export const SS_ISDISCONNECTED = 0x2000
/** The protocol holds the last reference: it frees the socket when the connection is gone. */
export const SS_PROTOREF = 0x4000

/** so_qstate: where an embryonic or waiting connection hangs. */
export const SQ_NONE = 0
export const SQ_INCOMP = 0x0800
export const SQ_COMP = 0x1000

// Flags of send and receive calls.
export const MSG_PEEK = 0x2
export const MSG_DONTWAIT = 0x80
export const MSG_EOF = 0x100
export const MSG_NBIO = 0x4000

export const SHUT_RD = 0
export const SHUT_WR = 1
export const SHUT_RDWR = 2

/** TCP socket options (level IPPROTO_TCP). Source: sys/netinet/tcp.h. */
export const TCP_NODELAY = 1
export const TCP_MAXSEG = 2
export const TCP_NOPUSH = 4

/** Flags of sendfile(2); the upper 16 bits carry the readahead pages. Source: sys/sys/socket.h; reference sendfile 6.1. */
export const SF_NODISKIO = 0x01
export const SF_MNOWAIT = 0x02
export const SF_SYNC = 0x04
export const SF_USER_READAHEAD = 0x08
export const SF_NOCACHE = 0x10
