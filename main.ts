/** wire-probe: the arguments become one typed command, the command becomes an exit code. */
import type { Command } from "./src/cli/command_line.ts";
import { isOriginal } from "./src/cli/parse_options.ts";
import { isRun, parseRun } from "./src/cli/run_command.ts";
import { EXIT, type ExitCode, UsageError } from "./src/domain/exit.ts";
import { messageOf } from "./src/text/quote.ts";
import { forgetProxies } from "./src/kernel/process.ts";
import { outbox, say } from "./src/run/outbox.ts";
import { VERSION } from "./src/version.ts";

/** Reads the arguments; throws UsageError with the one line to show. */
async function readCommandLine(argv: readonly string[]): Promise<Command> {
  const [name, ...rest] = argv;
  try {
    const command = isRun(name) && !isOriginal(argv) ? parseRun(name, rest, () => null) : null;
    if (command !== null) return command;
  } catch (error) {
    // The line to show may name another command that has the option.
    if (!(error instanceof UsageError)) throw error;
  }
  const { parseCommandLine } = await import("./src/cli/command_line.ts");
  return parseCommandLine(argv, VERSION);
}

async function run(argv: readonly string[]): Promise<ExitCode> {
  const command = await readCommandLine(argv);
  outbox.verbose = command.verbose === true;
  switch (command.name) {
    case "probe": {
      const { probe } = await import("./src/commands/probe.ts");
      return await probe(command.options, VERSION);
    }
    case "ping": {
      const { ping } = await import("./src/commands/ping.ts");
      return await ping(command.options, VERSION);
    }
    case "knock": {
      const { knock } = await import("./src/commands/ping.ts");
      return await knock(command.options, VERSION);
    }
    case "connections": {
      const { connections } = await import("./src/commands/connections/connections.ts");
      return await connections(command.options, VERSION);
    }
    case "compare": {
      const { compare } = await import("./src/commands/compare/compare.ts");
      return await compare(command.options);
    }
    case "question": {
      const { question } = await import("./src/commands/compare/question.ts");
      return await question(command.options);
    }
    case "serve": {
      const { serve } = await import("./src/commands/serve.ts");
      return await serve(command.options);
    }
    case "trace": {
      const { trace } = await import("./src/commands/trace/trace.ts");
      return await trace(command.options, VERSION);
    }
    case "heatmap": {
      const { heatmap } = await import("./src/commands/heatmap/heatmap.ts");
      return await heatmap(command.options);
    }
    case "mesh": {
      const { mesh } = await import("./src/commands/mesh/mesh.ts");
      return await mesh(command.options);
    }
    case "selfcheck": {
      const { selfcheck } = await import("./src/commands/selfcheck/selfcheck.ts");
      return await selfcheck(command.options);
    }
    case "page": {
      const { pageText } = await import("./src/cli/pages.ts");
      await outbox.print(pageText(command.page, VERSION));
      return EXIT.ok;
    }
    case "print":
      await outbox.print(command.text);
      return EXIT.ok;
    default:
      return command satisfies never;
  }
}

async function exitCode(): Promise<ExitCode> {
  try {
    return await run(Deno.args);
  } catch (error) {
    say(messageOf(error));
    return error instanceof UsageError ? EXIT.usage : EXIT.system;
  }
}

/**
 * Handles an error that nobody awaited: one line, then the end, since the state after it is
 * unknown.
 */
function onCrash(event: Event, thrown: unknown): void {
  event.preventDefault();
  say(`internal error: ${messageOf(thrown)}`);
  outbox.flush().then(() => Deno.exit(EXIT.system));
}

addEventListener("unhandledrejection", (event) => onCrash(event, event.reason));
addEventListener("error", (event) => onCrash(event, event.error));

// Requests for rows of a mesh and writes to a receiver, which bear its token, go to the given
// address and not to a proxy.
forgetProxies();
const code = await exitCode();
outbox.exitCode = code;
await outbox.finish();
Deno.exit(code);
