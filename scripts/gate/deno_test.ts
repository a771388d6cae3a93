/** Runs a folder's tests by `deno test` and counts them. */
import { run } from "./command.ts";
import { commandFailure } from "./failures.ts";
import { readReport } from "./junit.ts";
import { type Result, together } from "./result.ts";

/** How a folder's tests are run. */
export interface Way {
  readonly permissions: readonly string[];
  /** Words before the command. */
  readonly prefix: readonly string[];
  /** Files at the same time: for tests that touch nothing but their own process. */
  readonly parallel: boolean;
  /** How many files are run at a time, each in a process of its own, when it is not 1. */
  readonly processes: number;
  /** Tests may fetch what they need. */
  readonly complete: boolean;
  /** Another runtime than the gate's own. */
  readonly deno?: string;
  /** Variables for the tests. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A suite that crashes, or runs no test, counts as one failure more. */
export async function denoTest(folder: string, way: Way): Promise<Result> {
  if (way.processes === 1) return await denoTestAt(folder, way, []);
  const results: Result[] = [];
  const files = testFiles(folder).values();
  const one = async () => {
    // Types were checked by a suite of their own.
    for (const file of files) results.push(await denoTestAt(file, way, ["--no-check"]));
  };
  await Promise.all(Array.from({ length: way.processes }, one));
  return together(results);
}

/** A file of tests, or a folder of them. */
async function denoTestAt(path: string, way: Way, more: readonly string[]): Promise<Result> {
  const reportFile = await Deno.makeTempFile({ prefix: "wire-probe-report-", suffix: ".xml" });
  try {
    const words = [
      ...way.prefix,
      way.deno ?? Deno.execPath(),
      "test",
      "--no-prompt",
      `--junit-path=${reportFile}`,
      ...(way.parallel ? ["--parallel"] : []),
      ...more,
      ...way.permissions,
      path,
    ];
    const env = { ...way.env, WIRE_PROBE_COMPLETE: way.complete ? "1" : "" };
    const { success, output } = await run(words, { env });
    const report = readReport(await Deno.readTextFile(reportFile));
    const ran = report.passed + report.failures.length + report.skipped.length > 0;
    const crashed = !ran || (!success && report.failures.length === 0);
    const said = errorsOf(output) + (ran ? "" : `${path} ran no test\n`);
    const failures = crashed ? [commandFailure(path, said)] : report.failures;
    return { ...report, failures, output: said };
  } finally {
    await Deno.remove(reportFile);
  }
}

/** The files of tests in a folder and those below it, by name. */
function testFiles(folder: string): string[] {
  return [...Deno.readDirSync(folder)]
    .toSorted((a, b) => a.name < b.name ? -1 : 1)
    .flatMap(({ name, isDirectory }) => {
      if (isDirectory) return testFiles(`${folder}/${name}`);
      return name.endsWith("_test.ts") ? [`${folder}/${name}`] : [];
    });
}

/** From the runner's heading of errors on; all of it where there is none. */
function errorsOf(output: string): string {
  return output.slice(Math.max(0, output.indexOf("\n ERRORS \n")));
}
