import { expect, it } from "vitest";
import { messageFrames, parseRequest } from "../../src/kernel/wire.js";

/**
 * Golden: jupyter_client 8.10 signs the same parts alike:
 * `Session(key=b"secret").sign([b'{"msg_id":"1","msg_type":"x","session":"s"}', b'{}', b'{}', b'{"code":"1"}'])`.
 */
const PARTS = ['{"msg_id":"1","msg_type":"x","session":"s"}', "{}", "{}", '{"code":"1"}'];
const SIGNATURE = "d8ec44f3c57cc654b3628ba26d1b48688a26cdd657337c513389be3480570859";

const frames = (...parts: string[]) => parts.map((part) => Buffer.from(part));

it("reads a message that Jupyter signed", () => {
  const request = parseRequest(frames("client", "<IDS|MSG>", SIGNATURE, ...PARTS), "secret");
  expect(request.identities.map(String)).toEqual(["client"]);
  expect(request.header.msg_type).toBe("x");
  expect(request.content).toEqual({ code: "1" });
});

it.each([
  ["signed with another key", ["<IDS|MSG>", SIGNATURE, ...PARTS], "other"],
  ["with changed content", ["<IDS|MSG>", SIGNATURE, ...PARTS.slice(0, 3), '{"code":"2"}'], "secret"],
  ["without a signature where one is due", ["<IDS|MSG>", "", ...PARTS], "secret"],
  ["without its delimiter", [SIGNATURE, ...PARTS], "secret"],
  ["cut short", ["<IDS|MSG>", SIGNATURE, "{}"], "secret"],
])("refuses a message %s", (_what, parts, key) => {
  expect(() => parseRequest(frames(...parts), key)).toThrow(/kernel: invalid message/);
});

it("reads an unsigned message where the connection has no key", () => {
  expect(parseRequest(frames("<IDS|MSG>", "", ...PARTS), "").content).toEqual({ code: "1" });
});

it("answers with what it can read itself, to whom asked, naming the request", () => {
  const signer = { key: "secret", session: "mine" };
  const parent = parseRequest(frames("client", "<IDS|MSG>", SIGNATURE, ...PARTS), "secret");
  const sent = messageFrames({ type: "y", content: { status: "ok" }, parent }, signer, parent.identities);
  const read = parseRequest(
    sent.map((part) => Buffer.from(part)),
    "secret",
  );
  expect(read.identities.map(String)).toEqual(["client"]);
  expect(read.header).toMatchObject({ msg_type: "y", session: "mine", version: "5.3" });
  expect(JSON.parse(String(sent.at(-3)))).toMatchObject({ msg_id: "1", msg_type: "x" });
});
