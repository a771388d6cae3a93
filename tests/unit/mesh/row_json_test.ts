import type { PeerFigures } from "../../../src/domain/mesh_row.ts";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { MAX_NODES, type MeshRow } from "../../../src/domain/mesh_row.ts";
import {
  decodeRow,
  encodeRow,
  MAX_ROW_BYTES,
  ROW_SCHEMA,
  RowError,
  splitRows,
} from "../../../src/mesh/row_json.ts";
import { property, type Random } from "../random.ts";
import { LOST, peer, quantiles, row } from "./meshes.ts";

const FULL = row("db-1", {
  labels: [["rack", "r1"], ["role", "primary"]],
  ageMs: 120,
  peers: [
    peer("db-2"),
    peer("db-3", { ...LOST, synRetransmits: null }),
    peer("db-4", { icmp: { sent: 10, lost: 1, p50Us: 512 } }),
    peer("db-5", {
      icmp: { sent: 10, lost: 10, p50Us: null },
      refused: 300,
      rtt: null,
      cold: null,
    }),
  ],
});

Deno.test("a row is the same after it was written and read", () => {
  assertEquals(decodeRow(encodeRow(FULL)), FULL);
  assertEquals(decodeRow(new TextEncoder().encode(encodeRow(FULL))), FULL);
  const least = row("alone", { lagP99Us: null, connectExcess: null });
  assertEquals(decodeRow(encodeRow(least)), least);
});

/** A pair that has worked lately. */
const NOW: Partial<PeerFigures> = {
  repeated: 0,
  bursts: 30,
  burstsWithDrops: 1,
  answeredAgeMs: 4000,
  establishedAgeMs: 4000,
  usualUs: 412,
  recent: {
    ...{ bursts: 2, sent: 20, answered: 20, refused: 0, p50Us: 400 },
    leastColdUs: 610,
  },
};

Deno.test("what tells how a pair is now is read back, and a row of an old node has none of it", () => {
  const pressure = { cpu: 0.1234, memory: 0, io: 1, steal: null, throttled: 0.5 };
  const day = { windows: 12, met: 11, sent: 3600, established: 3599 };
  const full = row("a", { pressure, peers: [peer("b", { ...NOW, left: true, day })] });
  assertEquals(decodeRow(encodeRow(full)), full);
  const old = JSON.parse(encodeRow(full));
  delete old.pressure;
  for (
    const field of [
      "left",
      "day",
      "repeated_handshakes",
      "bursts",
      "bursts_with_drops",
      "answered_age_ms",
      "established_age_ms",
      "recent",
      "usual_ms",
    ]
  ) {
    delete old.peers[0][field];
  }
  assertEquals(decodeRow(JSON.stringify(old)), row("a", { peers: [peer("b")] }));
});

Deno.test("a row's document is one line whose names and units say what they are", () => {
  const text = encodeRow(row("a", { peers: [peer("b", NOW)] }));
  assertEquals(text.indexOf("\n"), text.length - 1);
  assertEquals(JSON.parse(text), {
    schema: ROW_SCHEMA,
    node: "a",
    az: "a",
    labels: {},
    time: "2026-11-21T09:00:00.000Z",
    age_ms: 0,
    window_ms: 300_000,
    lag_p99_ms: 1.5,
    connect_excess_ms: { count: 3000, p50: 0.3, p99: 1.2 },
    peers: [{
      peer: "b",
      sent: 300,
      answered: 300,
      lost: 0,
      refused: 0,
      syn_retransmits: 0,
      repeated_handshakes: 0,
      bursts: 30,
      bursts_with_drops: 1,
      answered_age_ms: 4000,
      established_age_ms: 4000,
      usual_ms: 0.412,
      recent: {
        ...{ bursts: 2, sent: 20, answered: 20, refused: 0, p50_ms: 0.4 },
        least_cold_ms: 0.61,
      },
      rtt_ms: { count: 270, p50: 0.4, p99: 0.8 },
      cold_rtt_ms: { count: 30, p50: 0.6, p99: 0.9 },
      connect_ms: { count: 300, p50: 0.7, p99: 1.5 },
    }],
  });
});

