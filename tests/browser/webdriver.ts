/** A headless Chromium by its driver's HTTP interface (W3C WebDriver), with no library between. */

const START_MS = 60_000;
/** What is kept of the driver's output. */
const MAX_OUTPUT = 65_536;
/** The sandbox does not start for root, and a container's /dev/shm is small. */
const ARGUMENTS = [
  "--headless=new",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--hide-scrollbars",
  "--disable-background-networking",
  "--no-first-run",
];
const MIN_WINDOW = 500;
const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";

/** An entry of the browser's console or of its network events. */
export interface LogEntry {
  readonly level: string;
  readonly message: string;
}

export class Browser {
  #driver: Deno.ChildProcess;
  #ended: Promise<void>;
  #session: string;

  private constructor(driver: Deno.ChildProcess, ended: Promise<void>, session: string) {
    this.#driver = driver;
    this.#ended = ended;
    this.#session = session;
  }

  static async open(width: number, height: number, dark: boolean): Promise<Browser> {
    const driver = new Deno.Command("chromedriver", {
      args: ["--port=0"],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const output = outputOf(driver);
    try {
      const root = `http://127.0.0.1:${await output.port}/session`;
      const scheme = dark ? ["--blink-settings=preferredColorScheme=0"] : [];
      const capabilities = {
        browserName: "chrome",
        "goog:loggingPrefs": { browser: "ALL", performance: "ALL" },
        "goog:chromeOptions": {
          args: [...ARGUMENTS, ...scheme, `--window-size=${width},${height}`],
          // A window is never narrower; a telephone is.
          ...(width < MIN_WINDOW
            ? { mobileEmulation: { deviceMetrics: { width, height, pixelRatio: 2 } } }
            : {}),
        },
      };
      const { sessionId } = await request("POST", root, {
        capabilities: { alwaysMatch: capabilities },
      }) as { sessionId: string };
      return new Browser(driver, output.ended, `${root}/${sessionId}`);
    } catch (error) {
      driver.kill("SIGKILL");
      await Promise.all([driver.status, output.ended]);
      throw error;
    }
  }

  /** Opens a page and waits until it is loaded. */
  async go(url: string): Promise<void> {
    await this.#post("url", { url });
  }

  /** The value of an expression in the page. */
  async evaluate<T>(expression: string): Promise<T> {
    return await this.#post("execute/sync", { script: `return ${expression}`, args: [] }) as T;
  }

  async click(selector: string): Promise<void> {
    await this.#post(`element/${await this.#find(selector)}/click`, {});
  }

  /** Presses keys while an element has the focus; special ones by their code points in WebDriver. */
  async type(selector: string, keys: string): Promise<void> {
    await this.#post(`element/${await this.#find(selector)}/value`, { text: keys });
  }

  /** Moves the pointer to a place of the window. */
  async point(x: number, y: number): Promise<void> {
    const move = { type: "pointerMove", duration: 0, x: Math.round(x), y: Math.round(y) };
    const pointer = { type: "pointer", id: "mouse", parameters: { pointerType: "mouse" } };
    await this.#post("actions", { actions: [{ ...pointer, actions: [move] }] });
  }

  /** The window's outer size; its content is lower by what the browser shows above it. */
  async resize(width: number, height: number): Promise<void> {
    await this.#post("window/rect", { width, height });
  }

  async screenshot(path: string): Promise<void> {
    const base64 = await request("GET", `${this.#session}/screenshot`) as string;
    await Deno.writeFile(path, Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)));
  }

  /** What was logged since the last time: `browser` is the console, `performance` the network. */
  async log(type: "browser" | "performance"): Promise<LogEntry[]> {
    return await this.#post("se/log", { type }) as LogEntry[];
  }

  async close(): Promise<void> {
    try {
      await request("DELETE", this.#session);
    } finally {
      this.#driver.kill("SIGTERM");
      await Promise.all([this.#driver.status, this.#ended]);
    }
  }

  async #find(selector: string): Promise<string> {
    const found = await this.#post("element", { using: "css selector", value: selector });
    return (found as Record<string, string>)[ELEMENT];
  }

  #post(command: string, body: unknown): Promise<unknown> {
    return request("POST", `${this.#session}/${command}`, body);
  }
}

async function request(method: string, url: string, body?: unknown): Promise<unknown> {
  const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
  const response = await fetch(url, init);
  const { value } = await response.json();
  if (!response.ok) throw new Error(`${method} ${url}: ${value.error}: ${value.message}`);
  return value;
}

/** The driver picks a port and says so. */
interface Output {
  readonly port: Promise<number>;
  /** Its output is read on to the end, so that it can go on writing. */
  readonly ended: Promise<void>;
}

function outputOf(driver: Deno.ChildProcess): Output {
  const { promise: port, resolve, reject } = Promise.withResolvers<number>();
  const limit = setTimeout(() => reject(new Error("chromedriver does not start")), START_MS);
  const read = async () => {
    let text = "";
    for await (const chunk of driver.stdout.pipeThrough(new TextDecoderStream())) {
      if (text.length < MAX_OUTPUT) text += chunk;
      const found = /successfully on port (\d+)/.exec(text)?.[1];
      if (found !== undefined) resolve(Number(found));
    }
    reject(new Error(`chromedriver has ended: ${text}`));
  };
  return { port: port.finally(() => clearTimeout(limit)), ended: read() };
}
