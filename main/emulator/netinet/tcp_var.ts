/**
 * TCP control blocks, flags, counters and settings. Source: sys/netinet/tcp_var.h, tcp_timer.h, tcp_fsm.h (names and values read; the subset that
 * the emulated TCP uses).
 */
import type { Kernel } from '../kernel'

// States.
export const TCPS_CLOSED = 0
export const TCPS_LISTEN = 1
export const TCPS_SYN_SENT = 2
export const TCPS_SYN_RECEIVED = 3
export const TCPS_ESTABLISHED = 4
export const TCPS_CLOSE_WAIT = 5
export const TCPS_FIN_WAIT_1 = 6
export const TCPS_CLOSING = 7
export const TCPS_LAST_ACK = 8
export const TCPS_FIN_WAIT_2 = 9
export const TCPS_TIME_WAIT = 10

export const tcpstates: readonly string[] = [
  'CLOSED',
  'LISTEN',
  'SYN_SENT',
  'SYN_RCVD',
  'ESTABLISHED',
  'CLOSE_WAIT',
  'FIN_WAIT_1',
  'CLOSING',
  'LAST_ACK',
  'FIN_WAIT_2',
  'TIME_WAIT',
]

export const TCPS_HAVERCVDSYN = (s: number): boolean => s >= TCPS_SYN_RECEIVED
export const TCPS_HAVEESTABLISHED = (s: number): boolean => s >= TCPS_ESTABLISHED
export const TCPS_HAVERCVDFIN = (s: number): boolean =>
  s === TCPS_CLOSE_WAIT || (s >= TCPS_CLOSING && s !== TCPS_FIN_WAIT_2)

// t_flags.
export const TF_ACKNOW = 0x00000001
export const TF_DELACK = 0x00000002
export const TF_NODELAY = 0x00000004
export const TF_NOOPT = 0x00000008
export const TF_SENTFIN = 0x00000010
export const TF_REQ_SCALE = 0x00000020
export const TF_RCVD_SCALE = 0x00000040
export const TF_REQ_TSTMP = 0x00000080
export const TF_RCVD_TSTMP = 0x00000100
export const TF_SACK_PERMIT = 0x00000200
export const TF_NEEDSYN = 0x00000400
export const TF_NEEDFIN = 0x00000800
export const TF_NOPUSH = 0x00001000
export const TF_PREVVALID = 0x00002000
export const TF_MORETOCOME = 0x00010000
export const TF_LASTIDLE = 0x00040000
export const TF_RXWIN0SENT = 0x00080000
export const TF_FASTRECOVERY = 0x00100000
export const TF_WASFRECOVERY = 0x00200000
export const TF_FORCEDATA = 0x00800000
export const TF_TSO = 0x01000000
export const TF_CONGRECOVERY = 0x20000000
export const TF_WASCRECOVERY = 0x40000000
const TF_RECOVERY = TF_FASTRECOVERY | TF_CONGRECOVERY

export const IN_FASTRECOVERY = (f: number): boolean => (f & TF_FASTRECOVERY) !== 0
export const IN_RECOVERY = (f: number): boolean => (f & TF_RECOVERY) !== 0
export const ENTER_FASTRECOVERY = (f: number): number => f | TF_FASTRECOVERY
export const EXIT_RECOVERY = (f: number): number => f & ~TF_RECOVERY

/** Timers of a connection: index into the t_timer columns. */
export const TT_DELACK = 0
export const TT_REXMT = 1
export const TT_PERSIST = 2
export const TT_KEEP = 3
export const TT_2MSL = 4
export const TT_COUNT = 5
export const timerNames: readonly string[] = ['delack', 'rexmt', 'persist', 'keep', '2msl']

/** kern.hz of the emulated host: TCP counts in ticks. [assumed: amd64 default on hardware] */
export const HZ = 1000
export const TICK_NS = 1_000_000

