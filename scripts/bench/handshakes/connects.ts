/** Handshakes back to back: wire-probe beside the runtime alone and the C loop of the same calls, by turns. */
import { BINARY } from "../../release/build.ts";
import { finish, type Finished, Responder } from "../child.ts";
import { type ClientRun, type Pace, referenceConnects } from "./reference.ts";
import { median } from "../table.ts";

/** Each round is long enough for a compiled hot path, short enough for the ports there are. */
const HANDSHAKES = 30_000;
const ROUNDS = 5;
/** A round of the reference moves on over so many addresses. */
const HOSTS_A_ROUND = 3;

const BARE = new URL("./bare.ts", import.meta.url).pathname;

/** The part of a summary line that is needed here. */
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

/** A run of this few handshakes measures start-up alone. */
const FEWEST = 2;

/** The figures exclude start-up, which is measured by a run of next to no handshakes. */
function beyondStart(run: Finished, start: Finished): Pace {
  return {
    handshakes: HANDSHAKES - FEWEST,
    seconds: run.seconds - start.seconds,
    cpuSeconds: run.cpuSeconds - start.cpuSeconds,
  };
}

async function ourRun(port: number, host: number, core: number | null): Promise<ClientRun> {
  const start = (await burst(port, FEWEST, host, core)).run;
  const { run, summary } = await burst(port, HANDSHAKES, host, core);
  return {
    ...beyondStart(run, start),
    rttP50Us: summary.rtt_ms.p50 * 1000,
    synRetransmits: summary.syn_retransmits ?? 0,
  };
}

/** A loop of `Deno.connect` in the runtime itself. */
async function bareRun(port: number, host: number, core: number | null): Promise<Pace> {
  const run = (count: number) => {
    const words = [`127.0.0.${host}`, String(port), String(count)];
    return finish([Deno.execPath(), "run", "--no-config", "--allow-net", BARE, ...words], core);
  };
  const start = await run(FEWEST);
  return beyondStart(await run(HANDSHAKES), start);
}

/** The least disturbed of several rounds counts: noise only ever adds. */
export interface BestPace {
  readonly perSecond: number;
  readonly cpuUs: number;
}

export interface Best extends BestPace {
  readonly rttP50Us: number;
  readonly synRetransmits: number;
}

function bestPace(runs: readonly Pace[]): BestPace {
  return {
    perSecond: Math.max(...runs.map((run) => run.handshakes / run.seconds)),
    cpuUs: Math.min(...runs.map((run) => run.cpuSeconds * 1e6 / run.handshakes)),
  };
}

function best(runs: readonly ClientRun[]): Best {
  return {
    ...bestPace(runs),
    rttP50Us: median(runs.map((run) => run.rttP50Us)),
    synRetransmits: runs.reduce((sum, run) => sum + run.synRetransmits, 0),
  };
}

export interface HandshakeFigures {
  readonly ours: Best;
  readonly bare: BestPace;
  readonly reference: Best | null;
}

/** All against one server: C's where there is one, since it disturbs the least. */
export async function benchHandshakes(
  reference: string | null,
  cores: readonly [number, number] | null,
): Promise<HandshakeFigures> {
  const [serverCore, clientCore] = cores ?? [null, null];
  await using server = reference === null
    ? await Responder.start([BINARY, "serve", "--port", "0"], "stderr", serverCore)
    : await Responder.start([reference, "accept", "0"], "stdout", serverCore);
  const ours: ClientRun[] = [];
  const bare: Pace[] = [];
  const theirs: ClientRun[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const host = 1 + round * (2 + HOSTS_A_ROUND);
    ours.push(await ourRun(server.port, host, clientCore));
    bare.push(await bareRun(server.port, host + 1, clientCore));
    if (reference === null) continue;
    theirs.push(
      await referenceConnects(reference, server.port, HANDSHAKES, host + 2, clientCore),
    );
  }
  return {
    ours: best(ours),
    bare: bestPace(bare),
    reference: theirs.length === 0 ? null : best(theirs),
  };
}
