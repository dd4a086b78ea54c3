import { getEventListeners } from "node:events";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Allowance } from "./allowance.ts";
import { retryAfterMs, shownUrl } from "./http-request.ts";
import { parsePath, readPath } from "./json-path.ts";
import { PLAIN_ROWS, parseTemplate } from "./json-template.ts";
import { type Clock, Pacer, wallClock } from "./pacing.ts";
import { driftBetween } from "./probes.ts";
import { jsonRows, nested } from "./transport.ts";

describe("paths", () => {
  const value = {
    a: [{ b: 1 }, { b: 2 }],
    "two words": {
      c: [
        [1, 2],
        [3, 4],
      ],
    },
    n: null,
  };
  it.each<[string, unknown]>([
    ["$", value],
    ["$.a[0].b", 1],
    ["$.a[-1].b", 2],
    ["$.a[*].b", [1, 2]],
    ["$['two words'].c[1][0]", 3],
    ['$["two words"].c[*][1]', [2, 4]],
    ["$.a[7].b", undefined],
    ["$.n.b", undefined],
    ["$.a.length", undefined],
    ["$.constructor", undefined],
    ["$.n[*]", undefined],
  ])("%s", (path, found) => {
    expect(readPath(value, parsePath(path, "file"))).toEqual(found);
  });

  it.each(["a.b", "$a", "$..b", "$.a[?(@.b)]", "$.a[", "$.a b", "$.", "$.a[1:2]"])("'%s' is no path", (path) => {
    expect(() => parsePath(path, "file")).toThrow(/E_PATH file/);
  });
});

describe("templates", () => {
  it("are read whole", () => {
    const template = { request: { instances: "$inputs" }, scores: "$.predictions", classes: ["a", "b"] };
    expect(parseTemplate(template, "t.json", PLAIN_ROWS)).toMatchObject({
      place: "$input",
      several: true,
      classes: ["a", "b"],
    });
  });

  it("are refused with all their problems at once", () => {
    const template = { request: { x: "$input", y: "$input" }, scores: 3, label: "label", method: "GET" };
    expect(() => parseTemplate(template, "t.json", PLAIN_ROWS)).toThrow(
      /t\.json, method[\s\S]*t\.json, request[\s\S]*t\.json, scores[\s\S]*E_PATH/,
    );
    const twice = { request: { a: { $each: { b: { $each: "$image" } } } }, label: "$" };
    expect(() => parseTemplate(twice, "t.json", PLAIN_ROWS)).toThrow(/no 8-bit images[\s\S]*one \$each, got 2/);
    expect(() => parseTemplate([], "t.json", PLAIN_ROWS)).toThrow(/request[\s\S]*scores, label/);
    expect(() => parseTemplate({ request: "$record", label: "$" }, "t.json", PLAIN_ROWS)).toThrow(/no names/);
  });
});

describe("budgets are hard", () => {
  it("never lets more be spent than allowed, whatever is asked", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 500 }),
        fc.integer({ min: 0, max: 40 }),
        fc.integer({ min: 0, max: 600 }),
        fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 40 }),
        (limit, aside, before, wanted) => {
          const allowance = new Allowance({ maxQueries: limit }, before);
          allowance.setAside(aside);
          for (const rows of wanted)
            try {
              allowance.spend(rows, "target");
            } catch {
              // Refused: nothing was spent.
            }
          expect(allowance.queries).toBeLessThanOrEqual(Math.max(before, limit - aside));
        },
      ),
    );
  });

  it.each([
    [0.1, 1, 10],
    [0.3, 1, 3],
    [0.0007, 0.0021, 3],
    [2, 1, 0],
  ])("at %f each, %f buys %i", (costPerQuery, maxCost, queries) => {
    const allowance = new Allowance({ costPerQuery, maxCost });
    for (let i = 0; i < queries; i++) allowance.spend(1, "target");
    expect(() => allowance.spend(1, "target")).toThrow(/E_BUDGET target: expected at most/);
    expect(allowance.cost).toBeLessThanOrEqual(maxCost + 1e-9);
  });
});

