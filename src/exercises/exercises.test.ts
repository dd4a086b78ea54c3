import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { halvesData, halvesModel } from "../cli/halves.test.fixture.ts";
import type { Dataset } from "../data/dataset.ts";
import { openDataset } from "../data/index.ts";
import { loadClassifier, type OnnxClassifier } from "../models/index.ts";
import { nodeRuntime } from "../runtime/node.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { exercises, findExercise, type Lesson, lessonPage, printLesson, type Workbench } from "./index.ts";

const EXAMPLE = fileURLToPath(new URL("../../examples/road-signs/", import.meta.url));
let runtime: Runtime;
let data: Dataset;
let signs: OnnxClassifier;
let other: OnnxClassifier;

beforeAll(async () => {
  runtime = await nodeRuntime({ workers: 2 });
  const classes = (await readFile(`${EXAMPLE}classes.txt`, "utf8")).trim().split("\n");
  data = await openDataset(`npz:${EXAMPLE}test.npz`, { classes });
  const options = { runtime, dims: data.dims, classes };
  signs = await loadClassifier(`${EXAMPLE}road-signs.onnx`, options);
  other = await loadClassifier(`${EXAMPLE}surrogate.onnx`, options);
});
afterAll(() => runtime.close());

function bench(options: Partial<Workbench["options"]> = {}, more: Partial<Workbench> = {}): Workbench {
  return {
    model: signs,
    surrogate: other,
    bundled: true,
    names: { model: "road-signs.onnx", surrogate: "surrogate.onnx", data: "the bundled road signs" },
    command: (words) => words.join(" "),
    ...more,
    options: { data, ...options },
  };
}

/** Small settings, so that all six take seconds. */
const SMALL: Readonly<Record<string, Partial<Workbench["options"]>>> = {
  epsilon: { samples: 4 },
  "black-box": { samples: 6, overrides: { queries: 100 } },
  transfer: { samples: 12 },
  "explain-it-back": { samples: 12 },
};

const run = (name: string, more: Partial<Workbench> = {}): Promise<Lesson> =>
  findExercise(name).run(bench(SMALL[name], more));

const isMeasured = (value: unknown): value is number => typeof value === "number" && !Number.isInteger(value);

