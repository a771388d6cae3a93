/** DNS queries for an address, and what their answers say (RFC 1035). */

// RFC 1035, section 4.1.1: the header, and bits of its third and fourth byte.
const HEADER_BYTES = 12;
const RECURSION_DESIRED = 0x0100;
const RESPONSE_BIT = 0x80;
const TRUNCATED_BIT = 0x02;
/** Response codes (section 4.1.1). */
const CODE = { noError: 0, serverFailure: 2, nameError: 3, refused: 5 };
/** Types of records (RFC 1035, section 3.2.2; RFC 3596), of the class of the Internet. */
export const RECORD_TYPE = { a: 1, aaaa: 28 };
const CLASS_IN = 1;
/** Limits of section 2.3.4. */
const NAME_LIMITS = { labelBytes: 63, bytes: 255 };
/** A pointer to a name that stands earlier (section 4.1.4). */
const POINTER_BITS = 0xc0;
/** Of a record behind its name: type, class, time to live, length of the data. */
const RECORD_HEAD_BYTES = 10;

/** What an answer says of a name. */
export type DnsStatus =
  | "exists"
  | "no such name"
  | "no address"
  | "server failure"
  /** The server does not answer this question. */
  | "refused"
  /** The answer is too long for a datagram; whoever wants all of it asks again by TCP. */
  | "truncated";

/** The query's bytes; null for a name that DNS cannot hold. */
export function encodeQuery(id: number, name: string, type: number): Uint8Array | null {
  const labels = name.replace(/\.$/, "").split(".").map((label) => new TextEncoder().encode(label));
  const size = labels.reduce((sum, label) => sum + 1 + label.length, 1);
  const bad = labels.some(({ length }) => length === 0 || length > NAME_LIMITS.labelBytes);
  if (bad || size > NAME_LIMITS.bytes) return null;
  const query = new Uint8Array(HEADER_BYTES + size + 4);
  const view = new DataView(query.buffer);
  view.setUint16(0, id);
  view.setUint16(2, RECURSION_DESIRED);
  view.setUint16(4, 1);
  let at = HEADER_BYTES;
  for (const label of labels) {
    query[at] = label.length;
    query.set(label, at + 1);
    at += 1 + label.length;
  }
  view.setUint16(at + 1, type);
  view.setUint16(at + 3, CLASS_IN);
  return query;
}

/** What an answer says; null when it is not one to this query. */
export function decodeStatus(answer: Uint8Array, query: Uint8Array): DnsStatus | null {
  if (answer.length < query.length || (answer[2] & RESPONSE_BIT) === 0) return null;
  if (answer[0] !== query[0] || answer[1] !== query[1]) return null;
  // The question comes back as it was; servers may change the case of letters.
  for (let i = HEADER_BYTES; i < query.length; i++) {
    if (lower(answer[i]) !== lower(query[i])) return null;
  }
  switch (answer[3] & 0x0f) {
    case CODE.noError:
      if (holdsAddress(answer, query)) return "exists";
      return (answer[2] & TRUNCATED_BIT) === 0 ? "no address" : "truncated";
    case CODE.nameError:
      return "no such name";
    case CODE.refused:
      return "refused";
    case CODE.serverFailure:
    default:
      return "server failure";
  }
}

/** Whether a record of the type that was asked for is among the answers: an alias alone is no address. */
function holdsAddress(answer: Uint8Array, query: Uint8Array): boolean {
  const view = new DataView(answer.buffer, answer.byteOffset, answer.byteLength);
  const type = new DataView(query.buffer, query.byteOffset).getUint16(query.length - 4);
  let at = query.length;
  for (let left = view.getUint16(6); left > 0; left--) {
    while (at < answer.length && answer[at] !== 0 && answer[at] < POINTER_BITS) {
      at += 1 + answer[at];
    }
    at += answer[at] === 0 ? 1 : 2;
    if (at + RECORD_HEAD_BYTES > answer.length) return false;
    if (view.getUint16(at) === type) return true;
    at += RECORD_HEAD_BYTES + view.getUint16(at + 8);
  }
  return false;
}

function lower(byte: number): number {
  return byte >= 65 && byte <= 90 ? byte + 32 : byte;
}
