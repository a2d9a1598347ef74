/**
 * Kinds of pending work. An event is a record {time, sequence, kind, a, b, c, d}: what the arguments mean is said here, once per kind.
 * `names` is what "step one event" shows.
 */
export const EV_NONE = 0
/** a = host, b = CPU: the CPU takes the next task of its queue. */
export const EV_CPU_RUN = 1
/** a = wire slot, b = receiving end (host): the last bit of a burst arrived. */
export const EV_LINK_RX = 2
/** a = end (host): the transmitter finished a burst and takes the next one. */
export const EV_LINK_TX_DONE = 3
/** a = host, b = port, c = transmit queue: the card looks for new descriptors. */
export const EV_NIC_TX = 4
/** a = host, b = port, c = receive queue: the interrupt hold-off timer ran out. */
export const EV_NIC_RX_HOLDOFF = 5
/** Task. a = host, b = port, c = receive queue: interrupt handler (ithread) of a receive queue. */
export const EV_NIC_RX_TASK = 6
/** Task. a = host, b = port, c = transmit queue: reclaim and restart after an egress update. */
export const EV_NIC_TX_TASK = 7
/** a = host, b = tcpcb, c = timer: a TCP timer ran out; it queues the softclock task. */
export const EV_TCP_TIMER = 8
/** Task. a = host, b = tcpcb, c = timer. */
export const EV_TCP_TIMER_TASK = 9
/** Task. a = host, b = socket, c = what became possible: application wake-up on a socket. */
export const EV_APP_SOCKET = 10
/** a = host, b = application record: an application timer (think time, start) ran out. */
export const EV_APP_TIMER = 11
/** Task. a = host, b = application record. */
export const EV_APP_TIMER_TASK = 12
/** a = host, b = I/O record: the disk finished a request. */
export const EV_DISK_DONE = 13
/** Task. a = host, b = I/O record: completion routine (sendfile_iodone). */
export const EV_DISK_DONE_TASK = 14
/** Task. a = host, b = mbuf chain head: packet looped back by lo0. */
export const EV_LOOP_INPUT = 15
/** a = on (1) or off (0): the load generator is switched. */
export const EV_LOAD = 16
/** a = host, b = thread: a sleeping thread is made runnable. */
export const EV_THREAD_WAKEUP = 17
/** a = host, b = port, c = transmit queue: status page or egress update reaches the host. */
export const EV_NIC_TX_STATUS = 18
/** a = host: once-a-second housekeeping of the kernel. */
export const EV_SECOND = 19
/** a = host, b = port, c = receive queue: the card has a burst to place in host memory. */
export const EV_NIC_RX = 20
/** a = host: the oldest TIME_WAIT entry of the host is due. */
export const EV_TCP_TW = 21
/** a = host, b = syncache entry, c = its generation: SYN|ACK is sent again or the entry given up. */
export const EV_TCP_SYNCACHE = 22

/** a = host, b = port: igb: descriptors are there, or the data of a packet has been read. */
export const EV_IGB_TX = 23
/** a = host, b = port, c = queue pair: igb: the interrupt moderation lets the interrupt through. */
export const EV_IGB_INTR = 24
/** Task. a = host, b = port, c = queue pair: interrupt of a queue pair. */
export const EV_IGB_TASK = 25
/** a = host, b = port: igb: the link is negotiated. */
export const EV_IGB_LINK = 26

/** Task. a = host, b = 1 for the low-memory event: a zone of mbufs is at its limit, or pages are short; queues are given up. */
export const EV_MB_RECLAIM = 27

/** a = host, b = packet, c = its generation: fragments of an IPv6 packet did not all come in time. */
export const EV_FRAG6 = 28

/** Room for kinds; handlers are an array of this length. */
export const EVENT_KINDS = 64

export const eventNames: readonly string[] = [
  'none',
  'cpu run',
  'frame burst arrives',
  'link transmitter free',
  'card fetches descriptors',
  'interrupt hold-off over',
  'receive interrupt',
  'transmit reclaim',
  'tcp timer',
  'tcp timer task',
  'socket wakeup',
  'application timer',
  'application task',
  'disk done',
  'disk completion',
  'loopback input',
  'load switch',
  'thread wakeup',
  'transmit status',
  'once a second',
  'card receives',
  'time wait over',
  'syn cache timer',
  'igb fetches descriptors',
  'igb interrupt',
  'igb queue interrupt',
  'igb link negotiated',
  'mbuf reclaim',
  'ipv6 fragments time out',
]
