/** The rows of the table, which all findings take their figures from: counts, delays, spikes. */
import type { LiveFigures, Side, Sides } from "../../../domain/comparison.ts";
import { NONE } from "../../../domain/probe_record.ts";
import type { Distribution } from "../../../domain/summary.ts";
import { quantile } from "../../../stats/quantile.ts";
import type { Samples } from "../samples.ts";

/** A target's samples; null where a diagnostic was left out. */
export interface Measured {
  readonly cold: Samples;
  readonly steady: Samples;
  readonly ping: Samples | null;
  readonly knock: Samples | null;
  readonly live: LiveFigures | null;
}

/**
 * A delay is a spike when it exceeds the lower quartile of its kind by this much, or by this share
 * of it, whichever is more. So a kind that is slow throughout has no spikes, and up to three in
 * four delays may be spikes.
 */
const SPIKE_US = 2000;
const SPIKE_SHARE = 0.25;
const BASE_QUANTILE = 0.25;

/** The rows of what was measured. The handshakes' counts are all of them, their delays the steady ones'. */
export function sidesOf({ cold, steady, ping, knock }: Measured): Sides {
  const all = [cold, steady];
  const steadyDelays = delaysOf(steady);
  const clocks = all.flatMap(({ clockUs }) => measuredOf(clockUs));
  return {
    ping: ping === null ? null : side([ping], delaysOf(ping)),
    handshake: side(all, steadyDelays),
    cold: side([cold], delaysOf(cold)),
    connect: {
      ...side(all, { by: "clock", values: clocks }),
      delays: distributionOf(clocks),
      spikeUs: null,
      spikes: NO_SPIKES,
    },
    knock: knock === null ? null : side([knock], delaysOf(knock)),
  };
}

const NO_SPIKES = { count: 0, of: 0 };

interface Delays {
  readonly by: "kernel" | "clock";
  readonly values: readonly number[];
}

/** By the kernel; by the clock where the kernel measured less than half, as of a port that refuses. */
export function delaysOf({ kernelUs, clockUs }: Samples): Delays {
  const [kernel, clock] = [measuredOf(kernelUs), measuredOf(clockUs)];
  return 2 * kernel.length >= clock.length
    ? { by: "kernel", values: kernel }
    : { by: "clock", values: clock };
}

function measuredOf(values: Int32Array): number[] {
  return [...values.filter((us) => us !== NONE)];
}

function side(samples: readonly Samples[], { by, values: all }: Delays): Side {
  const sum = (of: (one: Samples) => number) => samples.reduce((all, one) => all + of(one), 0);
  // A refusal has a connect time, and no round trip.
  const isRefused = sum(({ answered, refused }) => answered - refused) === 0;
  const values = isRefused ? [] : all;
  const baseUs = quantile(values, BASE_QUANTILE);
  const spikeUs = values.length === 0
    ? null
    : baseUs + Math.max(SPIKE_US, Math.round(SPIKE_SHARE * baseUs));
  return {
    sent: sum(({ sent }) => sent),
    answered: sum(({ answered }) => answered),
    lost: sum(({ lost }) => lost),
    again: sum(({ again }) => again),
    refused: sum(({ refused }) => refused),
    by,
    delays: distributionOf(values),
    spikeUs,
    spikes: {
      count: spikeUs === null ? 0 : values.filter((us) => us > spikeUs).length,
      of: values.length,
    },
  };
}

/** The distribution of a few values in whole µs, exactly; null without values. */
function distributionOf(values: readonly number[]): Distribution | null {
  const count = values.length;
  if (count === 0) return null;
  const avgUs = values.reduce((sum, value) => sum + value, 0) / count;
  const squares = values.reduce((sum, value) => sum + (value - avgUs) ** 2, 0);
  const at = (share: number) => quantile(values, share);
  return {
    count,
    minUs: at(0),
    avgUs,
    maxUs: at(1),
    stddevUs: count < 2 ? 0 : Math.sqrt(squares / (count - 1)),
    p50Us: at(0.5),
    p90Us: at(0.9),
    p99Us: at(0.99),
    p999Us: at(0.999),
  };
}
