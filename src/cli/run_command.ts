/**
 * The command lines of probe, ping and knock. Most starts are theirs, so all that they need is read first;
 * the rest of the command line is read for other commands, for help, and where something is wrong.
 */
import type { KnockOptions, PingOptions, ProbeOptions } from "../run/options.ts";
import { type OwnerOf, type Parsed, parseOptions } from "./parse_options.ts";
import type { OptionTable } from "./option.ts";
import { pingOptions, probeOptions, runOptions } from "./run_options.ts";
import { RUN_TABLES } from "./run_table.ts";

/** A run of probes with its options, and whether it says why it does what it does (`-v`). */
export type RunCommand =
  & (
    | { readonly name: "probe"; readonly options: ProbeOptions }
    | { readonly name: "ping"; readonly options: PingOptions }
    | { readonly name: "knock"; readonly options: KnockOptions }
  )
  & { readonly verbose?: true };

type RunName = RunCommand["name"];

export function isRun(name: string | undefined): name is RunName {
  return name !== undefined && Object.hasOwn(RUN_TABLES, name);
}

/** Reads the arguments behind the command; null where its help is asked for. Throws UsageError. */
export function parseRun(
  name: RunName,
  argv: readonly string[],
  ownerOf: OwnerOf,
): RunCommand | null {
  const parse = <const T extends OptionTable>(table: T): Parsed<T> =>
    parseOptions(name, table, argv, ownerOf);
  const command = (given: ReadonlySet<string>, read: () => RunCommand) => {
    if (given.has("help")) return null;
    return given.has("verbose") ? { ...read(), verbose: true } as const : read();
  };
  switch (name) {
    case "probe": {
      const { values, operands, given } = parse(RUN_TABLES.probe);
      return command(given, () => ({ name, options: probeOptions(values, operands) }));
    }
    case "ping": {
      const { values, operands, given } = parse(RUN_TABLES.ping);
      return command(given, () => ({ name, options: pingOptions(values, operands) }));
    }
    case "knock": {
      const { values, operands, given } = parse(RUN_TABLES.knock);
      const options = () => runOptions(name, values, operands, values.port);
      return command(given, () => ({ name, options: options() }));
    }
    default:
      return name satisfies never;
  }
}