Deno.test("a thousand peers take less than 465 bytes each", () => {
  const long = { ...NOW, rtt: quantiles(1234, 5432) };
  const peers = Array.from({ length: 1000 }, (_, i) => peer(`db-eu-west-1a-${i}`, long));
  const text = encodeRow(row("a", { peers }));
  assert(text.length < 465 * peers.length, `${text.length / peers.length} bytes a peer`);
});

Deno.test("the most peers with names of usual length are within the bound", () => {
  const peers = Array.from({ length: MAX_NODES }, (_, i) => peer(`node-${i}.zone-a.example.com`));
  const text = encodeRow(row("a", { peers }));
  assert(text.length <= MAX_ROW_BYTES);
  assertEquals(decodeRow(text).peers.length, MAX_NODES);
});

type Fields = Record<string, unknown>;

/** The document of FULL with something changed. */
function changed(change: (document: Fields, peer: Fields) => void): string {
  const document = JSON.parse(encodeRow(FULL));
  change(document, document.peers[0]);
  return JSON.stringify(document);
}

const BAD: readonly [change: (document: Fields, peer: Fields) => void, message: string][] = [
  [(d) => d.schema = "wire-probe.mesh-row.v2", `its schema is not ${ROW_SCHEMA}`],
  [(d) => d.node = "", "node is no name of 1 to 255 characters without control characters"],
  [
    (d) => d.node = "a\u001b[2J",
    "node is no name of 1 to 255 characters without control characters",
  ],
  [
    (d) => d.az = "z".repeat(256),
    "az is no name of 1 to 255 characters without control characters",
  ],
  [(d) => d.labels = [], "labels is no object"],
  [
    (d) => d.labels = Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`k${i}`, "v"])),
    "labels: more than 16",
  ],
  [(d) => d.time = "yesterday", "time is no time of RFC 3339"],
  [(d) => d.time = 5, "time is no time of RFC 3339"],
  [(d) => d.age_ms = -1, "age_ms is no number from 0 to 31622400000"],
  [(d) => d.window_ms = "5m", "window_ms is no number from 0 to 86400000"],
  [(d) => d.connect_excess_ms = 3, "connect_excess_ms is no object"],
  [(d) => d.peers = null, "peers is no list"],
  [
    (d) => d.peers = new Array(MAX_NODES + 1).fill({}),
    `peers has more than ${MAX_NODES} entries`,
  ],
  [(d) => d.peers = [7], "peers[0] is no object"],
  [(_, p) => p.peer = "db-3", "peers[1]: a peer twice, or the node itself"],
  [(_, p) => p.peer = "db-1", "peers[0]: a peer twice, or the node itself"],
  [(_, p) => p.sent = 1.5, "peers[0].sent is no whole number"],
  [(_, p) => p.sent = 1e12, "peers[0].sent is no number from 0 to 2147483647"],
  [(_, p) => p.lost = 1, "peers[0]: its counts contradict each other"],
  [(_, p) => p.refused = 301, "peers[0]: its counts contradict each other"],
  [
    (_, p) => p.rtt_ms = { count: 271, p50: 1, p99: 2 },
    "peers[0]: its counts contradict each other",
  ],
  [
    (_, p) => p.rtt_ms = { count: 270, p50: 2, p99: 1 },
    "peers[0].rtt_ms: no distribution has these figures",
  ],
  [
    (_, p) => p.rtt_ms = { count: 0, p50: 1, p99: 1 },
    "peers[0].rtt_ms: no distribution has these figures",
  ],
  [
    (_, p) => p.rtt_ms = { count: 1, p50: -1, p99: 1 },
    "peers[0].rtt_ms.p50 is no number from 0 to 3600000",
  ],
  [
    (_, p) => p.icmp = { sent: 1, lost: 2, p50_ms: null },
    "peers[0].icmp: its counts contradict each other",
  ],
  [
    (_, p) => p.icmp = { sent: 1, lost: 0, p50_ms: null },
    "peers[0].icmp: its counts contradict each other",
  ],
];

