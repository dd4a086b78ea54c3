import type { Limits } from "../../inputs/text/align.ts";
import { textOf, textPoint } from "../../inputs/text/code-points.ts";
import { LIMIT_KINDS } from "../../inputs/text/edits.ts";
import type { TextReading } from "../../models/classifier.ts";
import { functionTransport } from "../../models/queried/function-transport.ts";
import { noJournal } from "../../models/queried/journal.ts";
import { openQueried } from "../../models/queried/queried-classifier.ts";
import { text } from "../../threats/text.ts";
import type { Settings } from "../attack.ts";
import type { SampleRecord } from "../record.ts";
import { findAttack } from "../registry.ts";
import { type RunOptions, runSamples } from "../runner.ts";
import { streamOf } from "../small-net.test.fixture.ts";

export const SIZE = 160;

/** Logits of ham and spam of one text. */
export type Scorer = (text: string) => readonly [number, number];

/** Spam by the words that a text holds, read as letters between anything else. */
export function bag(weights: Readonly<Record<string, number>>, bias = -0.5): Scorer {
  return (value) => {
    const words = value.toLowerCase().match(/[a-z0-9]+/g) ?? [];
    return [0, words.reduce((sum, word) => sum + (weights[word] ?? 0), bias)];
  };
}

export const limits = (some: Partial<Limits>): Limits => ({
  ...(Object.fromEntries(LIMIT_KINDS.map((kind) => [kind, 0])) as Record<keyof Limits, number>),
  ...some,
});

/** Numbers that nobody takes for probabilities. */
const logits = ([ham, spam]: readonly [number, number]): number[] => [5 * (ham - spam) - 9, 5 * (spam - ham) - 9];

export interface Attacked {
  readonly records: readonly SampleRecord[];
  /** Every text that was asked in batches, in order; what was asked alone is not among them. */
  readonly asked: readonly string[];
}

/** Runs one attack on texts, against a function that receives strings. */
export async function attackTexts(
  scorer: Scorer,
  texts: readonly (readonly [string, number])[],
  some: Partial<Limits>,
  attack: string,
  settings: Settings = {},
  { reading, ...options }: Partial<RunOptions> & { readonly reading?: TextReading } = {},
): Promise<Attacked> {
  const asked: string[] = [];
  const classifier = await openQueried({
    transport: functionTransport<string>((rows) => ({ scores: rows.map((row) => logits(scorer(row))) }), "bag"),
    journal: noJournal(),
    arrangement: { dims: [SIZE], shape: [SIZE], hasBatch: true, batch: null, order: "hwc", note: null },
    preprocessing: { units: { kind: "scale", low: [0], high: [1] }, reverseChannels: false },
    textOf,
    classes: ["ham", "spam"],
    asking: { timeoutMs: 5000, retries: 0, rate: Infinity, concurrency: 2, requestRows: 16 },
    probes: [textPoint("probe", SIZE), textPoint("free prize", SIZE)],
  });
  // A model that costs nothing: its findings are made smaller.
  const { toll: _, ...free } = classifier;
  const listening = {
    ...free,
    ...(reading === undefined ? {} : { reading }),
    capabilities: classifier.capabilities,
    maxBatch: classifier.maxBatch,
    scores: (rows: Parameters<typeof classifier.scores>[0]) => {
      // A pass has two rows at least: a single one is doubled.
      const texts = Array.from({ length: rows.count }, (_, i) => textOf(rows.data.slice(i * SIZE, (i + 1) * SIZE)));
      asked.push(...new Set(texts));
      return classifier.scores(rows);
    },
    verify: (row: Float32Array) => classifier.verify(row),
    gradient: () => classifier.gradient(),
    close: () => classifier.close(),
  };
  const definition = findAttack(attack);
  const attacks = [{ definition, settings: { ...definition.defaults, ...settings } }];
  const samples = texts.map(([value, label], index) => ({
    id: String(index),
    index,
    label,
    point: textPoint(value, SIZE),
  }));
  const records: SampleRecord[] = [];
  for await (const record of runSamples(streamOf(samples), {
    classifier: listening,
    threat: text(limits(some)),
    profiles: [{ knowledge: definition.knowledge, attacks }],
    ...options,
  }))
    records.push(record);
  return { records: records.sort((a, b) => a.index - b.index), asked };
}

/** The adversarial text that was found, or null. */
export function foundIn({ profiles }: SampleRecord): string | null {
  const found = profiles[0]?.attempts[0]?.found;
  return found == null ? null : textOf(found.point);
}
