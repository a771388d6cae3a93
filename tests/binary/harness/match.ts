/**
 * Output against what a case expects of it: `[..]` is any text within a line, `[#]` a decimal number,
 * `...` alone on a line any number of lines. All else is literal.
 */

const ANY_LINES = "...";
const WILDCARDS: Readonly<Record<string, string>> = {
  "[..]": ".*",
  "[#]": "-?[0-9]+(?:\\.[0-9]+)?",
};

/** Null when the output is as expected, else where it first departs. */
export function mismatch(expected: string, actual: string): string | null {
  const patterns = expected.split("\n");
  const lines = actual.split("\n");
  const reached = furthest(patterns.map(lineMatcher), lines);
  if (reached === null) return null;
  const { pattern, line } = reached;
  const wanted = pattern < patterns.length ? shown(patterns, pattern) : "the end";
  const got = line < lines.length ? shown(lines, line) : "the end";
  if (wanted === got) return `line ${line}: expected a line end behind it`;
  return `line ${line + 1}: expected ${wanted}, got ${got}`;
}

function shown(lines: readonly string[], at: number): string {
  return at === lines.length - 1 && lines[at] === "" ? "the end" : JSON.stringify(lines[at]);
}

/** Whether one line fits; null stands for any number of lines. */
type LineMatcher = ((line: string) => boolean) | null;

function lineMatcher(pattern: string): LineMatcher {
  if (pattern === ANY_LINES) return null;
  if (!Object.keys(WILDCARDS).some((wildcard) => pattern.includes(wildcard))) {
    return (line) => line === pattern;
  }
  const source = pattern.split(/(\[\.\.\]|\[#\])/)
    .map((part) => WILDCARDS[part] ?? part.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join("");
  const expression = new RegExp(`^${source}$`, "u");
  return (line) => expression.test(line);
}

/** Null when all lines fit, else the furthest pattern and line that were compared in vain. */
function furthest(
  matchers: readonly LineMatcher[],
  lines: readonly string[],
): { pattern: number; line: number } | null {
  // Which patterns may stand at the current line; `...` lets one stay for the next line too.
  let places = closure(new Set([0]), matchers);
  for (const [at, line] of lines.entries()) {
    const next = new Set<number>();
    for (const place of places) {
      const matches = matchers[place];
      if (place === matchers.length) continue;
      if (matches === null) next.add(place);
      else if (matches(line)) next.add(place + 1);
    }
    if (next.size === 0) return { pattern: Math.max(...places), line: at };
    places = closure(next, matchers);
  }
  return places.has(matchers.length) ? null : { pattern: Math.max(...places), line: lines.length };
}

/** With the places behind each `...`, which may stand for no line at all. */
function closure(places: Set<number>, matchers: readonly LineMatcher[]): Set<number> {
  for (const place of places) {
    if (place < matchers.length && matchers[place] === null) places.add(place + 1);
  }
  return places;
}
