import { BlindspotError, type Problem } from "../base/errors.ts";
import { Rng } from "../base/rng.ts";
import {
  cloneModel,
  GRADIENT_OPSET,
  inferShapes,
  inlineFunctions,
  prepareForGradient,
  upgradeOpset,
  writeModel,
  writeOutMl,
} from "../graph/index.ts";
import type { Model } from "../graph/ir.ts";
import type { RowSpace } from "../inputs/row/row-space.ts";
import type { OpTable } from "../ops/define.ts";
import type { Runtime, Session } from "../runtime/runtime.ts";
import { sizeOf, type Tensor, tensor } from "../tensor/tensor.ts";
import type { Arrangement } from "./arrangement.ts";
import { type AttackGraph, buildAttackGraph } from "./attack-graph.ts";
import type { DeployedModel } from "./deployed.ts";
import { disagreement, FREE_BATCH, freeBatch } from "./free-batch.ts";
import type { Preprocessing } from "./preprocessing.ts";
import { findScoreHead, type ScoreHead, scoresLike } from "./score-head.ts";

/** Rows that are run together and alone, to see whether they mix. */
const TEST_ROWS = 8;
/**
 * Scores of the adapted graph against those of the file: float32 noise, float16's three digits, or where ONNX Runtime stops the iteration that makes probabilities
 * of a support vector machine.
 */
const AGREEMENT = { float32: 1e-3, float16: 2e-2, coupled: 1e-2 };

export interface AdaptOptions {
  readonly model: Model;
  readonly table: OpTable;
  readonly load: Runtime["load"];
  readonly label: string;
  readonly arrangement: Arrangement;
  readonly preprocessing: Preprocessing;
  readonly deployed: DeployedModel;
  /** What the original gives for one row. */
  readonly results: Readonly<Record<string, Tensor>>;
  /** Name of the output that holds the scores, where the user gave it. */
  readonly output: string | undefined;
  /** Of rows of a table: only those that it allows count. */
  readonly rows: RowSpace | undefined;
}

export interface AdaptedModel {
  readonly graph: AttackGraph;
  readonly session: Session;
  readonly head: ScoreHead;
  /** Rows that every pass must have; null where any number will do. */
  readonly fixedBatch: number | null;
  readonly notes: readonly string[];
  readonly problems: readonly Problem[];
}

/** Distinct rows of 8-bit noise, each with its own brightness, always the same; of a table the legal ones that are nearest. */
export function testRows(size: number, rows: RowSpace | undefined): Float32Array[] {
  const rng = Rng.of(0).fold("test-rows");
  return Array.from({ length: TEST_ROWS }, (_, row) => {
    const noise = Float32Array.from({ length: size }, () => rng.integer(128 + 16 * row) / 255);
    return rows === undefined ? noise : rows.point(rows.levels(noise));
  });
}

interface Candidate {
  readonly graph: AttackGraph;
  readonly head: ScoreHead;
  readonly batch: number | null;
}

/** Makes the attack graph of a model, finds out how many rows a pass may have, and checks the graph against the original. */
export async function adapt(options: AdaptOptions): Promise<AdaptedModel> {
  const adapter = new Adapter(options);
  const { arrangement } = options;
  const declared = arrangement.batch;
  const plain = adapter.build(adapter.base, declared);
  const rows = testRows(sizeOf(arrangement.dims), options.rows);
  // Rows alone: with a free batch really alone; else the file's own batch size, filled with the row.
  const plainSession = await adapter.load(plain);
  const alone: Float32Array[] = [];
  for (const row of rows) {
    const batch = new Array<Float32Array>(declared ?? 1).fill(row);
    alone.push((await adapter.pass(plain, plainSession, batch)).slice(0, plain.head.classes));
  }
  const problems = await adapter.compareWithOriginal(plain.head, rows, alone);
  const result = (chosen: Candidate, session: Session, note: string | null): AdaptedModel => ({
    graph: chosen.graph,
    session,
    head: chosen.head,
    fixedBatch: chosen.batch,
    notes: note === null ? [] : [note],
    problems,
  });

  if (declared === null) {
    const mixed = await adapter.mixes(plain, plainSession, rows, alone);
    if (mixed === null) return result(plain, plainSession, null);
    await plainSession.close();
    const single = adapter.build(adapter.base, 1);
    return result(single, await adapter.load(single), `row by row: rows of one batch are not independent (${mixed})`);
  }
  const attempt = arrangement.hasBatch ? await adapter.free(declared, rows, alone) : "the model has no batch axis";
  if (typeof attempt !== "string") {
    await plainSession.close();
    return result(attempt.chosen, attempt.session, `batch of ${declared} freed (${TEST_ROWS} rows agree)`);
  }
  const how = declared === 1 ? "row by row" : `in batches of exactly ${declared}`;
  return result(plain, plainSession, `${how}: the batch size can't be freed (${attempt})`);
}

