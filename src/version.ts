/** The version, from the one place that states it. */
import config from "../deno.json" with { type: "json" };

export const VERSION: string = config.version;
