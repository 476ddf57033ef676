/**
 * @module Chats over token routes: messages become tokens by our own processor, answers words again, and every request
 * proves that the server reads them alike.
 */
import type { ChatMessage, ChatParams } from "../../core/chat/chat.js";
import type { ChatWire } from "../../core/chat/openai.js";
import { given } from "../../core/given.js";
import type { Processor } from "../../model/processor.js";
import { conversationPrompt } from "../../model/prompt.js";
import type { ImageSource } from "../../records.js";
import type { Server } from "./server.js";
import { tokenExchange, type WireSampling } from "./tokenRoutes.js";
import { wirePrompt } from "./wirePrompt.js";

const partsOf = ({ content }: ChatMessage) =>
  typeof content === "string" ? [{ kind: "text", text: content } as const] : content;

function imagesIn(messages: readonly ChatMessage[]): ImageSource[] {
  return messages.flatMap((message) =>
    partsOf(message).flatMap((part) => (part.kind === "image" ? [part.image] : [])),
  );
}

/** Messages as chat templates take them. */
const withoutImages = (message: ChatMessage) => ({
  role: message.role,
  content:
    typeof message.content === "string"
      ? message.content
      : message.content.map((part) =>
          part.kind === "text" ? ({ type: "text", text: part.text } as const) : ({ type: "image" } as const),
        ),
});

/** Of the servers' own fields two are known to every route; pixel limits are the processor's. */
function samplingOf({ temperature, topP, maxTokens, seed, stop, extra }: ChatParams): WireSampling {
  const number = (field: string, otherwise: number) => Number(extra?.[field] ?? otherwise);
  return {
    ...{ temperature: temperature ?? 1, topP: topP ?? 1, topK: number("top_k", 0) },
    ...{ repetitionPenalty: number("repetition_penalty", 1), maxTokens: maxTokens ?? 2048 },
    ...given({ seeds: seed === undefined ? undefined : [seed], stop }),
  };
}

/**
 * The wire of a server that takes tokens.
 * @param processor with the pixel limits of the run
 * @param adapters names that stand for an adapter there, and not for a model
 */
export function tokenWire(server: Server, processor: Processor, adapters: readonly string[] = []): ChatWire {
  return async (model, messages, params) => {
    const images = imagesIn(messages);
    const prompt = await conversationPrompt(processor, messages.map(withoutImages), images, "chat");
    const call = {
      ...{ model, isAdapter: adapters.includes(model) },
      ...{ prompt: await wirePrompt(prompt, processor), responses: 1, sampling: samplingOf(params) },
    };
    const { read, ...request } = tokenExchange(server, call);
    return {
      ...request,
      read(text) {
        const answer = read(text);
        if ("problem" in answer) return answer;
        const [response] = answer.responses;
        if (!response) return { problem: "no response" };
        return {
          text: processor.decode(Int32Array.from(response.tokens), { skipSpecial: true }),
          finishReason: response.stopReason === "length" ? "length" : "stop",
          usage: { promptTokens: call.prompt.expanded.length, completionTokens: response.tokens.length },
          model,
        };
      },
    };
  };
}
