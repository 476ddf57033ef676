/**
 * @module Takes what a process writes to its standard streams. Writes from native code go past it.
 */
import process from "node:process";
import { StringDecoder } from "node:string_decoder";

export type StreamName = "stdout" | "stderr";

export interface CapturedStreams {
  /** Hands on the bytes of an unfinished letter, if there are any. */
  flush(): void;
  /** Gives the streams back to the process. */
  close(): void;
}

type Write = typeof process.stdout.write;

/** What a write may say of its text; a function there is the callback. */
type Encoding = BufferEncoding | ((error?: Error | null) => void) | undefined;

function isText(chunk: string | Uint8Array, encoding: Encoding): chunk is string {
  return typeof chunk === "string" && (typeof encoding !== "string" || /^utf-?8$/i.test(encoding));
}

function bytesOf(chunk: string | Uint8Array, encoding: Encoding): Buffer {
  if (typeof chunk !== "string") return Buffer.from(chunk);
  return Buffer.from(chunk, typeof encoding === "string" ? encoding : "utf8");
}

/** Takes over one stream; returns what gives it back. */
function capture(stream: NodeJS.WriteStream, take: (text: string) => void) {
  const original = stream.write;
  const decoder = new StringDecoder("utf8");
  const write = (
    chunk: string | Uint8Array,
    encoding?: Encoding,
    onDone?: (error?: Error | null) => void,
  ): boolean => {
    const text = isText(chunk, encoding) ? chunk : decoder.write(bytesOf(chunk, encoding));
    if (text !== "") take(text);
    const done = typeof encoding === "function" ? encoding : onDone;
    if (done) process.nextTick(done);
    return true;
  };
  stream.write = write as Write;
  return {
    flush() {
      const rest = decoder.end();
      if (rest !== "") take(rest);
    },
    close() {
      stream.write = original;
    },
  };
}

/** Hands everything written to standard output and error to `take`. */
export function captureStreams(take: (name: StreamName, text: string) => void): CapturedStreams {
  const captured = [
    capture(process.stdout, (text) => take("stdout", text)),
    capture(process.stderr, (text) => take("stderr", text)),
  ];
  return {
    flush: () => {
      for (const stream of captured) stream.flush();
    },
    close: () => {
      for (const stream of captured) stream.close();
    },
  };
}
