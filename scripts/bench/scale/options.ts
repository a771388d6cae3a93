/** What `bench:scale` is asked to do: its words, checked and typed. */
import { parseArgs } from "@std/cli/parse-args";
import { MOST_TARGETS } from "./addresses.ts";

export const USAGE = `usage: task bench:scale [option…]

  --targets N,N…      numbers of targets, each probed once a second (100,1000,5000,10000,20000)
  --seconds N         of each run of wire-probe; peers run as long, but at most 8 (20)
  --peers all|none    the runtime alone and Debian's probers, at the same rates (all)
  --install           install the peers that are missing
  --json              figures for a program to read instead of tables
  --svg FILE          where the plot goes; made of two numbers of targets or more
`;

export interface Options {
  /** Ascending, none twice. */
  readonly targets: readonly number[];
  readonly seconds: number;
  readonly peers: boolean;
  readonly install: boolean;
  readonly json: boolean;
  readonly svg: string;
}

/** The seconds of a run. A shorter run is mostly start-up. */
const SECONDS = { usual: 20, least: 2, most: 3600 };

/** Throws RangeError with one line that names the word and what is accepted. */
export function parse(argv: readonly string[], defaultSvg: string): Options {
  const values = ["targets", "seconds", "peers", "svg"];
  const given = parseArgs([...argv], {
    string: values,
    boolean: ["install", "json"],
    default: {
      targets: "100,1000,5000,10000,20000",
      seconds: String(SECONDS.usual),
      peers: "all",
      svg: defaultSvg,
    },
    unknown: (word) => fail(`there is no option ${word}`),
  });
  const [targets, seconds, peers, svg] = values.map((name) =>
    String(given[name]) || fail(`--${name} wants a value`)
  );
  return {
    targets: sizes(targets),
    seconds: whole("--seconds", seconds, SECONDS.least, SECONDS.most),
    peers: choice("--peers", peers, ["none", "all"]) === "all",
    install: given.install === true,
    json: given.json === true,
    svg,
  };
}

function sizes(text: string): number[] {
  const numbers = text.split(",").map((part) => whole("--targets", part, 2, MOST_TARGETS));
  return [...new Set(numbers)].sort((a, b) => a - b);
}

function whole(flag: string, text: string, least: number, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (value >= least && value <= most) return value;
  return fail(`${flag} takes whole numbers from ${least} to ${most}, not '${text}'`);
}

function choice(flag: string, text: string, choices: readonly string[]): string {
  if (choices.includes(text)) return text;
  return fail(`${flag} takes ${choices.join(" or ")}, not '${text}'`);
}

function fail(message: string): never {
  throw new RangeError(message);
}
