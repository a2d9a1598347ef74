/**
 * Media of an interface: what `media:` and `status:` of ifconfig(8) are made of. Kept as words, not as the kernel's packed number: the packing
 * would be undone by the only reader. Source: sys/net/if_media.h subtype names (read through reference console-tools 1.2); mapping of rates assumed.
 */

export interface MediaStatus {
  /** Selected subtype and options, for instance `100GBase-CR4` and `full-duplex`, `rxpause`, `txpause`. */
  current: { subtype: string; options: string[] }
  /** What is in use; ifconfig prints it in parentheses when it differs from `current`. */
  active: { subtype: string; options: string[] }
  /** Carrier; null when the driver does not know. */
  carrier: boolean | null
  /** What `ifconfig -m` lists. */
  supported: { subtype: string; options: string[] }[]
}

/** Rates of a T6 port in bits a second, and the subtype ifconfig shows for a copper cable. */
export const portMedia: readonly { rateBps: number; subtype: string; speed: string }[] = [
  { rateBps: 1e9, subtype: '1000baseT', speed: '1G' },
  { rateBps: 10e9, subtype: '10Gbase-Twinax', speed: '10G' },
  { rateBps: 25e9, subtype: '25GBase-CR', speed: '25G' },
  { rateBps: 40e9, subtype: '40Gbase-CR4', speed: '40G' },
  { rateBps: 50e9, subtype: '50GBase-CR2', speed: '50G' },
  { rateBps: 100e9, subtype: '100GBase-CR4', speed: '100G' },
]
