/** Each parser of what others write or send, samples that it takes, and how it may refuse. */
import { UsageError } from "../../../src/domain/exit.ts";
import { parseNodes } from "../../../src/input/nodes_file.ts";
import { parseProbeScope } from "../../../src/input/probe_scope.ts";
import { NO_DEFAULTS, parseTargets } from "../../../src/input/target_text.ts";
import { parseTraceTarget } from "../../../src/input/trace_target.ts";
import { decodeRow, encodeRow, RowError } from "../../../src/mesh/row_json.ts";
import { decodeStatus, encodeQuery } from "../../../src/packet/dns.ts";
import { parseResolvConf } from "../../../src/net/resolv_conf.ts";
import { parseHead } from "../../../src/net/http_request.ts";
import { blankEcho, ECHO_REPLY, ECHO_REQUEST, parseEcho } from "../../../src/packet/echo.ts";
import { blankIpPacket, parseIp } from "../../../src/packet/ip.ts";
import { blankTcpSegment, parseTcp, synOffer } from "../../../src/packet/tcp.ts";
import { writeRequest } from "../../../src/sink/influx_request.ts";
import { peer, row } from "../../../tests/unit/mesh/meshes.ts";
import { icmpError, ipv4, ipv6 } from "../../../tests/unit/packet/packets.ts";

export interface Parser {
  readonly name: string;
  readonly samples: readonly Uint8Array[];
  /** Throws for a fault; what is merely refused returns. */
  parse(bytes: Uint8Array<ArrayBuffer>): void;
}

const SYN = [...Array(12).fill(0), 0x50, 0x02, ...Array(6).fill(0)];
const QUERY = encodeQuery(7, "db.example", 1) ?? new Uint8Array();

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A parser of text that may refuse with an error of this kind, in one line, and with no other. */
function textual(
  name: string,
  samples: readonly string[],
  parse: (text: string) => unknown,
  refusal: new (...words: never[]) => Error = UsageError,
): Parser {
  return {
    name,
    samples: samples.map(bytesOf),
    parse(bytes: Uint8Array): void {
      try {
        parse(new TextDecoder().decode(bytes));
      } catch (error) {
        if (!(error instanceof refusal)) throw error;
      }
    },
  };
}

export const PARSERS: readonly Parser[] = [
  textual("targets", [
    "a=10.0.0.1:5432 az=x rack=r1\n# none\nb=[2001:db8::1]:22\n",
    "db.example:5432\nname=db:1 k=v\n",
  ], (text) => parseTargets(text, "file", NO_DEFAULTS)),
  textual(
    "nodes",
    ["a=10.0.0.1 az=x http=80\nb=[::1]:9 az=y\n"],
    (text) => parseNodes(text, "file"),
  ),
  textual("trace target", ["db.example:5432", "[fe80::1%eth0]:22", "10.0.0.1"], parseTraceTarget),
  textual("probe scope", ["10.0.0.0/8:5432,[2001:db8::]/32:1-9", "any"], parseProbeScope),
  textual("influx URL", [
    "influx-http://db:8086/?db=net&u=me&p=x",
    "influx-https://[::1]/a/?org=o&bucket=b",
  ], (text) => writeRequest(text, null)),
  textual("resolv.conf", ["nameserver 10.0.0.1\nsearch a b\noptions ndots:2\n"], parseResolvConf),
  textual(
    "row",
    [encodeRow(row("n1", { peers: [peer("n2"), peer("n3", { lost: 1 })] }))],
    (text) => decodeRow(text),
    RowError,
  ),
  {
    name: "HTTP head",
    samples: [
      "GET /row?a=%20b HTTP/1.1\r\nHost: [::1]:80\r\nX: y\r\n\r\n",
      "HEAD http://a/ HTTP/1.0\r\n\r\n",
      "POST /leaving?node=n1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\n\r\n",
    ].map(bytesOf),
    parse: (bytes) => void parseHead(bytes, true),
  },
  {
    name: "DNS answer",
    samples: [QUERY, QUERY.with(2, 0x81).with(3, 0x83), QUERY.with(2, 0x81).with(3, 0x80)],
    parse: (bytes) => void decodeStatus(bytes, QUERY),
  },
  {
    name: "packet",
    samples: [
      ipv4({ protocol: 6, payload: SYN }),
      ipv6(6, SYN, []),
      ipv4({
        protocol: 1,
        payload: icmpError(11, 0, [0, 0, 0, 0], ipv4({ protocol: 6, payload: SYN })),
      }),
    ].map((bytes) => Uint8Array.from(bytes)),
    parse(bytes): void {
      const packet = blankIpPacket();
      if (!parseIp(bytes, 0, bytes.length, packet)) return;
      const segment = blankTcpSegment();
      if (parseTcp(bytes, 0, bytes.length, segment)) synOffer(bytes, segment);
      parseEcho(bytes, 0, bytes.length, ECHO_REPLY[4], blankEcho());
      parseEcho(bytes, 0, bytes.length, ECHO_REQUEST[6], blankEcho());
    },
  },
];
