/**
 * @module Sessions of a Tinker server: they last as long as their client shows a sign of life, and know which models were
 * asked for in them, so that a request that is sent again makes no second one.
 */
import { randomBytes } from "node:crypto";
import { digestJson } from "../../../core/files/digest.js";
import { refusal, type WireReply } from "./futures.js";

interface Entry {
  readonly models: Set<string>;
  /** Content and answer of each `create_model`, by its number. */
  readonly made: Map<number, { readonly digest: string; readonly reply: WireReply }>;
  readonly timer: NodeJS.Timeout;
}

export interface Sessions {
  /** @returns the id */
  open(): string;
  /** A sign of life. @returns whether there is such a session */
  touch(id: string): boolean;
  /** Asks `make` for a model's answer, unless this request was answered before. */
  model(
    asked: { readonly session_id: string; readonly model_seq_id?: number | undefined },
    make: (id: string) => WireReply,
  ): WireReply;
  /** Ends all. */
  end(): void;
}

export const newId = (kind: string): string => `${kind}_${randomBytes(4).toString("hex")}`;

const OVER = refusal(410, "Session is over");

/** @param onDropped hears of the models of a session that was silent for `silenceMs` */
export function createSessions(silenceMs: number, onDropped: (models: readonly string[]) => void): Sessions {
  const sessions = new Map<string, Entry>();
  const drop = (id: string) => {
    const entry = sessions.get(id);
    sessions.delete(id);
    if (entry) onDropped([...entry.models]);
  };
  return {
    open() {
      const id = newId("session");
      const timer = setTimeout(() => drop(id), silenceMs);
      timer.unref();
      sessions.set(id, { models: new Set(), made: new Map(), timer });
      return id;
    },
    touch(id) {
      const entry = sessions.get(id);
      entry?.timer.refresh();
      return entry !== undefined;
    },
    model(asked, make) {
      const entry = sessions.get(asked.session_id);
      if (!entry) return OVER;
      const { model_seq_id: at } = asked;
      const digest = digestJson(asked);
      const before = at === undefined ? undefined : entry.made.get(at);
      if (before) {
        return before.digest === digest
          ? before.reply
          : refusal(409, "create_model: model_seq_id was used for another model");
      }
      const id = newId("model");
      const reply = make(id);
      entry.models.add(id);
      if (at !== undefined) entry.made.set(at, { digest, reply });
      return reply;
    },
    end() {
      for (const { timer } of sessions.values()) clearTimeout(timer);
      sessions.clear();
    },
  };
}