export const TCP_MAXWIN = 65535
export const TCP_MAX_WINSHIFT = 14
export const TCP_MAXRXTSHIFT = 12
export const TCP_RTT_SHIFT = 5
export const TCP_RTTVAR_SHIFT = 4
export const TCP_DELTA_SHIFT = 2
export const TCPTV_RTOBASE = 3 * HZ
export const TCPTV_REXMTMAX = 64 * HZ
export const TCP_PAWS_IDLE = 24 * 24 * 3600 * HZ
export const tcprexmtthresh = 3
export const MAX_SACK_BLKS = 6
export const TCP_MAX_SACK = 4
/** Back-off factors of the retransmit timer, by t_rxtshift. Source: tcp_timer.c tcp_backoff. */
export const tcp_backoff: readonly number[] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 512, 512, 512]
/** Back-off of an unanswered SYN. Source: tcp_timer.c tcp_syn_backoff. */
export const tcp_syn_backoff: readonly number[] = [1, 1, 1, 1, 1, 2, 4, 8, 16, 32, 64, 64, 64]
export const tcp_totbackoff = 2559

/** Connections: one row a tcpcb; 0 = NULL. A row belongs to a connection while t_inpcb ≠ 0. */
export function createTcpcbTable(k: Kernel) {
  return k.registry.table(
    k.part('tcpcb'),
    {
      t_inpcb: 'i32',
      t_state: 'u8',
      t_flags: 'i32',
      /** Raised whenever the row is given out: tells a new connection from the one before in the same row. */
      t_generation: 'u32',
      snd_una: 'u32',
      snd_max: 'u32',
      snd_nxt: 'u32',
      snd_up: 'u32',
      snd_wl1: 'u32',
      snd_wl2: 'u32',
      iss: 'u32',
      irs: 'u32',
      rcv_nxt: 'u32',
      rcv_adv: 'u32',
      rcv_up: 'u32',
      last_ack_sent: 'u32',
      rcv_wnd: 'u32',
      snd_wnd: 'u32',
      snd_cwnd: 'u32',
      snd_ssthresh: 'u32',
      snd_recover: 'u32',
      max_sndwnd: 'u32',
      snd_scale: 'u8',
      rcv_scale: 'u8',
      request_r_scale: 'u8',
      snd_limited: 'u8',
      t_dupacks: 'i32',
      t_maxseg: 'i32',
      t_rcvtime: 'i32',
      t_starttime: 'i32',
      t_rtttime: 'i32',
      t_rtseq: 'u32',
      t_rxtcur: 'i32',
      t_srtt: 'i32',
      t_rttvar: 'i32',
      t_rttmin: 'i32',
      t_rttupdated: 'i32',
      t_rxtshift: 'u8',
      t_softerror: 'i32',
      ts_recent: 'u32',
      ts_recent_age: 'i32',
      ts_offset: 'u32',
      t_badrxtwin: 'i32',
      snd_cwnd_prev: 'u32',
      snd_ssthresh_prev: 'u32',
      snd_recover_prev: 'u32',
      rfbuf_ts: 'i32',
      rfbuf_cnt: 'i32',
      t_tsomax: 'i32',
      t_tsomaxsegcount: 'i32',
      t_tsomaxsegsize: 'i32',
      /** First record of the reassembly queue (table tseg_qent), entries and bytes in it. */
      t_segq: 'i32',
      t_segqlen: 'i32',
      t_segqbytes: 'i32',
      t_sndzerowin: 'u32',
      t_sndrexmitpack: 'u32',
      t_rcvoopack: 'u32',
      // Bytes acknowledged in congestion avoidance since the last step (ABC). Source: cc.h ccv bytes_this_ack, t_bytes_acked.
      t_bytes_acked: 'i32',
      ccv_flags: 'u8',
      // SACK, sender side: scoreboard of holes (table sackhole).
      snd_holes: 'i32',
      snd_holes_tail: 'i32',
      snd_numholes: 'i32',
      snd_fack: 'u32',
      sack_newdata: 'u32',
      sackhint_nexthole: 'i32',
      sackhint_sack_bytes_rexmit: 'i32',
      // SACK, receiver side.
      rcv_numsacks: 'u8',
      sackblks_start: ['u32', MAX_SACK_BLKS],
      sackblks_end: ['u32', MAX_SACK_BLKS],
      /** Deadlines of the timers TT_*, ns; 0 = not running. */
      t_timer: ['f64', TT_COUNT],
      /** The one pending machine event of this connection and its time; 0 = none. It may be early: it re-arms itself. */
      t_timerEvent: 'f64',
      t_timerEventAt: 'f64',
      /** Bytes sent and acknowledged since the connection began (for pictures and probes; never steers). */
      t_streamAcked: 'f64',
      /** Time of creation, ns. */
      t_born: 'f64',
    },
    64,
  )
}
export type TcpcbTable = ReturnType<typeof createTcpcbTable>

