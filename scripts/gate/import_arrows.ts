/**
 * Checks which way imports point in src/, that none go in a circle, who may reach for the machine, and
 * what is pure: the rules of the tables below. Prints a line for each breach and exits 1 when there is one.
 */

/** A folder may import its own files and those of a lower rank. */
const RANKS: Readonly<Record<string, number>> = {
  "version.ts": 0,
  domain: 0,
  text: 0,
  time: 1,
  stats: 1,
  packet: 1,
  kernel: 2,
  net: 3,
  input: 4,
  format: 5,
  sink: 5,
  run: 6,
  connections: 6,
  trace: 6,
  mesh: 6,
  library: 7,
  // The library that other programs import; it reaches nothing of the command line's.
  "mod.ts": 8,
  commands: 8,
  cli: 9,
  "main.ts": 10,
};

/** Imports between folders of one rank, each with its reason to be. */
const SAME_RANK: readonly (readonly [from: string, to: string])[] = [
  // A sink has its lines written by a format.
  ["sink", "format"],
];

/** Only these mention the machine: `Deno`, `performance` and the runtime's `node:` modules. */
const MACHINE = ["main.ts", "time", "kernel", "net", "input", "sink", "mesh"];
const MACHINE_NAMES = /\b(Deno|performance)\s*\.|\bnode:[a-z]/;

/** Files and folders whose results depend on their arguments alone. */
const PURE = [
  "src/domain/",
  "src/text/",
  "src/stats/",
  "src/packet/",
  "src/format/",
  "src/commands/compare/decision/",
  "src/mesh/row_json.ts",
  "src/mesh/triage/",
  "src/time/schedule.ts",
];
/** Runs in a browser, so it mentions what browsers have; nobody but the bundler starts from it. */
const BROWSER = "src/format/heatmap/page/";
const IMPURE_NAMES = new RegExp(
  [
    "\\b(Deno|performance|Math\\.random|Date\\.now|setTimeout|setInterval|fetch|console|crypto)\\b",
    "\\bnew Date\\(\\)|\\bprocess\\b|\\bimport\\(|\\bnode:[a-z]",
  ].join("|"),
);

/** Packages that may be imported, and from where. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  "@std/fmt/": ["format", "cli", "commands"],
};

const IMPORT = /\b(?:import|export)\b[^"';]*?\bfrom\s*"([^"]+)"|\bimport\s*\(?\s*"([^"]+)"/g;

/** The breaches of a set of files, each as `file:line: what is wrong`; paths from the project's root. */
export function breaches(files: ReadonlyMap<string, string>): string[] {
  const single = [...files].flatMap(([path, text]) => [
    ...importsOf(text).flatMap(({ specifier, line }) => {
      const problem = importProblem(path, specifier);
      return problem === null ? [] : [`${path}:${line}: ${problem}`];
    }),
    ...namesOf(path, text),
  ]);
  return [...single, ...circles(files)];
}

/** Files that import one another in a circle, a line for each circle found. */
function circles(files: ReadonlyMap<string, string>): string[] {
  const done = new Set<string>();
  const trail: string[] = [];
  const found: string[] = [];
  const visit = (path: string) => {
    const text = files.get(path);
    if (done.has(path) || text === undefined) return;
    const at = trail.indexOf(path);
    if (at >= 0) {
      found.push(`${path}: imports itself by way of ${[...trail.slice(at + 1), path].join(", ")}`);
      return;
    }
    trail.push(path);
    for (const { specifier } of importsOf(text)) {
      if (specifier.startsWith(".")) visit(resolved(path, specifier));
    }
    trail.pop();
    done.add(path);
  };
  for (const path of files.keys()) visit(path);
  return found;
}

/** The path of an import, from the project's root. */
function resolved(path: string, specifier: string): string {
  return new URL(specifier, `file:///${path}`).pathname.slice(1);
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
  const target = resolved(path, specifier);
  if (target === "deno.json") {
    return from === "version.ts" ? null : "only src/version.ts reads deno.json";
  }
  const to = folderOf(target);
  if (from === to) return null;
  const [fromRank, toRank] = [RANKS[from], RANKS[to]];
  if (fromRank === undefined) return `'${from}' has no rank in scripts/gate/import_arrows.ts`;
  if (toRank === undefined) return `'${to}' has no rank in scripts/gate/import_arrows.ts`;
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
  if (path.startsWith(BROWSER)) return [];
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
