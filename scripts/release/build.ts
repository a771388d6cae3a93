/**
 * Compiles dist/wire-probe: `build.ts [TARGET-TRIPLE [OUTPUT]]`. The same sources make the same
 * bytes, wherever and whenever they are built.
 */
import { dirname } from "node:path";
import { packModules, UNPACKING } from "./packed_modules.ts";

/** Where a build for this machine goes. */
export const BINARY = "dist/wire-probe";
/** The folder of the program's modules, beside the binary; their names go into the binary. */
const MODULES = "modules";
/** The program itself among them, which imports the others. */
const ENTRY = "main.js";
/** The program that `deno run` takes, after a build for this machine. */
export const RUNNABLE = `dist/${MODULES}/${ENTRY}`;
/** 1980-01-01: the compiler puts the modules' times into the binary, so they must not be today's. */
const MODULE_TIME_S = 315_532_800;

/** The settings of proxies, which the program drops when it starts. */
const PROXIES = ["http_proxy", "https_proxy", "all_proxy"].flatMap((name) => [
  name,
  name.toUpperCase(),
]);

/** What OpenTelemetry's exporters are told by the environment, for all signals and for metrics. */
const OTEL: readonly string[] = [
  ...[
    ...["ENDPOINT", "HEADERS", "TIMEOUT", "COMPRESSION", "PROTOCOL"],
    ...["CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY"],
  ].flatMap((name) => [`OTEL_EXPORTER_OTLP_${name}`, `OTEL_EXPORTER_OTLP_METRICS_${name}`]),
  "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
  ...["OTEL_METRIC_EXPORT_INTERVAL", "OTEL_METRIC_EXPORT_TIMEOUT"],
  ...["OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"],
];

/**
 * As few permissions as the commands need together; each command gives back what it can spare.
 * FFI is given by name of the library only in full: the loader, not a path, finds libc.
 */
export const PERMISSIONS: readonly string[] = [
  "--allow-net",
  "--allow-read",
  // To connect to a unix socket; given back at once where no collectd-uds is asked for.
  "--allow-write",
  "--allow-ffi",
  `--allow-env=COLLECTD_HOSTNAME,COLLECTD_INTERVAL,INFLUX_PASSWORD,INFLUX_TOKEN,TERM,${OTEL.join()},${PROXIES.join()}`,
  "--allow-sys=hostname",
  "--no-prompt",
  // Modules that are packed stand in files that are imported as bytes.
  "--unstable-raw-imports",
];

/**
 * A small young generation keeps memory flat at a few per cent of CPU; `gc()` is for giving memory
 * back. (A flag that the engine does not know ends the binary with a signal: try each.)
 */
export const V8_FLAGS = "--v8-flags=--max-semi-space-size=1,--memory-saver-mode,--expose-gc";

/** Throws with the compiler's own words when it fails. */
export async function build(output = BINARY, target: string | null = null): Promise<void> {
  const modules = `${dirname(output)}/${MODULES}`;
  await bundle(modules);
  await deno(
    "compile",
    "--quiet",
    "--no-config",
    "--no-check",
    // Else each first run would leave a cache file in the temporary folder.
    "--no-code-cache",
    ...PERMISSIONS,
    V8_FLAGS,
    ...(target === null ? [] : ["--target", target]),
    "--output",
    output,
    `${modules}/${ENTRY}`,
  );
}

/**
 * Writes the program as minified modules, a seventh of the bytes, into the folder. What a command
 * needs alone is a module that is read and compiled when that command runs; those of rarer commands
 * are packed.
 */
async function bundle(folder: string): Promise<void> {
  // What an earlier build left behind would go into the binary.
  await Deno.remove(folder, { recursive: true }).catch(() => {});
  await deno("bundle", "--quiet", "--minify", "--code-splitting", "--outdir", folder, "main.ts");
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  const short = shortNames(names);
  const scripts = new Map<string, string>();
  for (const name of names) {
    const script = ascii(versionAlone(await Deno.readTextFile(`${folder}/${name}`)));
    await Deno.remove(`${folder}/${name}`);
    const renamed = script.replace(/"\.\/(chunk-[^"]+)"/g, (_, of) => `"./${short.get(of)}"`);
    scripts.set(short.get(name) ?? name, renamed);
  }
  const { name, source } = UNPACKING;
  await deno("bundle", "--quiet", "--minify", "--output", `${folder}/${name}`, source);
  for (const [name, content] of await packModules(scripts)) {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    await Deno.writeFile(`${folder}/${name}`, bytes);
  }
  for (const { name } of Deno.readDirSync(folder)) {
    await Deno.utime(`${folder}/${name}`, MODULE_TIME_S, MODULE_TIME_S);
  }
}

/** Short names for the bundler's chunks, each of which a dozen modules name. */
function shortNames(names: readonly string[]): ReadonlyMap<string, string> {
  const chunks = names.filter((name) => name.startsWith("chunk-"));
  return new Map(chunks.map((name, i) => [name, `${i.toString(36)}.js`]));
}

/** deno.json as the bundler writes it into src/version.ts, which takes the version of it. */
const SETTINGS = /var (\w+)=\{name:"[^"]*",version:("[^"]*"),.*?\};var (\w+)=\1\.version;/s;

/**
 * The same script with nothing of deno.json but the version: the rest is 5 KB that each start would read. Where
 * the bundler writes it in another way, all of it stays.
 */
export function versionAlone(script: string): string {
  return script.replace(SETTINGS, "var $3=$2;");
}

/**
 * The same script in ASCII: the engine keeps a text with one wider character at two bytes each for
 * all of it, which is 0.6 MiB of private memory. Such characters stand in strings, templates and
 * regular expressions alone, and each of these knows the escape `\u` with the same meaning. Throws
 * where a backslash stands before one: its escape would mean something else.
 */
export function ascii(script: string): string {
  if (/\\[^\0-\x7f]/.test(script)) throw new Error("a backslash before a character beyond ASCII");
  return script.replace(
    /[^\0-\x7f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Runs the same Deno; throws with its own words when it fails. */
export async function deno(...args: string[]): Promise<void> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    stdout: "null",
    stderr: "piped",
  }).output();
  if (code !== 0) throw new Error(`deno ${args[0]} failed: ${new TextDecoder().decode(stderr)}`);
}

if (import.meta.main) {
  const [target = null, output = BINARY] = Deno.args;
  await build(output, target);
  const { size } = await Deno.stat(output);
  console.log(`${output}: ${(size / 2 ** 20).toFixed(1)} MiB`);
}
