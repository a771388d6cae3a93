/**
 * Checks which way imports point in src/, who may reach for the machine, and what is pure: the rules
 * of the table below. Prints a line for each breach and exits 1 when there is one.
 */

/** A folder may import its own files and those of a lower rank. */
const RANKS: Readonly<Record<string, number>> = {
  "version.ts": 0,
  domain: 0,
  time: 1,
  stats: 1,
  mesh: 1,
  format: 1,
  packet: 1,
  net: 2,
  kernel: 2,
  sink: 2,
  commands: 3,
  cli: 4,
  "main.ts": 5,
};

/** Imports between folders of one rank, each with its reason to be. */
const SAME_RANK: readonly (readonly [from: string, to: string])[] = [
  // Connections are the runtime's, what the kernel knows of them is asked of the kernel.
  ["net", "kernel"],
  // Datagrams leave by sockets of our own.
  ["sink", "kernel"],
  // An exporter that is asked, not told, answers over HTTP.
  ["sink", "net"],
  // Formats show durations, and the wall time that the clock's side defines.
  ["format", "time"],
  // A mesh's matrix has its own pictures.
  ["format", "mesh"],
];

/** Only these mention the machine: `Deno`, `performance` and the runtime's `node:` modules. */
const MACHINE = ["main.ts", "time", "net", "kernel", "sink"];
const MACHINE_NAMES = /\b(Deno|performance)\s*\.|\bnode:[a-z]/;

/** Files and folders whose results depend on their arguments alone. */
const PURE = [
  "src/domain/",
  "src/stats/",
  "src/mesh/",
  "src/format/",
  "src/packet/",
  "src/time/schedule.ts",
  "src/time/duration.ts",
];
const IMPURE_NAMES = new RegExp(
  [
    "\\b(Deno|performance|Math\\.random|Date\\.now|setTimeout|setInterval|fetch|console|crypto)\\b",
    "\\bnew Date\\(\\)|\\bprocess\\b|\\bimport\\(|\\bnode:[a-z]",
  ].join("|"),
);

/** Packages that may be imported, and from where. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  "@std/cli/": ["cli"],
  "@std/fmt/": ["format", "cli", "commands"],
};

const IMPORT = /\b(?:import|export)\b[^"';]*?\bfrom\s*"([^"]+)"|\bimport\s*\(?\s*"([^"]+)"/g;

/** The breaches of a set of files, each as `file:line: what is wrong`; paths from the project's root. */
export function breaches(files: ReadonlyMap<string, string>): string[] {
  return [...files].flatMap(([path, text]) => [
    ...importsOf(text).flatMap(({ specifier, line }) => {
      const problem = importProblem(path, specifier);
      return problem === null ? [] : [`${path}:${line}: ${problem}`];
    }),
    ...namesOf(path, text),
  ]);
}

interface Import {
  readonly specifier: string;
  readonly line: number;
}

function importsOf(text: string): Import[] {
  return [...withoutComments(text).matchAll(IMPORT)].map((match) => ({
    specifier: match[1] ?? match[2],
    // Where the specifier stands, which is where a statement of many lines ends.
    line: lineAt(text, match.index + match[0].length),
  }));
}

function importProblem(path: string, specifier: string): string | null {
  const from = folderOf(path);
  if (!specifier.startsWith(".")) return packageProblem(from, specifier);
  const target = new URL(specifier, `file:///${path}`).pathname.slice(1);
  if (target === "deno.json") {
    return from === "version.ts" ? null : "only src/version.ts reads deno.json";
  }
  const to = folderOf(target);
  if (from === to) return null;
  const [fromRank, toRank] = [RANKS[from], RANKS[to]];
  if (fromRank === undefined) return `'${from}' has no rank in scripts/import_arrows.ts`;
  if (toRank === undefined) return `'${to}' has no rank in scripts/import_arrows.ts`;
  if (fromRank > toRank || SAME_RANK.some(([a, b]) => a === from && b === to)) return null;
  return `${from} may not import ${to} (${specifier})`;
}

function packageProblem(from: string, specifier: string): string | null {
  if (specifier.startsWith("node:")) {
    return MACHINE.includes(from) ? null : `${from} may not import ${specifier}`;
  }
  const known = Object.keys(PACKAGES).find((prefix) => specifier.startsWith(prefix));
  if (known !== undefined && PACKAGES[known].includes(from)) return null;
  return `${from} may not import ${specifier}`;
}

/** Mentions of the machine where it may not be mentioned. */
function namesOf(path: string, text: string): string[] {
  const folder = folderOf(path);
  const pure = PURE.some((place) => path === place || path.startsWith(place));
  if (!pure && MACHINE.includes(folder)) return [];
  const forbidden = pure ? IMPURE_NAMES : MACHINE_NAMES;
  const why = pure ? "which is pure" : `where only ${MACHINE.join(", ")} may`;
  return withoutStrings(withoutComments(text)).split("\n").flatMap((line, i) => {
    const found = forbidden.exec(line);
    return found === null
      ? []
      : [`${path}:${i + 1}: mentions ${found[0].trim()} in ${folder}, ${why}`];
  });
}

/** `net` for src/net/x.ts, `version.ts` for src/version.ts, `main.ts` for main.ts. */
function folderOf(path: string): string {
  const [top, second] = path.split("/");
  return top === "src" ? second : top;
}

/** Comments as blanks; the lines stay. */
function withoutComments(text: string): string {
  return text.replaceAll(
    /"(?:\\.|[^"\\\n])*"|\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*/gm,
    (found) => found.startsWith('"') ? found : found.replaceAll(/[^\n]/g, " "),
  );
}

function withoutStrings(text: string): string {
  return text.replaceAll(/"(?:\\.|[^"\\\n])*"/g, '""');
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split("\n").length;
}

function sourceFiles(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory ? sourceFiles(path) : path.endsWith(".ts") ? [path] : [];
  }).sort();
}

if (import.meta.main) {
  const paths = ["main.ts", ...sourceFiles("src")];
  const found = breaches(new Map(paths.map((path) => [path, Deno.readTextFileSync(path)])));
  for (const breach of found) console.error(breach);
  if (found.length > 0) Deno.exit(1);
}
