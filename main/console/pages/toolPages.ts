/** Pages about the commands that have more to say than the command table. */
import type { Page } from './page'

export const toolPages: readonly Page[] = [
  {
    name: 'ifconfig',
    section: '8',
    summary: 'show and change network interfaces',
    synopsis: [
      'ifconfig [-m] INTERFACE',
      'ifconfig INTERFACE [inet] ADDRESS[/N] [netmask M] [alias | -alias]',
      'ifconfig INTERFACE inet6 ADDRESS[/N] [prefixlen N] [-alias]',
      'ifconfig INTERFACE [up | down] [mtu N] [KEYWORD | -KEYWORD] ...',
      'ifconfig vlanN create vlan TAG vlandev INTERFACE',
      'ifconfig laggN create [laggproto PROTOCOL] laggport INTERFACE ...',
      'ifconfig NAME destroy',
      'ifconfig -a | -l [-du]',
    ],
    sections: [
      {
        title: 'DESCRIPTION',
        text: [
          'Without parameters the interface is shown: flags, options that are on, addresses, media. The options line is a number in hexadecimal and the names of its bits; one bit (0x800000, statistics kept by the card) has no name.',
          'Parameters act one after the other, each at once; the address is set last. If one fails, those before it have been applied.',
          'A capability keyword switches something on, with a minus in front off. What the interface does not support is left out of the request without a word: the command succeeds and nothing changes. Look at the options line to see what happened.',
          'nomap: if driver and card can send from pages that have no kernel address, this lets packets with unmapped mbufs pass to them as they are. With -nomap such packets are converted to mapped mbufs in ip_output, page by page, which is correct and costs time. A vlan follows its parent.',
          'rxcsum, txcsum and tso4 are about IPv4; rxcsum6, txcsum6 and tso6 about IPv6. Without txcsum6 packets of TCP over IPv6 with unmapped mbufs are converted though nomap is on, because their checksum is summed in software.',
          'The first IPv6 address of an interface brings its link-local one along; a further one is added and replaces nothing.',
          'tso4 needs txcsum on a cxgbe port: asked for alone it fails with "Resource temporarily unavailable", and -txcsum takes tso4 along. The kernel says so in dmesg.',
        ],
      },
      {
        title: 'PARAMETERS',
        text: [
          { term: 'up, down', text: 'starts or stops the interface; addresses stay' },
          { term: 'ADDRESS/N', text: 'replaces the first address; with alias it is added, with -alias removed' },
          { term: 'mtu N', text: '72 to 9600 on a cxgbe port' },
          { term: 'promisc', text: 'takes all frames' },
          { term: 'description TEXT', text: 'a text of your own, shown on its own line' },
          { term: 'name NEW', text: 'another name' },
          { term: 'media TYPE', text: 'one of those that -m lists' },
          {
            term: 'laggport IF',
            text: 'makes IF a port of a lagg; -laggport lets it go. A port that cannot be had is complained of, and the other words still act',
          },
          { term: 'laggproto P', text: 'failover, loadbalance, roundrobin, broadcast or none' },
          {
            term: 'lagghash L',
            text: 'layers that loadbalance looks at, for instance l3,l4; use_flowid takes the number of the flow instead, shifted right by flowid_shift',
          },
          { term: 'rr_limit N', text: 'packets that roundrobin sends on a port before the next' },
          { term: 'vlan TAG', text: 'with vlandev: tag and parent of a vlan; -vlandev takes it off its parent' },
        ],
      },
      {
        title: 'EXAMPLE',
        text: ['ifconfig cc0 -nomap; ifconfig cc0 | grep -o NOMAP || echo off'],
      },
    ],
    seeAlso: ['cxgbe(4)', 'lagg(4)', 'vlan(4)', 'netstat(1)', 'sysctl(8)'],
  },
  {
    name: 'sysctl',
    section: '8',
    summary: 'read and set kernel state',
    synopsis: ['sysctl [-deNntx] NAME ...', 'sysctl NAME=VALUE', 'sysctl -a'],
    sections: [
      {
        title: 'DESCRIPTION',
        text: [
          'Prints the value of a name, or of everything below it in the order of the kernel, which is not the alphabet. NAME=VALUE sets it and prints the old and the new value; the new one is read back, so what the kernel made of it shows.',
          'A switch is of type uint8_t and reads 0 or 1. A read-only tunable is set at boot: in a scenario, or with --set on the command line of the lab.',
          'man NAME shows default, range, unit and source of any name.',
        ],
      },
      { title: 'EXAMPLE', text: ['sysctl -d kern.ipc.mb_use_ext_pgs; sysctl kern.ipc.mb_use_ext_pgs=1'] },
    ],
    seeAlso: ['ifconfig(8)', 'sendfile(2)'],
  },
  {
    name: 'netstat',
    section: '1',
    summary: 'sockets, interfaces and network memory',
    synopsis: [
      'netstat [-aAnWxTLR]',
      'netstat -i | -I INTERFACE [-bd]',
      'netstat -w SECONDS [-I INTERFACE] [-q N]',
      'netstat [--libxo json] -m',
    ],
    sections: [
      {
        title: 'DESCRIPTION',
        text: [
          '-m counts mbufs and clusters, and what sendfile did. An unmapped mbuf counts as one mbuf; the array of its pages has a zone of its own that only vmstat -z shows, and the pages count nowhere.',
          '-x shows the socket buffers. S-MBUF is the number of mbufs in the send buffer: the column in which unmapped mbufs show, because one of them carries up to 19 pages. S-CLUS counts those with storage outside the mbuf, whatever kind it is. S-BCNT is the memory charged, S-BMAX its limit.',
          '-w prints a row per interval of virtual time, each the difference to the one before; -q N ends it after N rows, Control-C at once.',
        ],
      },
      { title: 'EXAMPLE', text: ['netstat -xn | sort -rn -k 7 | head -5'] },
    ],
    seeAlso: ['vmstat(8)', 'mbuf(9)'],
  },
  {
    name: 'vmstat',
    section: '8',
    summary: 'zones of the kernel allocator',
    synopsis: ['vmstat -z'],
    sections: [
      {
        title: 'DESCRIPTION',
        text: [
          'A line per zone: bytes of an item, limit (0: none), items in use, items free in caches, requests since boot, requests refused, requests that had to wait. The zone mbuf_extpgs holds the page arrays of unmapped mbufs.',
        ],
      },
    ],
    seeAlso: ['netstat(1)', 'mbuf(9)'],
  },
  {
    name: 'sh',
    section: '1',
    summary: 'the shell of this console',
    synopsis: ['COMMAND [ARGUMENT ...] [| COMMAND ...]'],
    sections: [
      {
        title: 'DESCRIPTION',
        text: [
          'Words are separated by blanks; \'…\' keeps everything, "…" everything but $, \\ keeps one character, # begins a comment. Commands follow each other with ;, && runs the next one after success, || after failure, ! turns the status round, | feeds the next one.',
          'NAME=VALUE sets a variable, $NAME and ${NAME:-TEXT} read it, $? is the status of the last command. Output goes to /dev/null with > and 2>, 2>&1 joins both. There are no files to write, no jobs and no loops.',
          '!! is the line before, !N a line by number, !TEXT the last one that began so. Commands run at the present virtual time; only sleep, netstat -w and lab run let it pass.',
        ],
      },
    ],
    seeAlso: ['grep(1)', 'lab(8)'],
  },
  {
    name: 'lab',
    section: '8',
    summary: 'actions of the lab, which FreeBSD does not have',
    synopsis: [
      'lab status | run [DURATION] | pause | speed [X] | fork [NAME] | mark TEXT | load start|stop',
      'lab chain [-a] [-n COUNT] [--json] [SOCKET [snd|rcv] | QUEUE]',
    ],
    sections: [
      {
        title: 'DESCRIPTION',
        text: [
          'run and pause move and stop virtual time, speed says how fast, run with a duration stops by itself. fork copies the host with everything on its way: two runs with the same past, the same seed and the same arrivals, so that whatever you then change in one of them is the only difference. mark puts a text on the time axis. load starts and stops the clients.',
          'chain lists the chains of mbufs on this host: the buffers of connections, what waits for room in a transmit ring (ring) and what the card has until it reports completion (txq). With a name it draws the chain, one line an mbuf. A socket is named by its address pair, by foreign address and port, or by the foreign port alone; snd or rcv chooses a buffer, otherwise both are drawn.',
        ],
      },
      {
        title: 'CHAINS',
        text: [
          'An mbuf has the same name (m and a number) in every chain, so that a shadow in a transmit queue can be found in the send buffer. A line gives m_type, m_len, m_data as an offset into the storage, m_flags, and for external storage its type and references; then what is not as usual:',
          { term: 'of NAME', text: 'a shadow: the storage belongs to that mbuf' },
          {
            term: 'npgs N pages LIST',
            text: 'pages of an unmapped mbuf as physical frames; a range lies side by side in memory',
          },
          { term: 'first, last', text: 'offset in the first page and bytes of the last, where not 0 and 4096' },
          { term: 'hdr, trail', text: 'bytes of header and trailer in the page array' },
          { term: 'nrdy N', text: 'pages that wait for I/O' },
          { term: 'page P, holds NAME', text: 'page of an sf_buf; the unmapped mbuf that a converted page keeps' },
          { term: 'pkt N', text: 'length of the packet that begins here' },
          'An empty line begins a new packet. Under elsewhere stand owners of storage that are in none of the chains drawn: in another chain, or freed and kept by references.',
        ],
      },
      {
        title: 'OPTIONS OF CHAIN',
        text: [
          { term: '-a', text: 'list empty chains too' },
          { term: '-n COUNT', text: 'at most so many lines, 0 for all; 100 otherwise' },
          { term: '--json', text: 'for programs' },
        ],
      },
      {
        title: 'EXAMPLES',
        text: ['lab chain', 'lab chain 49152 snd', 'lab chain cc0.txq0', 'lab chain -n 0 | grep NOTREADY'],
      },
    ],
    seeAlso: ['sh(1)', 'netstat(1)', 'sendfile(2)'],
  },
]
