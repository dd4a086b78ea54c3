import { describe, expect, it } from "vitest";
import { EditSpace } from "../../inputs/text/edit-space.ts";
import { synonyms } from "../../inputs/text/synonyms.ts";
import { textChange } from "../../inputs/text/text-change.ts";
import { attackTexts, bag, foundIn, limits, type Scorer } from "./words.test.fixture.ts";

const spammy = bag({ free: 2, prize: 2, call: 1 }, -1.5);

// What other tools for texts got wrong (found by reading them), and what is so here.
describe("defects of other tools", () => {
  it("the first word is attacked too", async () => {
    const { records } = await attackTexts(bag({ free: 2 }, -1), [["free for you", 1]], { invisible: 1 }, "text-greedy");
    expect(foundIn(records[0]!)).toMatch(/^f\u200bree|^fr\u200bee|^fre\u200be/);
  });

  it.each(["text-greedy", "text-beam"])(
    "%s goes toward its goal, from either class: no sign is turned",
    async (attack) => {
      const scorer = bag({ free: 2, meeting: -3 }, 0.5);
      const both = [["free for you", 1] as const, ["meeting at ten", 0] as const];
      const weaker = bag({ free: 2, meeting: -3 }, -1);
      const spam = await attackTexts(weaker, [both[0]!], { invisible: 1 }, attack);
      const ham = await attackTexts(scorer, [both[1]!], { invisible: 1 }, attack);
      expect(
        [spam, ham].map(({ records }) =>
          foundIn(records[0]!)!
            .replace("\u200b", "")
            .replaceAll(/\p{Cf}/gu, ""),
        ),
      ).toEqual(both.map(([text]) => text));
    },
  );

  it("no word is spared for being common, whatever its case", async () => {
    for (const text of ["The cat", "the cat", "THE cat"]) {
      const { records } = await attackTexts(bag({ the: 2 }, -1), [[text, 1]], { invisible: 1 }, "text-greedy");
      expect(records[0]!.status).toBe("fooled");
    }
  });

  it("fewer edits than allowed are a choice: a finding holds no edit that it does without", async () => {
    for (const attack of ["text-greedy", "text-beam", "text-random"]) {
      const { records } = await attackTexts(bag({ free: 2 }, -1), [["free for you all", 1]], { invisible: 5 }, attack);
      const { found, verifications } = records[0]!.profiles[0]!.attempts[0]!;
      expect([attack, found!.distance]).toEqual([attack, 1]);
      // Each text with one edit less, and alone each that will do.
      expect(verifications).toBeLessThanOrEqual(1 + 15 + 4);
    }
  });

  it("a beam loses nothing that it had found", async () => {
    // Only one of many single edits succeeds; all that the beam keeps afterwards is worse.
    const scorer: Scorer = (text) => (text.includes("c\u200ball") ? [1, 0] : [0, 1 + text.length]);
    const { records } = await attackTexts(scorer, [["please call now", 1]], { invisible: 2 }, "text-beam", {
      candidates: 20,
    });
    expect(records[0]!.status).toBe("fooled");
  });

  it("a character without width makes no new word, and moves no offset", () => {
    const change = textChange("fr\u200bee prize", "free prize");
    expect([change.words, change.editedWords]).toEqual([2, 1]);
    expect(change.edits).toEqual([{ start: 2, end: 2, original: "", replacement: "\u200b", kind: "invisible" }]);
  });

  it("letters whose lower case is longer move no offset", () => {
    const change = textChange("\u0130\u00df fre", "\u0130\u00df free");
    expect(change.edits.map(({ start, end }) => [start, end])).toEqual([[5, 6]]);
    const space = new EditSpace("\u0130\u00df free", limits({ characters: 1 }));
    expect(space.targets).toEqual([
      { start: 0, end: 2 },
      { start: 3, end: 7 },
    ]);
  });

  it("blanks and punctuation around an edit stay as they were", () => {
    const text = "  so,\tfree --  prize!!\n";
    const space = new EditSpace(text, limits({ invisible: 1 }));
    for (const edit of space.all()) expect(space.text([edit]).replaceAll(edit.replacement, "")).toBe(text);
  });

  it("an edit always changes the text: nothing is a silent no-op", () => {
    for (const kind of ["invisible", "homoglyphs", "reorderings", "characters", "words"] as const) {
      const space = new EditSpace("Buy a big film, aab", limits({ [kind]: 1 }));
      const edits = [...space.all()];
      expect(edits.length).toBeGreaterThan(0);
      for (const edit of edits) expect(space.text([edit])).not.toBe("Buy a big film, aab");
    }
  });

  it("the budget ends a search while it still ranks words, and is never exceeded", async () => {
    const never: Scorer = () => [0, 1];
    const text = "one two three four five six seven eight nine ten";
    const { records } = await attackTexts(never, [[text, 1]], { invisible: 1 }, "text-greedy", { queries: 4 });
    expect(records[0]!.profiles[0]!.attempts[0]!.queries).toBe(4);
  });

  it("what was asked for one sample is no answer for another: each counts its own queries", async () => {
    const same = ["free prize, call now", 1] as const;
    const { records } = await attackTexts(spammy, [same, same], { invisible: 2 }, "text-exhaustive", { queries: 50 });
    for (const { profiles } of records) expect(profiles[0]!.attempts[0]!.queries).toBeGreaterThan(1);
  });

  it("a text that is wrong without any attack is no success", async () => {
    const { records } = await attackTexts(spammy, [["hello there", 1]], { invisible: 2 }, "text-greedy");
    expect(records[0]).toMatchObject({ status: "misclassified", profiles: [] });
  });

  it("a word is never replaced by its opposite", () => {
    for (const [word, opposite] of [
      ["big", "small"],
      ["candid", "uncandid"],
      ["finest", "worst"],
      ["unthinkable", "imaginable"],
      ["increase", "decrease"],
    ])
      expect(synonyms(word!)).not.toContain(opposite);
  });

  it("a synonym has the case and the ending of the word", () => {
    expect(synonyms("film")).toEqual(["movie"]);
    expect(synonyms("Films")).toEqual(["Movies"]);
    expect(synonyms("BUY")).toEqual(["PURCHASE"]);
    expect(synonyms("fIlM")).toEqual([]);
  });
});
