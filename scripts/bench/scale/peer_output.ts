/** What the peers say at the end of a run: probes made, probes answered, and round trips. */
import { quantile } from "../../../src/stats/quantile.ts";

export interface PeerSays {
  readonly sent: number;
  readonly answered: number;
  /** Median round trip in microseconds as the peer measures it; NaN when it gives none. */
  readonly rttP50Us: number;
}

/** `fping -C`: a line a target with each round trip in ms, `-` for none (fping(8)). */
export function readFping(stderr: string): PeerSays {
  const rttsUs: number[] = [];
  let sent = 0;
  for (const line of stderr.split("\n")) {
    const [, list] = /^\S+\s+: ((?:[\d.]+|-)(?: (?:[\d.]+|-))*)$/.exec(line) ?? [];
    if (list === undefined) continue;
    for (const word of list.split(" ")) {
      sent++;
      if (word !== "-") rttsUs.push(Number(word) * 1000);
    }
  }
  return { sent, answered: rttsUs.length, rttP50Us: quantile(rttsUs, 0.5) };
}

/** `nping -q`: the mean of each target, and in the end how many connections there were. */
export function readNping(stdout: string): PeerSays {
  const meansUs = [...stdout.matchAll(/Avg rtt: ([\d.]+)ms/g)].map(([, ms]) => Number(ms) * 1000);
  const ending = /TCP connection attempts: (\d+) \| Successful connections: (\d+)/.exec(stdout);
  if (ending === null) throw new Error("nping did not count its connections");
  return {
    sent: Number(ending[1]),
    answered: Number(ending[2]),
    rttP50Us: quantile(meansUs, 0.5),
  };
}

/** The exporter's answer to one `/probe`; null when the probe failed. In microseconds. */
export function readBlackbox(exposition: string): number | null {
  if (!/^probe_success 1$/m.test(exposition)) return null;
  const seconds = Number(/^probe_duration_seconds (\S+)$/m.exec(exposition)?.[1]);
  return Number.isNaN(seconds) ? null : seconds * 1e6;
}