class Adapter {
  readonly base: Model;
  /** Whether the opset could be raised; else types are known only as far as the file declares them. */
  private readonly raised: boolean;
  private readonly options: AdaptOptions;

  constructor(options: AdaptOptions) {
    this.options = options;
    const raised = raiseOpset(options.model, options.table);
    this.base = raised ?? options.model;
    this.raised = raised !== null;
  }

  build(source: Model, batch: number | null): Candidate {
    const { arrangement, preprocessing, table, deployed, results, output } = this.options;
    const model = cloneModel(source);
    if (this.raised) prepareForGradient(model, table);
    const head = findScoreHead(model, results, deployed.rows, output);
    const name = model.graph.inputs[0]!.shape?.[0];
    const rows = batch ?? (typeof name === "string" ? name : FREE_BATCH);
    const graph = buildAttackGraph(model, { table, arrangement, preprocessing, head, batch: rows });
    if (this.raised) inferShapes(graph.model, table);
    return { graph, head, batch };
  }

  load({ graph }: Candidate): Promise<Session> {
    return this.options.load(writeModel(graph.model), { label: this.options.label });
  }

  /** Logits of rows in one pass. */
  async pass({ graph }: Candidate, session: Session, rows: readonly Float32Array[]): Promise<Float32Array> {
    const data = new Float32Array(rows.length * rows[0]!.length);
    rows.forEach((row, i) => {
      data.set(row, i * row.length);
    });
    const x = tensor("float32", [rows.length, ...this.options.arrangement.dims], data);
    return (await session.run({ [graph.input]: x }, [graph.output]))[graph.output]!.data as Float32Array;
  }

  /** Null if rows together give what they give alone, else what happens. */
  async mixes(
    candidate: Candidate,
    session: Session,
    rows: readonly Float32Array[],
    alone: readonly Float32Array[],
  ): Promise<string | null> {
    try {
      return disagreement(await this.pass(candidate, session, rows), alone);
    } catch (error) {
      if (!(error instanceof BlindspotError)) throw error;
      return "ONNX Runtime can't run several";
    }
  }

  /** Frees a fixed batch, or says why not. */
  async free(
    declared: number,
    rows: readonly Float32Array[],
    alone: readonly Float32Array[],
  ): Promise<{ chosen: Candidate; session: Session } | string> {
    let chosen: Candidate;
    let session: Session;
    try {
      chosen = this.build(freeBatch(this.base, declared, this.options.table), null);
      session = await this.load(chosen);
    } catch (error) {
      if (!(error instanceof BlindspotError)) throw error;
      return "the freed model does not load";
    }
    const why = await this.mixes(chosen, session, rows, alone);
    if (why === null) return { chosen, session };
    await session.close();
    return why;
  }

  /** A graph that says something else than the file, if only on noise, makes attacks weak without anybody noticing. */
  async compareWithOriginal(
    head: ScoreHead,
    rows: readonly Float32Array[],
    logits: readonly Float32Array[],
  ): Promise<Problem[]> {
    const { deployed, model, label } = this.options;
    const half = model.graph.initializers.some((value) => value.dtype === "float16");
    let worst = 0;
    for (const [i, row] of rows.entries()) {
      const original = await deployed.scores(row, head);
      const scale = original.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1e-3);
      scoresLike(head, logits[i]!).forEach((value, c) => {
        worst = Math.max(worst, Math.abs(value - original[c]!) / scale);
      });
    }
    const coupled = model.graph.nodes.some(({ op, attributes }) => op === "SVMClassifier" && attributes.has("prob_a"));
    if (worst <= AGREEMENT[half ? "float16" : coupled ? "coupled" : "float32"]) return [];
    return [
      {
        code: "E_MODEL_ADAPTED",
        subject: label,
        expected: "the same scores from the file and from the graph that is attacked",
        got: `a relative difference of ${worst.toPrecision(2)}`,
        hint: "Findings are still decided by the file, but attacks may be weaker than they could be.",
      },
    ];
  }
}

/**
 * The model at the opset of the gradient rules, or null where that can't be: it may still be attacked by queries, as it is. Why not is said
 * when a gradient is tried.
 */
function raiseOpset(source: Model, table: OpTable): Model | null {
  try {
    const model = cloneModel(source);
    inlineFunctions(model, table);
    upgradeOpset(model, Math.max(GRADIENT_OPSET, model.opset), table);
    writeOutMl(model);
    prepareForGradient(cloneModel(model), table);
    return model;
  } catch (error) {
    if (!(error instanceof BlindspotError)) throw error;
    return null;
  }
}
