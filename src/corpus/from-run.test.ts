import { describe, expect, it } from "vitest";
import { sourceName } from "./from-run.ts";

describe("sourceName", () => {
  it.each([
    ["npz:test.npz", "npz:test.npz"],
    ["npz:/home/me/data/test.npz", "npz:test.npz"],
    ["folder:C:\\Users\\me\\signs", "folder:signs"],
    ["folder:../signs/", "folder:signs/"],
    ["idx:/data/x.gz,/data/y.gz", "idx:x.gz,y.gz"],
    ["csv:/home/me/loans.csv?label=good/bad&header=no", "csv:loans.csv?label=good/bad&header=no"],
  ])("%s is told as %s", (spec, told) => {
    expect(sourceName(spec)).toBe(told);
  });
});
