/**
 * A round of a trace in Influx line protocol: a line for the path (trace_path), one for each hop with
 * its loss (trace_hop), and one for each address that answered there with its round trips (trace_hop_rtt).
 */
import { hopsToEnd, type PathRound, type RoundProbe } from "../domain/path.ts";
import { NONE } from "../domain/probe_record.ts";
import { shareOf } from "../domain/summary.ts";
import {
  countField,
  type LineTags,
  millisField,
  shareField,
  writeInfluxLine,
} from "./influx_line.ts";
import type { Step } from "./record_format.ts";

/** A writing step a line. The host is a tag: the same target seen from two hosts is two series. */
export function* pathInflux(round: PathRound, host: string): Iterable<Step> {
  const tags: LineTags = [
    ["host", host],
    ["target", round.target],
    ["protocol", round.protocol],
  ];
  if (round.isWhole) {
    yield (out) => writeInfluxLine(out, "trace_path", tags, pathFields(round), round);
  }
  const hops = new Set([...round.probes.map(({ hops }) => hops), ...round.notSent]);
  for (const hop of [...hops].toSorted((a, b) => a - b)) {
    const probes = round.probes.filter((probe) => probe.hops === hop);
    const at: LineTags = [...tags, ["hop", String(hop)]];
    const notSent = round.notSent.filter((of) => of === hop).length;
    yield (out) => writeInfluxLine(out, "trace_hop", at, hopFields(probes, notSent), round);
    const addresses = new Set(probes.map(({ address }) => address).filter((of) => of !== null));
    for (const address of addresses) {
      const own = probes.filter((probe) => probe.address === address);
      const who: LineTags = [...at, ["address", address]];
      yield (out) => writeInfluxLine(out, "trace_hop_rtt", who, rttFields(own), round);
    }
  }
}

function pathFields(round: PathRound): LineTags {
  const { path, change, changes, address, probes } = round;
  const hops = hopsToEnd(round);
  const end = probes.find((probe) => probe.kind === "end" && probe.hops === hops);
  return [
    ["path", `"${path}"`],
    ["changed", String(change !== null)],
    ["changes", countField(changes)],
    ["reached", String(hops !== null)],
    ["hops", countField(hops)],
    ["rtt_ms", millisField(end?.rttUs)],
    ["address", `"${address.replaceAll(/["\\]/g, "\\$&")}"`],
  ];
}

function hopFields(probes: readonly RoundProbe[], notSent: number): LineTags {
  const answered = probes.filter(({ address }) => address !== null).length;
  const lost = probes.length - answered;
  return [
    ["sent", countField(probes.length)],
    ["answered", countField(answered)],
    ["lost", countField(lost)],
    ["not_sent", countField(notSent)],
    ["loss_ratio", shareField(shareOf(lost, probes.length))],
  ];
}

/** Averages, where the round has asked several times. */
function rttFields(probes: readonly RoundProbe[]): LineTags {
  return [
    ["answered", countField(probes.length)],
    ["rtt_ms", millisField(average(probes.map(({ rttUs }) => rttUs)))],
    ["jitter_ms", millisField(average(probes.map(({ jitterUs }) => jitterUs)))],
  ];
}

/** Of what was measured; null for nothing. */
function average(values: readonly number[]): number | null {
  const measured = values.filter((us) => us !== NONE);
  return shareOf(measured.reduce((sum, us) => sum + us, 0), measured.length);
}
