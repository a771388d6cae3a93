/** Runs a folder's tests by `deno test` and counts them. */
import { run } from "./command.ts";
import { readReport } from "./junit.ts";
import type { Result } from "./result.ts";

/** How a folder's tests are run. */
export interface Way {
  readonly permissions: readonly string[];
  /** Words before the command. */
  readonly prefix: readonly string[];
  /** Files at the same time: for tests that touch nothing but their own process. */
  readonly parallel: boolean;
  /** Tests may fetch what they need. */
  readonly complete: boolean;
  /** Another runtime than the gate's own. */
  readonly deno?: string;
  /** Variables for the tests. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A suite that crashes, or runs no test, counts as one failure more. */
export async function denoTest(folder: string, way: Way): Promise<Result> {
  const reportFile = await Deno.makeTempFile({ prefix: "wire-probe-report-", suffix: ".xml" });
  try {
    const words = [
      ...way.prefix,
      way.deno ?? Deno.execPath(),
      "test",
      "--no-prompt",
      `--junit-path=${reportFile}`,
      ...(way.parallel ? ["--parallel"] : []),
      ...way.permissions,
      folder,
    ];
    const env = { ...way.env, WIRE_PROBE_COMPLETE: way.complete ? "1" : "" };
    const { success, output } = await run(words, { env });
    const report = readReport(await Deno.readTextFile(reportFile));
    const ran = report.passed + report.failed + report.skipped.length > 0;
    const crashed = !ran || (!success && report.failed === 0);
    const failed = report.failed + (crashed ? 1 : 0);
    return { ...report, failed, output: errorsOf(output) + (ran ? "" : `${folder} ran no test\n`) };
  } finally {
    await Deno.remove(reportFile);
  }
}

/** From the runner's heading of errors on; all of it where there is none. */
function errorsOf(output: string): string {
  return output.slice(Math.max(0, output.indexOf("\n ERRORS \n")));
}
