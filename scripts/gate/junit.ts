/** Reads the JUnit report of `deno test`, whose form is the one its reporter writes. */

export interface Report {
  readonly passed: number;
  readonly failed: number;
  /** Names of the ignored tests. */
  readonly skipped: readonly string[];
}

const TEST = /<testcase name="([^"]*)"[^>]*>([\s\S]*?)<\/testcase>/g;
const ENTITIES: Readonly<Record<string, string>> = {
  "&quot;": '"',
  "&apos;": "'",
  "&lt;": "<",
  "&gt;": ">",
  "&amp;": "&",
};

/** Counts a report's tests; a step counts as a test of its own. */
export function readReport(xml: string): Report {
  const skipped: string[] = [];
  let passed = 0;
  let failed = 0;
  for (const [, name, body] of xml.matchAll(TEST)) {
    if (/<(failure|error)\b/.test(body)) failed++;
    else if (body.includes("<skipped")) skipped.push(unescaped(name));
    else passed++;
  }
  return { passed, failed, skipped };
}

function unescaped(text: string): string {
  return text.replaceAll(/&(quot|apos|lt|gt|amp);/g, (entity) => ENTITIES[entity]);
}