Deno.test("what is no row is refused with the place and the reason, in one line", () => {
  for (const [change, message] of BAD) {
    const error = assertThrows(() => decodeRow(changed(change)), RowError);
    assertEquals(error.message, message);
  }
  const texts: readonly [string | Uint8Array, string][] = [
    ["", "not JSON"],
    ["[]", "the document is no object"],
    ["null", "the document is no object"],
    ["[".repeat(100_000), "not JSON"],
    [Uint8Array.of(34, 255, 34), "not UTF-8"],
    [" ".repeat(MAX_ROW_BYTES + 1), `larger than ${MAX_ROW_BYTES} bytes`],
  ];
  for (const [text, message] of texts) {
    assertEquals(assertThrows(() => decodeRow(text), RowError).message, message);
  }
});

Deno.test("fields that nobody knows are passed over, also those that objects have anyway", () => {
  const text = changed((d, p) => {
    d.later = { deep: [1] };
    p["hops"] = 3;
  }).replace("{", '{"__proto__":{"schema":"x"},');
  assertEquals(decodeRow(text), FULL);
});

/** A value that JSON can hold and a row does not want, mostly. */
function anything(random: Random): unknown {
  return random.pick([null, -1, 0, 1, 1.5, 1e308, "", "a", "\u0000", true, [], {}, [[]], {
    p50: 1,
  }]);
}

/** Puts something else somewhere into a document. */
function disturbed(random: Random, document: unknown): unknown {
  if (typeof document !== "object" || document === null || random.int(0, 3) === 0) {
    return anything(random);
  }
  const keys = Object.keys(document);
  if (keys.length === 0) return anything(random);
  const key = random.pick(keys);
  const copy = structuredClone(document) as Record<string, unknown>;
  copy[key] = disturbed(random, copy[key]);
  return copy;
}

/** What decoding gives, or null where it is refused in a line that can be shown. */
function decodedOrRefused(document: string | Uint8Array): MeshRow | null {
  try {
    return decodeRow(document);
  } catch (error) {
    assert(error instanceof RowError, String(error));
    assert(!/\p{Cc}/u.test(error.message) && error.message.length < 200, error.message);
    return null;
  }
}

property(
  "no document makes the decoder throw but its own error, and what it takes is sound",
  400,
  (random) => {
    const row = decodedOrRefused(JSON.stringify(disturbed(random, JSON.parse(encodeRow(FULL)))));
    for (const { sent, answered, lost, rtt } of row?.peers ?? []) {
      assertEquals(sent, answered + lost);
      if (rtt !== null) assert(rtt.p50Us >= 0 && rtt.p50Us <= rtt.p99Us && rtt.count <= answered);
    }
  },
);

property("no bytes make the decoder throw but its own error", 400, (random) => {
  const bytes = new TextEncoder().encode(encodeRow(FULL));
  for (let i = random.int(1, 4); i > 0; i--) {
    bytes[random.int(0, bytes.length - 1)] = random.int(0, 255);
  }
  decodedOrRefused(bytes.subarray(0, random.int(0, bytes.length)));
});

Deno.test("a file has a row a line, or one row over many lines", () => {
  const [a, b] = [encodeRow(row("a")), encodeRow(row("b"))];
  assertEquals(splitRows(a + b).map((text) => decodeRow(text).node), ["a", "b"]);
  assertEquals(splitRows(`${a}\n\n${b}`.replaceAll("\n", "\r\n")).length, 2);
  const laidOut = JSON.stringify(JSON.parse(encodeRow(FULL)), null, 2);
  assertEquals(splitRows(laidOut).map((text) => decodeRow(text)), [FULL]);
  assertEquals(splitRows("not a row"), ["not a row"]);
});
