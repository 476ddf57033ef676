/**
 * @module The five ZeroMQ sockets of a kernel.
 */
import process from "node:process";
import { Reply as Echo, Publisher, Router } from "zeromq";
import { z } from "zod";
import { messageOf } from "../core/errors.js";
import type { Reply } from "./server.js";
import { messageFrames, type Outgoing, parseRequest, type Request, type Signer } from "./wire.js";

const connection = z.object({
  transport: z.string(),
  ip: z.string(),
  key: z.string(),
  shell_port: z.number(),
  control_port: z.number(),
  iopub_port: z.number(),
  stdin_port: z.number(),
  hb_port: z.number(),
});

/** Where the sockets are, as Jupyter's connection file says. */
export type Connection = z.infer<typeof connection>;

/** @throws ZodError when it is no connection file */
export function parseConnection(json: unknown): Connection {
  return connection.parse(json);
}

export interface Sockets {
  publish(message: Outgoing): void;
  /** Hands over every request, in the order of arrival on each socket. */
  serve(handle: (request: Request, reply: Reply) => void): void;
}

/** The default of 1000 messages drops what a fast cell publishes, its end among them. */
const UNLIMITED = { sendHighWaterMark: 0 } as const;

/** Binds the sockets that Jupyter chose. */
export async function openSockets(at: Connection, signer: Signer): Promise<Sockets> {
  const { transport, ip } = at;
  const address = (port: number) => `${transport}://${ip}:${port}`;
  const iopub = new Publisher(UNLIMITED);
  const [shell, control, stdin] = [new Router(UNLIMITED), new Router(UNLIMITED), new Router()];
  const heartbeat = new Echo();
  await Promise.all([
    iopub.bind(address(at.iopub_port)),
    shell.bind(address(at.shell_port)),
    control.bind(address(at.control_port)),
    stdin.bind(address(at.stdin_port)),
    heartbeat.bind(address(at.hb_port)),
  ]);

  const serveRouter = async (router: Router, handle: (request: Request, reply: Reply) => void) => {
    for await (const frames of router) {
      let request: Request;
      try {
        request = parseRequest(frames, signer.key);
      } catch (error) {
        process.stderr.write(`${messageOf(error)}\n`); // someone else's message must not end the session
        continue;
      }
      handle(request, (type, content) => {
        void router.send(messageFrames({ type, content, parent: request }, signer, request.identities));
      });
    }
  };
  const beat = async () => {
    for await (const frames of heartbeat) await heartbeat.send(frames);
  };

  return {
    publish(message) {
      void iopub.send(messageFrames(message, signer));
    },
    serve(handle) {
      void serveRouter(shell, handle);
      void serveRouter(control, handle);
      void beat();
    },
  };
}
