import { assertEquals } from "@std/assert";
import { EXIT, SystemError, UsageError } from "../../../src/domain/exit.ts";
import { messageOf } from "../../../src/text/quote.ts";

Deno.test("exit codes are the documented ones", () => {
  assertEquals(EXIT, { ok: 0, failed: 1, unresolved: 2, usage: 3, system: 4 });
});

Deno.test("a message is one line, whatever was thrown", () => {
  assertEquals(messageOf(new UsageError("--port:\n  wants\ta number ")), "--port: wants a number");
  assertEquals(messageOf(new SystemError("port in use")), "port in use");
  assertEquals(messageOf("plain text"), "plain text");
  assertEquals(messageOf(undefined), "undefined");
});