/** Counters of `netstat -s -p tcp`. Source: tcp_var.h struct tcpstat (the subset that is counted here). */
export function createTcpstat(k: Kernel) {
  return k.registry.record(k.part('tcpstat'), {
    tcps_connattempt: 0,
    tcps_accepts: 0,
    tcps_connects: 0,
    tcps_drops: 0,
    tcps_conndrops: 0,
    tcps_closed: 0,
    tcps_segstimed: 0,
    tcps_rttupdated: 0,
    tcps_delack: 0,
    tcps_timeoutdrop: 0,
    tcps_rexmttimeo: 0,
    tcps_persisttimeo: 0,
    tcps_persistdrop: 0,
    tcps_keeptimeo: 0,
    tcps_keepprobe: 0,
    tcps_keepdrops: 0,
    tcps_sndtotal: 0,
    tcps_sndpack: 0,
    tcps_sndbyte: 0,
    tcps_sndrexmitpack: 0,
    tcps_sndrexmitbyte: 0,
    tcps_sndrexmitbad: 0,
    tcps_sndacks: 0,
    tcps_sndprobe: 0,
    tcps_sndwinup: 0,
    tcps_sndctrl: 0,
    tcps_rcvtotal: 0,
    tcps_rcvpack: 0,
    tcps_rcvbyte: 0,
    tcps_rcvbadsum: 0,
    tcps_rcvbadoff: 0,
    tcps_rcvshort: 0,
    tcps_rcvduppack: 0,
    tcps_rcvdupbyte: 0,
    tcps_rcvpartduppack: 0,
    tcps_rcvpartdupbyte: 0,
    tcps_rcvoopack: 0,
    tcps_rcvoobyte: 0,
    tcps_rcvpackafterwin: 0,
    tcps_rcvbyteafterwin: 0,
    tcps_rcvafterclose: 0,
    tcps_rcvwinprobe: 0,
    tcps_rcvdupack: 0,
    tcps_rcvacktoomuch: 0,
    tcps_rcvackpack: 0,
    tcps_rcvackbyte: 0,
    tcps_rcvwinupd: 0,
    tcps_pawsdrop: 0,
    tcps_predack: 0,
    tcps_preddat: 0,
    tcps_listendrop: 0,
    tcps_badrst: 0,
    tcps_badsyn: 0,
    tcps_rcvmemdrop: 0,
    tcps_rcvreassfull: 0,
    tcps_sc_added: 0,
    tcps_sc_retransmitted: 0,
    tcps_sc_dupsyn: 0,
    tcps_sc_dropped: 0,
    tcps_sc_completed: 0,
    tcps_sc_stale: 0,
    tcps_sc_aborted: 0,
    tcps_sc_reset: 0,
    tcps_sc_badack: 0,
    tcps_sack_recovery_episode: 0,
    tcps_sack_rexmits: 0,
    tcps_sack_rexmit_bytes: 0,
    tcps_sack_rcv_blocks: 0,
    tcps_sack_send_blocks: 0,
    tcps_sack_sboverflow: 0,
    /** Bursts handed to ip_output with CSUM_TSO (counter of the lab, not of FreeBSD). */
    lab_tsobursts: 0,
    /** Times the send buffer was grown, and times growth was refused (counters of the lab). */
    lab_sndbufgrown: 0,
    lab_sndbufrefused: 0,
    /** tcp_output gave up a packet for lack of mbufs (ENOBUFS) (counter of the lab). */
    lab_nobufs: 0,
  })
}
export type Tcpstat = ReturnType<typeof createTcpstat>

