import { DeployedModel } from "../../models/deployed.ts";
import { describeInput, type LoadClassifierOptions } from "../../models/load-classifier.ts";
import type { OpenedModel } from "../../models/open-model.ts";
import { decodeRow, type ScoreHead } from "../../models/score-head.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { DetectorCard } from "./card.ts";

/** What the deployed file says of one input. */
export interface Verdict {
  readonly scores: Float32Array;
  readonly suspicion: number;
  readonly rejected: boolean;
}

/** A file with a detector, asked as it would be deployed: one row at a time, its own outputs. */
export class GuardedFile {
  private readonly deployed: DeployedModel;
  private readonly head: ScoreHead;
  private readonly values: DetectorCard["values"];

  private constructor(deployed: DeployedModel, head: ScoreHead, values: DetectorCard["values"]) {
    this.deployed = deployed;
    this.head = head;
    this.values = values;
  }

  /** @param head of the classifier inside it */
  static async open(
    opened: OpenedModel,
    values: DetectorCard["values"],
    head: ScoreHead,
    runtime: Runtime,
    reading: LoadClassifierOptions,
  ): Promise<GuardedFile> {
    const { arrangement, preprocessing } = describeInput(opened, reading);
    const session = await runtime.load(opened.bytes, { label: opened.label });
    return new GuardedFile(new DeployedModel(session, arrangement, preprocessing), head, values);
  }

  async verdict(row: Float32Array): Promise<Verdict> {
    const { suspicion, rejected } = this.values;
    const outputs = await this.deployed.run(row, [this.head.output, suspicion, rejected]);
    const scores = outputs[this.head.output]!.data;
    // A file of a fixed batch gives the same row many times.
    const perRow = scores.length / this.deployed.rows;
    return {
      scores: decodeRow(this.head, Float32Array.from(scores.slice(0, perRow) as ArrayLike<number | bigint>, Number)),
      suspicion: Number(outputs[suspicion]!.data[0]),
      rejected: Boolean(outputs[rejected]!.data[0]),
    };
  }

  close(): Promise<void> {
    return this.deployed.close();
  }
}
