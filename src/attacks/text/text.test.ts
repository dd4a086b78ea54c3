import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { textPoint } from "../../inputs/text/code-points.ts";
import { EditSpace } from "../../inputs/text/edit-space.ts";
import { text } from "../../threats/text.ts";
import { EditSets } from "./sets.ts";
import { attackTexts, bag, foundIn, limits, type Scorer, SIZE } from "./words.test.fixture.ts";

const SPAM = "free prize, call now";
const spammy = bag({ free: 2, prize: 2, call: 1, meeting: -3 }, -1.5);
const ALL = ["text-greedy", "text-beam", "text-exhaustive", "text-exhaustive-label", "text-random"];

/** Whether any text that the limits allow is taken for ham. */
function breakable(scorer: Scorer, value: string, some: Parameters<typeof limits>[0]): boolean {
  const space = new EditSpace(value, limits(some));
  const sets = new EditSets(space, [...space.all()]);
  for (let count = 1; count <= space.most; count++)
    for (const edits of sets.of(count)) {
      const [ham, spam] = scorer(space.text(edits));
      if (ham > spam) return true;
    }
  return false;
}

describe("attacks on texts", () => {
  it.each(ALL.filter((name) => name !== "text-exhaustive-label"))(
    "%s fools a bag of words, inside the threat",
    async (attack) => {
      const { records } = await attackTexts(spammy, [[SPAM, 1]], { invisible: 3 }, attack, { queries: 3000 });
      const found = foundIn(records[0]!);
      expect(records[0]!.status).toBe("fooled");
      expect(text(limits({ invisible: 3 })).violation(textPoint(found!, SIZE), textPoint(SPAM, SIZE))).toBeNull();
      expect(spammy(found!)[1]).toBeLessThanOrEqual(0);
    },
  );

  it.each(["text-greedy", "text-beam"])("%s finds the word that matters without asking about each", async (attack) => {
    const words = Array.from({ length: 24 }, (_, i) => (i === 17 ? "free" : `w${i}`));
    const { records } = await attackTexts(bag({ free: 2 }, -1), [[words.join(" "), 1]], { invisible: 1 }, attack);
    const { outcome, queries } = records[0]!.profiles[0]!.attempts[0]!;
    expect(outcome).toBe("fooled");
    // Two halves, two quarters, three smaller parts, and a few edits of one word.
    expect(queries).toBeLessThanOrEqual(2 + 2 + 3 + 12);
  });

  it("text-greedy gives up its least edit for a better one", async () => {
    // Leaving `gamma` out does least, but one edit of it does most; with `alpha` it is enough, and nothing else is.
    const scorer: Scorer = (value) => {
      const has = (part: string) => Number(value.includes(part));
      return [0, 0.6 * has("alpha") + 0.5 * has("beta") + 0.3 * has("gamma") - 0.5 * has("ga\u200bmma") - 0.1];
    };
    const { records } = await attackTexts(scorer, [["alpha beta gamma", 1]], { invisible: 2 }, "text-greedy");
    expect(records[0]!.status).toBe("fooled");
  });

  it("text-greedy gives up where its best edit does too little, and goes on where better ones may be enough", async () => {
    const words = Array.from({ length: 16 }, (_, i) => `w${i}`);
    const queries = async (first: number) => {
      const scorer = bag({ ...Object.fromEntries(words.map((word) => [word, 0.05])), w0: first }, 1 - first);
      const { records } = await attackTexts(scorer, [[words.join(" "), 1]], { invisible: 1 }, "text-greedy");
      expect(records[0]!.status).toBe("resisted");
      return records[0]!.profiles[0]!.attempts[0]!.queries;
    };
    // Without w0 a margin of 1.75 is 1.25, then 0.5: halves, quarters, two smaller parts and few edits; or all words one by one, and then better edits of w0.
    expect(await queries(0.5)).toBeLessThanOrEqual(2 + 2 + 2 + 3);
    expect(await queries(1.25)).toBeGreaterThan(2 + 2 + 12 + 2);
  });

  it.each(["text-exhaustive", "text-exhaustive-label"])("%s finds the fewest edits first", async (attack) => {
    const weak = bag({ free: 2, prize: 2 });
    const strong = bag({ free: 2, prize: 2 }, -2.5);
    const [two] = (await attackTexts(weak, [["free prize", 1]], { homoglyphs: 3 }, attack, { queries: 20_000 }))
      .records;
    const [one] = (await attackTexts(strong, [["free prize", 1]], { homoglyphs: 3 }, attack, { queries: 20_000 }))
      .records;
    expect([two!, one!].map(({ profiles }) => profiles[0]!.attempts[0]!.found?.distance)).toEqual([2, 1]);
  });

  it.each(["text-exhaustive", "text-exhaustive-label"])(
    "%s says exhausted where nothing is left, and only there",
    async (attack) => {
      const words = fc.array(fc.constantFrom("a", "ab", "ba", "b"), { minLength: 1, maxLength: 2 });
      await fc.assert(
        fc.asyncProperty(words, fc.integer({ min: 0, max: 3 }), fc.boolean(), async (list, bias, two) => {
          const scorer = bag({ a: 1, ab: 2, ba: 1.5, b: 0.5 }, bias - 2.25);
          const value = list.join(" ");
          fc.pre(scorer(value)[1] > 0);
          const some = two ? { homoglyphs: 1, reorderings: 1 } : { invisible: 1 };
          const { records } = await attackTexts(scorer, [[value, 1]], some, attack, { queries: 5000 });
          const [attempt] = records[0]!.profiles[0]!.attempts;
          expect([attempt!.outcome, attempt!.exhausted]).toEqual(
            breakable(scorer, value, some) ? ["fooled", undefined] : ["resisted", true],
          );
        }),
        { numRuns: 15 },
      );
    },
  );

  it("does not claim to have tried everything where the budget was too small", async () => {
    const never: Scorer = () => [0, 1];
    for (const attack of ALL) {
      const { records } = await attackTexts(never, [[SPAM, 1]], { invisible: 2 }, attack, { queries: 200 });
      const [attempt] = records[0]!.profiles[0]!.attempts;
      expect([attempt!.outcome, attempt!.exhausted]).toEqual(["resisted", undefined]);
      expect(attempt!.queries).toBeLessThanOrEqual(200);
    }
  });

  it.each(ALL)("%s sends nothing twice", async (attack) => {
    const never: Scorer = () => [0, 1];
    for (const [value, some] of [
      ["a", { invisible: 2 }],
      ["aa bb aa", { characters: 1, invisible: 1 }],
    ] as const) {
      const { asked, records } = await attackTexts(never, [[value, 1]], some, attack, { queries: 700 });
      // The clean text is asked by the runner, not by the attack.
      const [clean, ...rest] = asked;
      expect(clean).toBe(value);
      expect(new Set(rest).size).toBe(rest.length);
      expect(records[0]!.profiles[0]!.attempts[0]!.queries).toBe(rest.length);
    }
  });

  it.each(ALL)("%s asks nothing that the model can't tell from what it was asked", async (attack) => {
    const key = (text: string) => text.toLowerCase().replaceAll(/\p{Default_Ignorable_Code_Point}/gu, "");
    const reading = { key, normalized: key, truncated: () => false };
    const some = { invisible: 1, characters: 2 };
    const never: Scorer = () => [0, 1];
    const { asked, records } = await attackTexts(never, [["Aa bb", 1]], some, attack, { queries: 300 }, { reading });
    const keys = asked.map(key);
    expect(new Set(keys).size).toBe(keys.length);
    expect(records[0]!.profiles[0]!.attempts[0]!.queries).toBe(keys.length - 1);
    // Here no edit reaches the model at all, and to know that costs nothing.
    const gone = await attackTexts(never, [["Aa", 1]], { invisible: 1 }, attack, { queries: 300 }, { reading });
    expect(gone.records[0]!.profiles[0]!.attempts[0]!).toMatchObject({
      outcome: "resisted",
      queries: ["text-greedy", "text-beam"].includes(attack) ? expect.any(Number) : 0,
    });
  });

  it.each(ALL)("%s depends on seed and sample alone", async (attack) => {
    const texts = Array.from({ length: 6 }, (_, i) => [`free prize number ${i}`, 1] as const);
    const run = (seed: number, inFlight: number) =>
      attackTexts(spammy, texts, { characters: 2 }, attack, { queries: 300 }, { seed, inFlight }).then(({ records }) =>
        records.map(foundIn),
      );
    const [once, again] = await Promise.all([run(7, 1), run(7, 6)]);
    expect(again).toEqual(once);
  });

  it("asks labels alone where labels are all that is known", async () => {
    const stepped: Scorer = (value) => (bag({ free: 2 }, -1.5)(value)[1] > 0 ? [0, 1] : [1, 0]);
    for (const attack of ["text-random", "text-exhaustive-label"])
      expect((await attackTexts(stepped, [[SPAM, 1]], { homoglyphs: 2 }, attack)).records[0]!.status).toBe("fooled");
  });

  it("leaves a text alone that has no room for more", async () => {
    const full = `${"free ".repeat(31)}prize`;
    expect(full.length).toBe(SIZE);
    const { records } = await attackTexts(bag({ free: 1 }), [[full, 1]], { invisible: 2 }, "text-greedy");
    expect(records[0]!.status).toBe("resisted");
  });

  it.each(["", "!!! ...", "\u{1F600}\u{1F600}", "\u200b"])("bears the text '%s'", async (value) => {
    for (const attack of ALL) {
      const never: Scorer = () => [0, 1];
      const some = { characters: 1, invisible: 1, homoglyphs: 1, reorderings: 1, words: 1 };
      const { records } = await attackTexts(never, [[value, 1]], some, attack, { queries: 100 });
      expect(records[0]!.status).toBe("resisted");
    }
  });
});
