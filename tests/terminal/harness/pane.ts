/** A terminal to run a command in: a tmux server of its own, whose screen can be read. */
import { delay } from "@std/async/delay";

const BINARY_FOLDER = `${import.meta.dirname}/../../../dist`;
/** How long a screen may take to become what is waited for. */
const LIMIT_MS = 60_000;
const POLL_MS = 25;

export class Pane implements AsyncDisposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Runs a bash script on a terminal of that size, in a folder of its own. */
  static async open(script: string, columns: number, rows: number): Promise<Pane> {
    const folder = await Deno.makeTempDir({ prefix: "wire-probe-terminal-" });
    const pane = new Pane(folder);
    await Deno.writeTextFile(`${folder}/script`, script);
    await pane.#tmux(
      ["new-session", "-d", "-x", `${columns}`, "-y", `${rows}`, "bash --norc script"],
    );
    return pane;
  }

  /** What the screen shows, without the blanks at the ends of its lines. */
  async screen(): Promise<string> {
    return await this.#tmux(["capture-pane", "-p"]);
  }

  /** The screen once it fits; throws with what it shows instead when it never does. */
  async until(fits: (screen: string) => boolean): Promise<string> {
    const endMs = performance.now() + LIMIT_MS;
    for (;;) {
      const screen = await this.screen();
      if (fits(screen)) return screen;
      if (performance.now() > endMs) throw new Error(`the screen stays\n${screen}`);
      await delay(POLL_MS);
    }
  }

  /** The screen once it fits all of these; a screen that is read while it is drawn anew fits some of them. */
  async shows(...all: RegExp[]): Promise<string> {
    return await this.until((screen) => all.every((pattern) => pattern.test(screen)));
  }

  /** Keys by tmux's names: `q`, `C-c`, `PPage`. */
  async press(...keys: string[]): Promise<void> {
    await this.#tmux(["send-keys", ...keys]);
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#tmux(["resize-window", "-x", `${columns}`, "-y", `${rows}`]);
  }

  /** What a file of the script's folder holds. */
  async file(name: string): Promise<string> {
    return await Deno.readTextFile(`${this.folder}/${name}`);
  }

  /** Signals the process whose id the script wrote into the file `pid`. */
  async signal(name: Deno.Signal): Promise<void> {
    Deno.kill(Number(await this.file("pid")), name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tmux(["kill-server"]);
    await Deno.remove(this.folder, { recursive: true });
  }

  async #tmux(words: readonly string[]): Promise<string> {
    const { success, stdout, stderr } = await new Deno.Command("tmux", {
      args: ["-u", "-S", `${this.folder}/tmux`, "-f", "/dev/null", ...words],
      cwd: this.folder,
      clearEnv: true,
      env: {
        PATH: `${BINARY_FOLDER}:${Deno.env.get("PATH") ?? "/usr/bin:/bin"}`,
        HOME: this.folder,
        LANG: "C.UTF-8",
        TERM: "xterm-256color",
      },
    }).output();
    const decoder = new TextDecoder();
    if (!success) throw new Error(`tmux ${words[0]}: ${decoder.decode(stderr)}`);
    return decoder.decode(stdout);
  }
}
