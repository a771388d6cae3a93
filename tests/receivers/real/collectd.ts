/** collectd with the exec and unixsock plugins, which writes each value to a CSV file. */
import { Folder, Program } from "./receiver.ts";

/** This host as collectd's configuration names it, which is what it tells the programs it runs. */
export const HOST = "edge-1";

/** For information; a program that has ended; a collectd that may not choose whom it runs. */
const HARMLESS = /\] \[info\] |has closed STDERR|doesn't have the CAP_SETUID/;

/** What an Exec line of collectd-exec(5) starts, and as whom. */
export interface Exec {
  readonly command: string;
  readonly args: readonly string[];
}

/** A value as collectd took it; null for one that is not defined. */
export type Value = number | null;

export class Collectd implements AsyncDisposable {
  #folder: Folder;
  #executables: readonly Exec[];
  #program: Program | null = null;

  constructor(folder: Folder, executables: readonly Exec[] = []) {
    this.#folder = folder;
    this.#executables = executables;
  }

  get socket(): string {
    return `${this.#folder.path}/unixsock`;
  }

  get program(): Program {
    if (this.#program === null) throw new Error("collectd has not been started");
    return this.#program;
  }

  /** Starts it, or starts it again with the values it has written. */
  async start(): Promise<void> {
    const file = this.#folder.write("collectd.conf", await this.#configuration());
    this.#program = new Program("collectd", ["-f", "-C", file]);
    await this.program.ready(() => this.#log().includes("Initialization complete"));
  }

  /** Everything it said that is not merely for information. */
  complaints(): string[] {
    return this.#log().split("\n").filter((line) => line !== "" && !HARMLESS.test(line));
  }

  /** The values of `host/plugin/type-instance` in the order they came. */
  values(identifier: string): Value[] {
    const [host, plugin, type] = identifier.split("/");
    const folder = `${this.#folder.path}/csv/${host}/${plugin}`;
    return files(folder)
      // A file a day is written: the type's name, and the date.
      .filter((name) => /^-\d{4}-\d\d-\d\d$/.test(name.replace(type, "")) && name.startsWith(type))
      .flatMap((name) => readValues(`${folder}/${name}`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program?.stop();
  }

  #log(): string {
    try {
      return Deno.readTextFileSync(`${this.#folder.path}/log`);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return "";
      throw error;
    }
  }

  async #configuration(): Promise<string> {
    const { path } = this.#folder;
    const user = Deno.uid() === 0 ? "nobody:nogroup" : await own("-un");
    const executables = this.#executables.map(({ command, args }) =>
      `Exec ${[user, command, ...args].map((word) => JSON.stringify(word)).join(" ")}`
    );
    // A program that has ended is started again after an interval: here, never. Root starts none,
    // and only root can choose who does. One thread writes, since several may change the order of
    // values, and collectd leaves out those that come late.
    return `
      Hostname "${HOST}"
      FQDNLookup false
      Interval 3600
      WriteThreads 1
      BaseDir "${path}"
      PIDFile "${path}/pid"
      TypesDB "/usr/share/collectd/types.db"
      LoadPlugin logfile
      <Plugin logfile>
        LogLevel info
        File "${path}/log"
        PrintSeverity true
      </Plugin>
      LoadPlugin csv
      <Plugin csv>
        DataDir "${path}/csv"
      </Plugin>
      LoadPlugin unixsock
      <Plugin unixsock>
        SocketFile "${path}/unixsock"
        SocketGroup "${await own("-gn")}"
        DeleteSocket true
      </Plugin>
      LoadPlugin exec
      <Plugin exec>
        ${executables.join("\n        ")}
      </Plugin>
    `.replaceAll(/^ {6}/gm, "");
  }
}

/** The name of this process's user or group, as id(1) tells it. */
async function own(what: "-un" | "-gn"): Promise<string> {
  const { stdout } = await new Deno.Command("id", { args: [what] }).output();
  return new TextDecoder().decode(stdout).trim();
}

function files(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** A heading, then `epoch,value` a line; the last may be half written. */
function readValues(file: string): Value[] {
  const lines = Deno.readTextFileSync(file).split("\n").slice(1, -1);
  return lines.map((line) => {
    const text = line.split(",")[1];
    return /nan/i.test(text) ? null : Number(text);
  });
}
