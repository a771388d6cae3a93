/** The tool's own cost on this machine, measured on loopback. */
import { millisOf } from "../../text/number.ts";
import { blankRecord, kernelRttOf, NONE } from "../../domain/probe_record.ts";
import type { HostPressure } from "../../domain/host_pressure.ts";
import type { Endpoint } from "../../domain/target.ts";
import { ByteWriter } from "../../format/byte_writer.ts";
import { JsonFormat } from "../../format/json.ts";
import { MAX_RECORD_BYTES } from "../../format/record_format.ts";
import { serve } from "../../library/serve.ts";
import { MemoryReturn } from "../../kernel/memory.ts";
import { heapBytes, residentBytes } from "../../kernel/process.ts";
import { PressureGauge } from "../../kernel/pressure.ts";
import { TcpSockets } from "../../kernel/tcp_info.ts";
import { DenoConnector } from "../../net/deno_connector.ts";
import { probeOnce } from "../../net/prober.ts";
import { TcpProber } from "../../net/tcp_prober.ts";
import { Histogram } from "../../stats/histogram.ts";
import { sleepUntil, systemClock } from "../../time/clock.ts";

const HANDSHAKES = 500;
const TIMERS = 100;
const TIMER_MS = 5;
const LINES = 200_000;
const TIMEOUT_MS = 1000;
const LOOPBACK = "127.0.0.1";

interface Pair {
  readonly p50: number | null;
  readonly p99: number | null;
}

export interface Figures {
  readonly handshakes: number;
  readonly rtt_ms: Pair;
  readonly connect_ms: Pair;
  readonly timer_lag_ms: Pair;
  readonly encoder: { readonly ns_per_line: number; readonly heap_bytes_per_line: number };
  readonly rss_mib: number;
  /** Of the host meanwhile; null where this platform does not tell. */
  readonly pressure: HostPressure | null;
}

export async function measure(): Promise<Figures> {
  const gauge = PressureGauge.open(systemClock);
  const handshake = await measureHandshakes();
  const lag = await measureTimers();
  const encoder = measureEncoder();
  MemoryReturn.open()?.giveBack(true);
  return {
    handshakes: HANDSHAKES,
    rtt_ms: pairOf(handshake.rtt),
    connect_ms: pairOf(handshake.connect),
    timer_lag_ms: pairOf(lag),
    encoder,
    rss_mib: Math.round(residentBytes() / 1024 / 102.4) / 10,
    pressure: gauge?.read() ?? null,
  };
}

function pairOf(histogram: Histogram): Pair {
  const at = (q: number) => histogram.count === 0 ? null : millisOf(histogram.quantile(q));
  return { p50: at(0.5), p99: at(0.99) };
}

async function measureHandshakes(): Promise<{ rtt: Histogram; connect: Histogram }> {
  const server = serve({ addresses: [LOOPBACK] });
  const connector = new DenoConnector(TcpSockets.open(), "fin");
  const prober = new TcpProber(connector, systemClock, TIMEOUT_MS, "auto");
  const endpoint: Endpoint = {
    address: LOOPBACK,
    family: 4,
    bytes: Uint8Array.of(127, 0, 0, 1),
    port: server.port,
  };
  const rtt = new Histogram();
  const connect = new Histogram();
  const record = blankRecord();
  for (let i = 0; i < HANDSHAKES; i++) {
    record.rttUs = record.connectUs = NONE;
    record.rttSource = null;
    await probeOnce(prober, endpoint, record);
    const rttUs = kernelRttOf(record);
    if (rttUs !== NONE) rtt.add(rttUs);
    if (record.connectUs !== NONE) connect.add(record.connectUs);
  }
  prober.stop();
  await server.close();
  return { rtt, connect };
}

async function measureTimers(): Promise<Histogram> {
  const lag = new Histogram();
  for (let i = 0; i < TIMERS; i++) {
    const due = systemClock.now() + TIMER_MS;
    await sleepUntil(systemClock, due);
    lag.add(Math.round((systemClock.now() - due) * 1000));
  }
  return lag;
}

function measureEncoder(): Figures["encoder"] {
  const writer = new ByteWriter(MAX_RECORD_BYTES);
  const format = new JsonFormat();
  const record = blankRecord();
  const encode = (lines: number) => {
    for (let i = 0; i < lines; i++) {
      record.seq = i;
      record.rttUs = record.connectUs = i;
      writer.length = 0;
      writer.begin();
      format.record(writer, record);
      writer.end();
    }
  };
  encode(LINES / 4);
  const heap = heapBytes();
  const startMs = systemClock.now();
  encode(LINES);
  const elapsedMs = systemClock.now() - startMs;
  return {
    ns_per_line: Math.round(elapsedMs * 1e6 / LINES),
    heap_bytes_per_line: Math.max(0, Math.round((heapBytes() - heap) / LINES)),
  };
}
