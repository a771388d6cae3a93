/**
 * struct tcp_info of <linux/tcp.h>: where its fields lie, in bytes. Newer kernels append fields, so a
 * reader compares the struct's length with the end of a field before it believes the field.
 */
export const TCP_INFO_AT = {
  /** u8, TCP_… of <net/tcp_states.h> */
  state: 0,
  /** u32; of a listening socket, what waits in its accept queue */
  unacked: 24,
  /** u32; of a listening socket, the accept queue's limit */
  sacked: 28,
  /** u32, µs; 0 without a sample */
  rtt: 68,
  /** u32, µs */
  rttVariance: 72,
  /** u32 */
  totalRetransmits: 100,
  /** u64, Linux 4.1 */
  bytesAcked: 120,
  /** u64, Linux 4.1 */
  bytesReceived: 128,
  /** u32, Linux 4.2 */
  segmentsOut: 136,
  /** u32, Linux 4.2 */
  segmentsIn: 140,
  /** u32, µs, Linux 4.6; all ones without a sample */
  minRtt: 148,
  /** u32, Linux 4.6 */
  dataSegmentsIn: 152,
  /** u32, Linux 4.6 */
  dataSegmentsOut: 156,
  /** u64, µs, Linux 4.10 */
  busyTime: 168,
  /** u64, µs, Linux 4.10 */
  receiverLimited: 176,
  /** u64, µs, Linux 4.10 */
  sendBufferLimited: 184,
  /** u32, Linux 4.18 */
  delivered: 192,
  /** u64, Linux 4.19 */
  bytesSent: 200,
  /** u64, Linux 4.19 */
  bytesRetransmitted: 208,
  /** u32, Linux 4.19: segments that the peer had already, so sent again in vain */
  dsackDuplicates: 216,
} as const;
