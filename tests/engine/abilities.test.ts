import { describe, expect, it } from "vitest";
import { resolveConfig } from "../../src/config/load.js";
import { ConfigError } from "../../src/core/errors.js";
import { ABILITIES, ENGINE_ABILITIES, needsOf, requireAbilities } from "../../src/engine/abilities.js";

const weak = { ...ENGINE_ABILITIES.local, can: [], losses: ["clip"] } as const;
const configOf = (settings: object) => resolveConfig(settings, "test");

describe("requireAbilities", () => {
  it.each(["process", "local"])("lets engine.kind=%s do all that settings can ask", (kind) => {
    const everything = {
      engine: { kind },
      rollout: { topK: 5, temperature: 0.7 },
      kl: { use: "loss", estimator: "full" },
      update: { loss: "gspo", entropyCoefficient: 0.1 },
      advantage: { crossImportanceCap: 2 },
    };
    expect(() => requireAbilities(configOf(everything))).not.toThrow();
  });

  it.each([
    [{ rollout: { topK: 5 } }, "rollout.topK=5: it lacks top-k sampling"],
    [{ rollout: { temperature: 0.7 } }, "rollout.temperature=0.7: it lacks temperatures other than 1"],
    [{ kl: { use: "reward" } }, "kl.use=reward: it lacks log-probabilities of the reference policy"],
    [{ kl: { use: "loss", estimator: "full" } }, "kl.estimator=full: it lacks KL over the whole vocabulary"],
    [{ update: { entropyCoefficient: 0.1 } }, "update.entropyCoefficient=0.1: it lacks the entropy"],
    [{ update: { ratio: "response" } }, "update.ratio=response: it lacks one ratio per response"],
    [{ advantage: { crossImportanceCap: 2 } }, "advantage.crossImportanceCap=2: it lacks importance weights"],
    [{}, "update.dualClip=3: it lacks the dual clip"],
    [{ update: { loss: "sapo" } }, "update.loss=sapo: it computes clip; engine.kind=process or"],
  ])("refuses %j by name, with the engines that can", (settings, message) => {
    const refused = () => requireAbilities(configOf(settings), weak);
    expect(refused).toThrow(ConfigError);
    expect(refused).toThrow(message);
    expect(refused).toThrow("engine.kind=process or engine.kind=local");
  });

  it("names every setting at once, and none that asks for nothing", () => {
    const config = configOf({ rollout: { topK: 5 }, update: { dualClip: null } });
    expect(needsOf(config).map(({ setting }) => setting)).toEqual(["rollout.topK=5"]);
    expect(() => requireAbilities(configOf({ rollout: { topK: 5 } }), weak)).toThrow(/topK.*dualClip/);
  });

  it("has words for every ability", () => {
    for (const words of Object.values(ABILITIES)) expect(words).toMatch(/^[a-z]/i);
  });
});
