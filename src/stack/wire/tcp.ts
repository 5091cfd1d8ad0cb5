/** The TCP header, RFC 9293, 3.1. */
export const TCP_SOURCE_PORT = 0
export const TCP_DESTINATION_PORT = 2
export const TCP_SEQUENCE = 4
export const TCP_ACKNOWLEDGMENT = 8
export const TCP_DATA_OFFSET = 12
export const TCP_FLAGS = 13
export const TCP_WINDOW = 14
export const TCP_CHECKSUM = 16
export const TCP_URGENT_POINTER = 18
export const TCP_HEADER = 20
/** Data offset is 4 bits of 32-bit words: 60 bytes of header at most. */
export const TCP_HEADER_MAX = 60

export const FIN = 0x01
export const SYN = 0x02
export const RST = 0x04
export const PSH = 0x08
export const ACK = 0x10
export const URG = 0x20
export const ECE = 0x40
export const CWR = 0x80

/** Option kinds, RFC 9293, 3.2. */
export const OPTION_END = 0
export const OPTION_NOP = 1
export const OPTION_MSS = 2
export const OPTION_MSS_LENGTH = 4
export const OPTION_WINDOW_SCALE = 3
export const OPTION_SACK_PERMITTED = 4
export const OPTION_SACK = 5
export const OPTION_TIMESTAMPS = 8