describe("the wall clock", () => {
  it("wakes who sleeps when the signal fires, and leaves one listener for all of them", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const slept = Promise.all(Array.from({ length: 20 }, () => wallClock.sleep(1, signal)));
    expect(getEventListeners(signal, "abort")).toHaveLength(1);
    await slept;
    const waiting = wallClock.sleep(60_000, signal);
    controller.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
  });
});

/** Time that passes when somebody sleeps, and not else. */
function simulatedClock(): Clock & { time: number } {
  const clock = {
    time: 0,
    now: () => clock.time,
    sleep: (ms: number) => {
      clock.time += ms;
      return Promise.resolve();
    },
  };
  return clock;
}

describe("the rate", () => {
  const never = new AbortController().signal;

  it("holds for rows, not for requests", async () => {
    const clock = simulatedClock();
    const pacer = new Pacer(100, 1, clock);
    const starts: number[] = [];
    for (let i = 0; i < 20; i++)
      await pacer.run(10, never, () => {
        starts.push(clock.time);
        return Promise.resolve();
      });
    // 10 rows at 100 a second: a request each 100 ms, of which 50 may be caught up once.
    starts.forEach((at, i) => {
      expect(at).toBeGreaterThanOrEqual(100 * i - 50 - 1e-9);
    });
    expect(clock.time).toBeLessThanOrEqual(1900);
  });

  it("starts nothing during a pause, and no more at once than allowed", async () => {
    const clock = simulatedClock();
    const pacer = new Pacer(Infinity, 2, clock);
    pacer.pause(700);
    let running = 0;
    let most = 0;
    await Promise.all(
      Array.from({ length: 9 }, () =>
        pacer.run(1, never, async () => {
          expect(clock.time).toBeGreaterThanOrEqual(700);
          most = Math.max(most, ++running);
          await Promise.resolve();
          running--;
        }),
      ),
    );
    expect(most).toBe(2);
  });
});

it("understands Retry-After as seconds and as a date", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  expect(retryAfterMs("3", now)).toBe(3000);
  expect(retryAfterMs("Thu, 01 Jan 2026 00:00:05 GMT", now)).toBe(5000);
  expect(retryAfterMs("Wed, 31 Dec 2025 00:00:05 GMT", now)).toBe(0);
  expect(retryAfterMs("soon", now)).toBeNull();
  expect(retryAfterMs(null, now)).toBeNull();
});

it("shows an address without what may be secret", () => {
  expect(shownUrl("https://me:word@host:8443/a/b?token=word#word")).toBe("https://host:8443/a/b");
});

it("tells rounding from another model", () => {
  const before = [
    [2.5, -1],
    [0, 1],
    [3, 2],
  ];
  expect(
    driftBetween(before, [
      [2.5001, -1.0001],
      [0, 1],
      [3, 2],
    ]).differing,
  ).toBe(0);
  expect(
    driftBetween(before, [
      [2.6, -1],
      [1, 0],
      [3, 2],
    ]).differing,
  ).toBe(2);
  expect(driftBetween(before, [[2.5, -1], [0], [3, 2]]).differing).toBe(1);
});

it("nests rows by their shape", () => {
  expect(nested([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2])).toEqual([
    [
      [1, 2],
      [3, 4],
    ],
    [
      [5, 6],
      [7, 8],
    ],
  ]);
  expect(nested([1, 2], [2])).toEqual([1, 2]);
});

it("JSON holds texts as strings, whatever the points are", () => {
  const batch = { rows: [Float32Array.of(1, 0)], points: [Float32Array.of(1, 0)], shape: [2] };
  expect(jsonRows({ ...batch, texts: ["caf\u00e9 \u200b"] })).toEqual(["caf\u00e9 \u200b"]);
  expect(jsonRows(batch)).toEqual([[1, 0]]);
});
