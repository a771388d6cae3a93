/** Connections accepted and closed: `wire-probe serve` beside a C accept loop, one C client. */
import { BINARY } from "../../release/build.ts";
import { cpuSecondsOf, Responder } from "../child.ts";
import { referenceAwaits } from "./reference.ts";

/** Of each server; a round moves on over so many addresses. */
const LOAD = { connections: 64_000, rounds: 3, hostsARound: 7 };

export interface AcceptFigures {
  readonly perSecond: number;
  readonly cpuUs: number;
}

/** As fast as the server is: a few connections at a time, each waiting for the server's close. */
async function benchServer(
  server: Responder,
  reference: string,
  firstHost: number,
  core: number | null,
): Promise<AcceptFigures> {
  let perSecond = 0;
  let cpuUs = Infinity;
  for (let round = 0; round < LOAD.rounds; round++) {
    const cpuBefore = await cpuSecondsOf(server.pid);
    const host = firstHost + round * LOAD.hostsARound;
    const seconds = await referenceAwaits(reference, server.port, LOAD.connections, host, core);
    const cpuSeconds = await cpuSecondsOf(server.pid) - cpuBefore;
    perSecond = Math.max(perSecond, LOAD.connections / seconds);
    cpuUs = Math.min(cpuUs, cpuSeconds * 1e6 / LOAD.connections);
  }
  return { perSecond, cpuUs };
}

/** Of each the least disturbed round. */
export async function benchAccepts(
  reference: string,
  cores: readonly [number, number] | null,
): Promise<{ ours: AcceptFigures; reference: AcceptFigures }> {
  const [serverCore, clientCore] = cores ?? [null, null];
  const measure = async (command: readonly string[], says: "stdout" | "stderr", host: number) => {
    await using server = await Responder.start(command, says, serverCore);
    return await benchServer(server, reference, host, clientCore);
  };
  return {
    ours: await measure([BINARY, "serve", "--port", "0"], "stderr", 100),
    reference: await measure([reference, "accept", "0"], "stdout", 140),
  };
}
