/**
 * The nodes of a mesh, one a line as in a file of targets: `name=addr[:port] az=… key=value…`. The
 * port is the responder's; `http=PORT` is where the node offers its row.
 */
import { quote } from "../text/quote.ts";
import { UsageError } from "../domain/exit.ts";
import type { Target } from "../domain/target.ts";
import { MAX_NODES } from "../domain/mesh_row.ts";
import { loadTargets } from "./targets_file.ts";
import { NO_DEFAULTS, parseTargets, type TargetDefaults } from "./target_text.ts";

/** Where a node answers handshakes and where it offers its row, unless its line says otherwise. */
export const MESH_PORT = 9999;
export const MESH_HTTP_PORT = 9998;
/** A node's row, below its HTTP port. */
export const ROW_PATH = "/row";

const HTTP_KEY = "http";
const PORT = /^[1-9][0-9]{0,4}$/;

const DEFAULTS: TargetDefaults = { ...NO_DEFAULTS, port: MESH_PORT, called: "node" };

export interface NodeEntry {
  /** Where it is probed, with its zone and its labels but for `http`. */
  readonly target: Target;
  readonly httpPort: number;
}

/** Throws UsageError with file and line for a bad line, SystemError when it cannot be read. */
export async function loadNodes(path: string, httpPort = MESH_HTTP_PORT): Promise<NodeEntry[]> {
  const lines: number[] = [];
  return entriesOf(await loadTargets(path, DEFAULTS, lines), lines, path, httpPort);
}

/** The same from a text; names tell nodes apart, so no two may be alike. */
export function parseNodes(text: string, file: string, httpPort = MESH_HTTP_PORT): NodeEntry[] {
  const lines: number[] = [];
  return entriesOf(parseTargets(text, file, DEFAULTS, lines), lines, file, httpPort);
}

function entriesOf(
  targets: readonly Target[],
  lines: readonly number[],
  file: string,
  httpPort: number,
): NodeEntry[] {
  if (targets.length > MAX_NODES) throw new UsageError(`${file}: more than ${MAX_NODES} nodes`);
  const seen = new Set<string>();
  return targets.map((target, i) => {
    const at = `${file}:${lines[i]}`;
    if (seen.has(target.name)) {
      throw new UsageError(`${at}: node ${quote(target.name)} is there twice`);
    }
    seen.add(target.name);
    const own = target.labels.find(([key]) => key === HTTP_KEY)?.[1];
    if (own !== undefined && (!PORT.test(own) || Number(own) > 65_535)) {
      throw new UsageError(`${at}: node ${quote(target.name)}: its http= is no port`);
    }
    const labels = target.labels.filter(([key]) => key !== HTTP_KEY);
    return { target: { ...target, labels }, httpPort: own === undefined ? httpPort : Number(own) };
  });
}
