/**
 * Words of the messages that cxgbe(4) and the card exchange: opcodes and bit fields. Source: sys/dev/cxgbe/common/t4_msg.h,
 * sys/dev/cxgbe/firmware/t4fw_interface.h (read through reference nic-cxgbe 4.2, 4.4–4.7). Words are big-endian in the ring.
 */

// Firmware work requests.
export const FW_ETH_TX_PKT_WR = 0x08
export const FW_ETH_TX_PKTS_WR = 0x09
export const F_FW_WR_EQUIQ = 0x80000000
export const F_FW_WR_EQUEQ = 0x40000000
export const M_FW_WR_LEN16 = 0xff
export const M_FW_ETH_TX_PKT_WR_IMMDLEN = 0x1ff

// Messages inside work requests.
export const CPL_TX_PKT = 0x0e
export const CPL_TX_PKT_LSO = 0xed

export const F_LSO_FIRST_SLICE = 1 << 23
export const F_LSO_LAST_SLICE = 1 << 22
export const F_LSO_IPV6 = 1 << 20
export const S_LSO_ETHHDR_LEN = 16
export const S_LSO_IPHDR_LEN = 4

export const S_TXPKT_INTF = 16
export const F_TXPKT_VF_VLD = 1 << 11
export const S_TXPKT_PF = 8

// Upper word of the 64-bit ctrl1 of CPL_TX_PKT.
export const F_TXPKT_L4CSUM_DIS = 0x80000000
export const F_TXPKT_IPCSUM_DIS = 0x40000000
export const F_TXPKT_VLAN_VLD = 0x10000000
/** Shift of the tag within the upper word (bit 44 of the whole). */
export const S_TXPKT_VLAN = 12

// ULP_TX commands.
export const ULP_TX_PKT = 4
export const ULP_TX_SC_IMM = 0x81
export const ULP_TX_SC_DSGL = 0x82
export const F_ULP_TX_SC_MORE = 1 << 23
export const S_ULP_TXPKT_FID = 4

// Sizes in bytes.
export const FW_WR_HDR_BYTES = 16
export const CPL_LSO_BYTES = 16
export const CPL_PKT_BYTES = 16