/** Settings behind net.inet.tcp.* (times in ticks). Defaults: reference console 4, except where a source is named. */
export function createTcpSettings(k: Kernel) {
  return k.registry.record(k.part('tcpctl'), {
    tcp_sendspace: 32768,
    tcp_recvspace: 65536,
    tcp_do_autosndbuf: 1,
    tcp_autosndbuf_inc: 8192,
    tcp_autosndbuf_max: 2097152,
    tcp_sendbuf_auto_lowat: 0,
    tcp_do_autorcvbuf: 1,
    tcp_autorcvbuf_max: 2097152,
    tcp_do_tso: 1,
    path_mtu_discovery: 1,
    tcp_mssdflt: 536,
    tcp_minmss: 216,
    tcp_initcwnd_segments: 10,
    tcp_do_rfc1323: 1,
    tcp_do_rfc3042: 1,
    tcp_do_rfc3390: 1,
    tcp_do_rfc3465: 1,
    tcp_abc_l_var: 2,
    tcp_delack_enabled: 1,
    tcp_delacktime: HZ / 10,
    tcp_keepidle: 7200 * HZ,
    tcp_keepintvl: 75 * HZ,
    tcp_keepinit: 75 * HZ,
    tcp_keepcnt: 8,
    always_keepalive: 1,
    tcp_rexmit_initial: HZ,
    tcp_rexmit_min: Math.floor((30 * HZ) / 1000),
    tcp_rexmit_slop: Math.floor((200 * HZ) / 1000),
    tcp_persmin: 5 * HZ,
    tcp_persmax: 60 * HZ,
    tcp_msl: 30 * HZ,
    tcp_finwait2_timeout: 60 * HZ,
    tcp_fast_finwait2_recycle: 0,
    nolocaltimewait: 0,
    tcp_do_sack: 1,
    tcp_sack_maxholes: 128,
    tcp_sack_globalmaxholes: 65536,
    tcp_sack_globalholes: 0,
    tcp_reass_maxqueuelen: 100,
    drop_synfin: 0,
    blackhole: 0,
    tcp_syncache_rexmtlimit: 3,
    /** Secret that initial sequence numbers are hashed with: drawn at boot. */
    isn_secret0: 0,
    isn_secret1: 0,
    /** Next ephemeral port to try, and the range. */
    portrange_first: 10000,
    portrange_last: 65535,
    portrange_randomized: 1,
    portrange_lastport: 0,
  })
}
export type TcpSettings = ReturnType<typeof createTcpSettings>

/** Now in ticks (1 ms), as a 32-bit integer that never is 0. Source: kern_clock.c ticks. */
export function ticks(k: Kernel): number {
  return (Math.floor(k.now() / TICK_NS) + 1) | 0
}

/** Segment payload with the options a data segment carries. Source: tcp_subr.c tcp_maxseg (mid-2019: options of the connection). */
export function tcp_maxseg(k: Kernel, tp: number): number {
  const t = k.inet.tcp
  if ((t.t_flags[tp] & TF_NOOPT) !== 0) return t.t_maxseg[tp]
  let optlen = 0
  if (TCPS_HAVEESTABLISHED(t.t_state[tp])) {
    if ((t.t_flags[tp] & TF_RCVD_TSTMP) !== 0) optlen = 12
    if ((t.t_flags[tp] & TF_SACK_PERMIT) !== 0 && t.rcv_numsacks[tp] > 0)
      optlen = (optlen + 2 + t.rcv_numsacks[tp] * 8 + 3) & ~3
  } else {
    optlen = (t.t_flags[tp] & TF_REQ_TSTMP) !== 0 ? 12 : 0
  }
  if (optlen > 40) optlen = 40
  return t.t_maxseg[tp] - optlen
}
