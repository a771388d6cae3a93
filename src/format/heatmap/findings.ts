/** What triage found, as text and as JSON. */
import type { Coverage, Matrix } from "../../domain/matrix.ts";
import type { Finding } from "../../domain/finding.ts";
import type { Paint } from "../paint.ts";
import { coverageText } from "./terminal.ts";

/** Lines of no more than the terminal's columns, however long a sentence is; ends in a newline. */
export function findingsText(
  findings: readonly Finding[],
  of: Coverage,
  paint: Paint,
  columns: number,
): string {
  if (of.pairs === 0) return `triage: nothing to judge (${coverageText(of)})\n`;
  if (findings.length === 0) return `triage: nothing stands out (${coverageText(of)})\n`;
  const alarms = findings.filter(({ severity }) => severity !== "notice").length;
  const head = alarms === 0
    ? "nothing stands out, but"
    : alarms === 1
    ? "1 thing stands out"
    : `${alarms} things stand out`;
  const lines = findings.flatMap((finding) => {
    const mark = `${finding.severity.padEnd(8)}  `;
    const [first, ...rest] = folded(`${finding.layer}: ${finding.text}`, columns - mark.length);
    const word = paintOf(finding, paint)(finding.severity);
    return [`${word}${mark.slice(finding.severity.length)}${first}`]
      .concat(rest.map((line) => " ".repeat(mark.length) + line));
  });
  const title = folded(`triage: ${head} (${coverageText(of)})`, columns);
  return `${[...title, ...lines].join("\n")}\n`;
}

function paintOf({ severity }: Finding, paint: Paint): (text: string) => string {
  if (severity === "critical") return paint.bad;
  return severity === "warning" ? paint.warn : (text) => text;
}

function folded(text: string, columns: number): string[] {
  const room = Math.max(20, columns);
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines[lines.length - 1];
    if (last !== "" && last.length + 1 + word.length > room) lines.push(word);
    else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
  }
  return lines;
}

export function findingJson(matrix: Matrix, finding: Finding): Record<string, unknown> {
  const { kind, severity, layer, direction, groups, evidence, text } = finding;
  const nodes = finding.nodes.map((node) => matrix.nodes[node].name);
  return { kind, severity, layer, direction, nodes, groups, evidence, text };
}
