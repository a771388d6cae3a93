/** Where the nodes of a mesh are listed: a file, the addresses of a name, or the members of an SRV name. */
import { redacted, srvName } from "./connection_text.ts";
import { literalEndpoint } from "../domain/address.ts";
import { UsageError } from "../domain/exit.ts";
import { quote } from "../text/quote.ts";
import { MESH_PORT } from "./nodes_file.ts";
import { NO_DEFAULTS, parseTarget } from "./target_text.ts";
import { afterScheme } from "./url.ts";

export type NodesPlace =
  | { readonly kind: "file"; readonly text: string }
  /** Each address of the name is a node, at this port. */
  | {
    readonly kind: "dns";
    readonly text: string;
    readonly host: string;
    readonly port: number;
  }
  /** Each member is a node, at its port. */
  | { readonly kind: "srv"; readonly text: string; readonly host: string };

/**
 * Throws UsageError that says what is wrong with a name.
 *
 * @example `parseNodesPlace("dns:mesh.svc.example")` are the addresses of that name, port 9999
 */
export function parseNodesPlace(text: string): NodesPlace {
  if (srvName(text) !== null) {
    const { host } = named(text, () => parseTarget(text, NO_DEFAULTS));
    return { kind: "srv", text, host };
  }
  if (afterScheme(text, "srv") !== null) throw noPlace(text);
  const name = afterScheme(text, "dns");
  if (name === null) return { kind: "file", text };
  const { host, port } = named(
    text,
    () => parseTarget(name, { ...NO_DEFAULTS, port: MESH_PORT }),
  );
  if (literalEndpoint(host, port) !== null) {
    throw new UsageError(
      `--nodes ${quote(redacted(text))}: wants a name, and its addresses are the nodes`,
    );
  }
  return { kind: "dns", text, host, port };
}

function named<T>(text: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw noPlace(text);
  }
}

function noPlace(text: string): UsageError {
  return new UsageError(
    `--nodes ${quote(redacted(text))}: wants FILE, dns:NAME[:PORT] or srv:NAME`,
  );
}
