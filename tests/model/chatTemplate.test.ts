import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createChatTemplate, loadChatTemplate } from "../../src/model/chatTemplate.js";
import { MODEL_DIR, processorGolden } from "./processorGolden.js";

describe("render", () => {
  it.each(processorGolden().chats)("writes $messages as transformers does", async (chat) => {
    const template = await loadChatTemplate(MODEL_DIR);
    expect(template.render(chat.messages, true)).toBe(chat.open);
    expect(template.render(chat.messages, false)).toBe(chat.closed);
  });

  it("names the file when the template is not Jinja, or refuses the messages", () => {
    expect(() => createChatTemplate("{% for %}", "t.jinja")).toThrow(/^t\.jinja: invalid chat template: /);
    const strict = createChatTemplate("{{ raise_exception('no user') }}", "t.jinja");
    expect(() => strict.render([], true)).toThrow("t.jinja: invalid chat template: no user");
  });
});

describe("loadChatTemplate", () => {
  let dir = "";
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "sharegrpo-template-"));
  });
  afterAll(() => rm(dir, { recursive: true }));

  it("prefers chat_template.jinja, then chat_template.json, then tokenizer_config.json; none is an error", async () => {
    await expect(loadChatTemplate(dir)).rejects.toThrow(`${dir}/chat_template.jinja: missing file`);
    const named = [
      { name: "tool_use", template: "tools" },
      { name: "default", template: "config" },
    ];
    await writeFile(join(dir, "tokenizer_config.json"), JSON.stringify({ chat_template: named }));
    expect((await loadChatTemplate(dir)).render([], false)).toBe("config");
    await writeFile(join(dir, "chat_template.json"), JSON.stringify({ chat_template: "json" }));
    expect((await loadChatTemplate(dir)).render([], false)).toBe("json");
    await cp(join(MODEL_DIR, "chat_template.jinja"), join(dir, "chat_template.jinja"));
    expect((await loadChatTemplate(dir)).path).toBe(join(dir, "chat_template.jinja"));
  });
});
