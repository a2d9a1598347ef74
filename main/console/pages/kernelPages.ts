/** Pages about the kernel: system calls, drivers, structures. */
import type { Page } from './page'

export const kernelPages: readonly Page[] = [
  {
    name: 'sendfile',
    section: '2',
    summary: 'send a file over a socket without copying it through the process',
    synopsis: [
      'int sendfile(int fd, int s, off_t offset, size_t nbytes, struct sf_hdtr *hdtr, off_t *sbytes, int flags)',
    ],
    sections: [
      {
        title: 'DESCRIPTION',
        text: [
          'Queues nbytes of the file fd from offset on at the stream socket s; nbytes 0 means to the end. hdtr may name buffers to be sent before and after. sbytes receives what was sent, headers included. An offset behind the end of the file sends nothing and is no error.',
          'The pages of the file go out as they are. With kern.ipc.mb_use_ext_pgs 0 each page becomes an mbuf of its own with an address in the kernel; with 1 up to 19 pages share one unmapped mbuf. The setting is read once per call.',
          'The call returns before the disk has delivered: pages that are not there yet are queued as "not ready", in order, and the socket sends them when they are.',
        ],
      },
      {
        title: 'FLAGS',
        text: [
          { term: 'SF_NODISKIO', text: '0x1: EBUSY instead of waiting for a busy page' },
          { term: 'SF_SYNC', text: '0x4: returns when the network has let go of the pages' },
          { term: 'SF_USER_READAHEAD', text: '0x8: the upper 16 bits say how many pages to read ahead' },
          { term: 'SF_NOCACHE', text: '0x10: does not keep the pages in memory' },
        ],
      },
      {
        title: 'ERRORS',
        text: [
          'EAGAIN: the socket does not block and is full; sbytes says how far it came. EBADF, EINVAL, ENOTSOCK, ENOTCONN, EPIPE, EBUSY, EFAULT, EINTR, EIO, ENOBUFS, EOPNOTSUPP as usual.',
        ],
      },
    ],
    seeAlso: ['mbuf(9)', 'sf_buf(9)', 'netstat(1)', 'sysctl(8)'],
  },
  {
    name: 'mbuf',
    section: '9',
    summary: 'memory of the network stack',
    synopsis: [],
    sections: [
      {
        title: 'DESCRIPTION',
        text: [
          'An mbuf is 256 bytes: links, a pointer to its data, a length, a type and flags, then either data of its own (224 bytes, 168 behind a packet header) or a reference to storage outside: a cluster of 2 KiB, larger ones of 4, 9 and 16 KiB, a page of a file (EXT_SFBUF), or an array of pages (EXT_PGS).',
          'An mbuf with EXT_PGS and the flag M_NOMAP has no address at which its data can be read: up to 19 physical pages, an offset into the first and a length of the last, and room for a header and a trailer. Only DMA and code that maps a page at a time may read it. What the original calls M_NOMAP in 2019 is M_EXTPG later.',
          'Storage is shared by reference counts. An mbuf may be written only if its storage has one reference and is not read-only.',
        ],
      },
    ],
    seeAlso: ['sglist(9)', 'sf_buf(9)', 'sendfile(2)', 'vmstat(8)'],
  },
  {
    name: 'sglist',
    section: '9',
    summary: 'lists of physical address ranges',
    synopsis: [],
    sections: [
      {
        title: 'DESCRIPTION',
        text: [
          'A scatter/gather list names the memory that a device shall read: ranges of physical addresses. Appending merges a range that begins where the last one ended, so that 19 pages which lie together become one range. If the list is full the answer is EFBIG.',
          'For an unmapped mbuf the ranges come from its page array, not from an address; that is why a driver that only builds such lists can take M_NOMAP packets as they are.',
        ],
      },
    ],
    seeAlso: ['mbuf(9)', 'cxgbe(4)'],
  },
  {
    name: 'sf_buf',
    section: '9',
    summary: 'kernel address of a page for a while',
    synopsis: [],
    sections: [
      {
        title: 'DESCRIPTION',
        text: [
          'Gives a wired page an address. On amd64 all memory has one already, so nothing is mapped and there is nothing to run out of: netstat -m has no line for sf_bufs in use there. Each of them still costs an mbuf of its own and a reference to the page.',
        ],
      },
    ],
    seeAlso: ['sendfile(2)', 'mbuf(9)'],
  },
  {
    name: 'cxgbe',
    section: '4',
    summary: 'driver of Chelsio T4, T5 and T6 adapters',
    synopsis: [],
    sections: [
      {
        title: 'DESCRIPTION',
        text: [
          'Ports are cxgbe on T4, cxl on T5 and cc on T6 adapters; the adapter itself is t4nex, t5nex or t6nex. This host has a T6: t6nex0 with port cc0.',
          'A packet becomes a work request in the transmit ring. Small ones are copied into the request ("immediate"), others are named by a scatter/gather list. Data of an unmapped mbuf is never copied into a request: dev.cc.0.txq.N.imm_wrs and sgl_wrs tell which way packets went.',
          'NOMAP is supported and on from the start. Transmit queues, receive queues and their sizes are tunables (hw.cxgbe.*) and can be read as dev.cc.0.*.',
        ],
      },
    ],
    seeAlso: ['ifconfig(8)', 'sglist(9)', 'vlan(4)'],
  },
  {
    name: 'igb',
    section: '4',
    summary: 'driver of Intel I350 and similar adapters',
    synopsis: [],
    sections: [
      {
        title: 'DESCRIPTION',
        text: [
          'A port with 1 Gb/s over copper. The driver stands on iflib(9), which in June 2019 does not know unmapped mbufs: there is no NOMAP among the capabilities, "ifconfig igb0 nomap" changes nothing and says nothing, and ip_output converts every unmapped mbuf.',
          'A packet becomes one descriptor for each piece of physical memory, at most 40; one that has more is first joined (m_collapse), then copied (m_defrag): dev.igb.0.iflib.txqNN.mbuf_defrag counts that. With segmentation no piece is longer than 4096 bytes.',
          'Changing a capability or the MTU stops the card and starts it again. Packets in its rings are lost, and the link is negotiated anew.',
        ],
      },
    ],
    seeAlso: ['ifconfig(8)', 'cxgbe(4)', 'vlan(4)'],
  },
  {
    name: 'vlan',
    section: '4',
    summary: 'virtual LAN interfaces (802.1Q)',
    synopsis: ['ifconfig vlan10 create vlan 10 vlandev cc0'],
    sections: [
      {
        title: 'DESCRIPTION',
        text: [
          'One parent carries many tags, each an interface of its own. What a vlan can do follows its parent: checksums need VLAN_HWCSUM and VLAN_HWTAGGING there, segmentation VLAN_HWTSO. NOMAP is inherited without a condition; -nomap on the parent takes it from every vlan at once, and nomap gives it back to those that did not give it up themselves.',
        ],
      },
    ],
    seeAlso: ['ifconfig(8)', 'cxgbe(4)'],
  },
  {
    name: 'lagg',
    section: '4',
    summary: 'several interfaces as one',
    synopsis: ['ifconfig lagg0 create laggproto loadbalance laggport cc0 laggport igb0 10.0.0.1/24'],
    sections: [
      {
        title: 'DESCRIPTION',
        text: [
          'Ports are interfaces that send and receive for the lagg. failover uses the first port that came, while its link is up, and then the next; loadbalance keeps each connection on one port; roundrobin takes turns; broadcast sends everything on all. LACP is not part of the emulated host.',
          'On is what all ports have on, and every port is brought down to that. One card without NOMAP therefore takes NOMAP from the lagg and from the other ports, and everything unmapped is converted in ip_output. A capability keyword on the lagg goes to every port; on a port it is taken over by the lagg, or undone if another port does not have it.',
          'A port gets back what it had when it leaves, not when another leaves: after "ifconfig lagg0 -laggport igb0" the lagg supports NOMAP again, and "ifconfig lagg0 nomap" switches it on.',
          'The first port gives the lagg its MTU and its address. The MTU of a port cannot be changed, that of the lagg changes all ports or none. Vlans can lie on a lagg.',
        ],
      },
    ],
    seeAlso: ['ifconfig(8)', 'vlan(4)', 'cxgbe(4)', 'igb(4)'],
  },
]