describe("exercises on the bundled example", () => {
  it("are these", () => {
    expect(exercises.map(({ name }) => name)).toEqual([
      "fgsm-by-hand",
      "epsilon",
      "targeted",
      "black-box",
      "transfer",
      "explain-it-back",
    ]);
  });

  it.each(exercises.map(({ name }) => name))(
    "%s: tells conditions, actions, outcomes and what to look at next",
    async (name) => {
      const lesson = await run(name);
      const text = printLesson(lesson);
      const headings = text.split("\n").filter((line) => /^[A-Z ]+$/.test(line) && line.trim() !== "");
      expect(headings).toEqual(["INPUT", "ACTION", "OUTCOME", "LOOK AT NEXT"]);
      expect(lesson.conditions.map((fact) => fact.name)).toEqual(
        expect.arrayContaining(["model", "data", "may change"]),
      );
      for (const part of [lesson.concepts, lesson.actions, lesson.outcomes, lesson.tables, lesson.charts, lesson.next])
        expect(part.length).toBeGreaterThan(0);
      expect(text).not.toMatch(/NaN|undefined|Infinity|\[object/);
      for (const { columns, rows } of lesson.tables) for (const row of rows) expect(row).toHaveLength(columns.length);
      const page = await lessonPage(lesson);
      expect(page).not.toMatch(/<script|NaN|undefined|src="(?!data:)/);
      expect(page.match(/<figure class="chart"/g)).toHaveLength(lesson.charts.length);
      if (lesson.pictures !== null) expect(page.match(/<img src="data:image\/png/g)).toHaveLength(3);
    },
    30_000,
  );

  it.each(exercises.map(({ name }) => name))(
    "%s: gives the same lesson again, and another one with --model",
    async (name) => {
      const first = await run(name);
      expect(printLesson(await run(name))).toBe(printLesson(first));
      const second = await run(name, { model: other, surrogate: signs });
      const measured = Object.entries(first.figures).filter(([, value]) => isMeasured(value));
      expect(measured.length).toBeGreaterThan(0);
      // Shares of a few samples may coincide; what is measured on the model itself may not.
      const alike = measured.filter(([key, value]) => value === second.figures[key]).map(([key]) => key);
      expect(alike.filter((key) => !/ccuracy|At\d|Success|psilon|flipOf/.test(key))).toEqual([]);
      expect(second.outcomes).not.toEqual(first.outcomes);
    },
    60_000,
  );
});

describe("figures against arithmetic, on a linear model of two classes", () => {
  let model: OnnxClassifier;
  let halves: Dataset;
  const { x, y } = halvesData();
  const point = (index: number) => (x.data as Float32Array).subarray(16 * index, 16 * index + 16);
  const side = (i: number) => (i % 4 < 2 ? 1 : -1);
  /** z_y of sample `index`; the other logit is its negative. */
  const logit = (index: number) =>
    (y.data[index] === 0n ? 1 : -1) * point(index).reduce((sum, value, i) => sum + side(i) * value, 0);
  const EPSILON = 0.1;
  const linear = () =>
    bench(
      { data: halves, threat: `linf:${EPSILON}`, quantize: "none", samples: "index:2,5,8,11" },
      { model, bundled: false },
    );

  beforeAll(async () => {
    model = await loadClassifier(halvesModel(), { runtime, dims: [4, 4, 1] });
    halves = {
      ...data,
      spec: "halves",
      length: 60,
      modality: "image",
      dims: [4, 4, 1],
      naturalQuantize: "none",
      classes: null,
      labels: Int32Array.from(y.data as BigInt64Array, Number),
      groups: null,
      sample: async (index) => ({
        id: String(index),
        index,
        point: point(index).slice(),
        label: Number(y.data[index]),
      }),
    };
  });

  it("FGSM takes 16 epsilon from the logit, and the loss is that of it", async () => {
    const { figures } = await findExercise("fgsm-by-hand").run(linear());
    const loss = (z: number) => Math.log(1 + Math.exp(-2 * z));
    expect(figures["loss"]).toBeCloseTo(loss(logit(2)), 5);
    expect(figures["lossAfter"]).toBeCloseTo(loss(logit(2) - 16 * EPSILON), 5);
    expect([figures["positive"], figures["negative"], figures["zero"]]).toEqual([8, 8, 0]);
  });

  it("the label flips one step of the grid above logit / 16", async () => {
    const { figures } = await findExercise("epsilon").run(linear());
    const unit = EPSILON / 16;
    for (const index of [2, 5, 8, 11])
      expect(figures[`flipOf${index}`]).toBeCloseTo(unit * Math.ceil(logit(index) / 16 / unit), 6);
  });
});

describe("what does not fit is said with what would", () => {
  it.each<[string, string, Partial<Workbench["options"]>, RegExp]>([
    ["an index out of range", "fgsm-by-hand", { samples: "index:800" }, /index:800|800/],
    ["a class that does not exist", "fgsm-by-hand", { from: "cat" }, /E_EXERCISE_CLASS.*'?cat.*stop, yield/s],
    ["a class that is not among the samples", "epsilon", { from: "yield", samples: "index:0" }, /E_EXERCISE_CLASS/],
    ["a target that does not exist", "targeted", { goal: "targeted:cat" }, /E_GOAL_CLASS.*stop, yield/s],
    ["no target", "targeted", { goal: "untargeted" }, /E_EXERCISE_GOAL.*targeted:CLASS/s],
    ["a sample that is the target", "targeted", { from: "stop", goal: "targeted:stop" }, /E_EXERCISE_SAMPLE/],
    ["a threat that FGSM cannot do", "fgsm-by-hand", { threat: "l0:5" }, /E_EXERCISE_THREAT.*linf/],
    ["a threat that PGD cannot do", "epsilon", { threat: "l0:5" }, /E_ATTACK_UNSUITABLE.*linf/],
  ])("%s", async (_what, name, options, message) => {
    await expect(findExercise(name).run(bench(options))).rejects.toThrow(message);
  });

  it("an unknown exercise lists those that exist", () => {
    expect(() => findExercise("fgms")).toThrow(/E_EXERCISE_UNKNOWN.*fgsm-by-hand, epsilon, targeted/);
  });

  it("a sample that is wrong without any attack is named, not attacked", async () => {
    const scores = await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        const { point, label } = await data.sample(index);
        const logits = await signs.verify(point);
        return logits.indexOf(Math.max(...logits)) === label ? -1 : index;
      }),
    );
    const wrong = scores.find((index) => index >= 0)!;
    const samples = `index:${wrong}` as const;
    await expect(findExercise("fgsm-by-hand").run(bench({ samples }))).rejects.toThrow(
      new RegExp(`E_EXERCISE_SAMPLE.*index ${wrong} is .*the model says`),
    );
  });
});

describe("a lesson is escaped", () => {
  it("class and file names cannot become markup", async () => {
    const classes = signs.classes.map((name) => `<b onclick="x">${name}</b>`);
    const model = await loadClassifier(`${EXAMPLE}road-signs.onnx`, { runtime, dims: data.dims, classes });
    const lesson = await findExercise("fgsm-by-hand").run(
      bench({}, { model, names: { model: "<img src=x>", surrogate: null, data: '"><script>' } }),
    );
    expect(await lessonPage(lesson)).not.toMatch(/<b onclick|<img src=x|<script/);
  });
});
