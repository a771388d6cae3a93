/** What an OpenTelemetry receiver answers: how much of a request it took, and why not all. */
import { protobufFields } from "./protobuf.ts";

/** What a receiver did not take of a request that it accepted. */
export interface PartialSuccess {
  readonly rejected: number;
  /** Why, or advice; may be empty. */
  readonly message: string;
}

/** Reads ExportMetricsServiceResponse; one that cannot be read has rejected nothing. */
export function partialSuccess(response: Uint8Array): PartialSuccess {
  let rejected = 0;
  let message = "";
  try {
    for (const { field, value } of protobufFields(response)) {
      if (field !== 1 || typeof value === "number") continue;
      for (const inner of protobufFields(value)) {
        if (inner.field === 1 && typeof inner.value === "number") rejected = inner.value;
        if (inner.field === 2 && typeof inner.value !== "number") message = textOf(inner.value);
      }
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return { rejected, message };
}

/** The message of a google.rpc.Status, which is the body of a refusal; else the body as text. */
export function statusMessage(response: Uint8Array): string {
  try {
    for (const { field, value } of protobufFields(response)) {
      if (field === 2 && typeof value !== "number") return textOf(value);
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return textOf(response);
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
