/** Handshakes back to back: wire-probe beside the C loop of the same calls, by turns. */
import { BINARY } from "../build.ts";
import { finish, type Finished, Responder } from "./child.ts";
import { type ClientRun, referenceConnects } from "./reference.ts";
import { median } from "./table.ts";

/** Each round is long enough for a compiled hot path, short enough for the ports there are. */
const HANDSHAKES = 30_000;
const ROUNDS = 5;
/** A round of the reference moves on over so many addresses. */
const HOSTS_A_ROUND = 3;

/** What of a summary line is needed here. */
interface SummaryLine {
  readonly answered: number;
  readonly syn_retransmits: number | null;
  readonly rtt_ms: { readonly p50: number };
}

/** A burst of `wire-probe probe`, until it ends. */
export async function burst(
  port: number,
  count: number,
  host: number,
  core: number | null,
): Promise<{ run: Finished; summary: SummaryLine }> {
  const run = await finish(burstCommand(port, count, host), core);
  const summary: SummaryLine = JSON.parse(run.stdout);
  if (summary.answered !== count) throw new Error(`${summary.answered} of ${count} were answered`);
  return { run, summary };
}

export function burstCommand(port: number, count: number, host: number): string[] {
  const size = String(count);
  const schedule = ["-c", size, "--burst", size, "-i", "1h"];
  return [BINARY, "probe", `127.0.0.${host}:${port}`, ...schedule, "--quiet", "-o", "json"];
}

/** wire-probe's own figures exclude its start-up, which is measured by runs of one handshake. */
async function ourRun(port: number, host: number, core: number | null): Promise<ClientRun> {
  const one = (await burst(port, 2, host, core)).run;
  const { run, summary } = await burst(port, HANDSHAKES, host, core);
  return {
    handshakes: HANDSHAKES - 2,
    seconds: run.seconds - one.seconds,
    cpuSeconds: run.cpuSeconds - one.cpuSeconds,
    rttP50Us: summary.rtt_ms.p50 * 1000,
    synRetransmits: summary.syn_retransmits ?? 0,
  };
}

/** The least disturbed of several rounds counts: noise only ever adds. */
export interface Best {
  readonly perSecond: number;
  readonly cpuUs: number;
  readonly rttP50Us: number;
  readonly synRetransmits: number;
}

function best(runs: readonly ClientRun[]): Best {
  return {
    perSecond: Math.max(...runs.map((run) => run.handshakes / run.seconds)),
    cpuUs: Math.min(...runs.map((run) => run.cpuSeconds * 1e6 / run.handshakes)),
    rttP50Us: median(runs.map((run) => run.rttP50Us)),
    synRetransmits: runs.reduce((sum, run) => sum + run.synRetransmits, 0),
  };
}

export interface HandshakeFigures {
  readonly ours: Best;
  readonly reference: Best | null;
}

/** Both against one server: C's where there is one, since it disturbs the least. */
export async function benchHandshakes(
  reference: string | null,
  cores: readonly [number, number] | null,
): Promise<HandshakeFigures> {
  const [serverCore, clientCore] = cores ?? [null, null];
  await using server = reference === null
    ? await Responder.start([BINARY, "serve", "--port", "0"], "stderr", serverCore)
    : await Responder.start([reference, "accept", "0"], "stdout", serverCore);
  const ours: ClientRun[] = [];
  const theirs: ClientRun[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const host = 1 + round * (1 + HOSTS_A_ROUND);
    ours.push(await ourRun(server.port, host, clientCore));
    if (reference === null) continue;
    theirs.push(
      await referenceConnects(reference, server.port, HANDSHAKES, host + 1, clientCore),
    );
  }
  return { ours: best(ours), reference: theirs.length === 0 ? null : best(theirs) };
}
