/** Reads the JUnit report of `deno test`, whose form is the one its reporter writes. */
import type { Failure } from "./failures.ts";

export interface Report {
  readonly passed: number;
  readonly failures: readonly Failure[];
  /** Names of the ignored tests. */
  readonly skipped: readonly string[];
}

const TEST = /<testcase name="([^"]*)" classname="([^"]*)"[^>]*>([\s\S]*?)<\/testcase>/g;
/** Its attribute has the message, its body the stack too. */
const FAILURE = /<(?:failure|error) message="([^"]*)"(?:>([\s\S]*?)<\/|\/>)/;
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
  const failures: Failure[] = [];
  for (const [, name, place, body] of xml.matchAll(TEST)) {
    const failure = FAILURE.exec(body);
    if (failure !== null) {
      const error = unescaped(failure[2] ?? failure[1]);
      failures.push({ name: unescaped(name), place: unescaped(place), error });
    } else if (body.includes("<skipped")) skipped.push(unescaped(name));
    else passed++;
  }
  return { passed, failures, skipped };
}

function unescaped(text: string): string {
  return text.replaceAll(/&(quot|apos|lt|gt|amp);/g, (entity) => ENTITIES[entity]);
}
