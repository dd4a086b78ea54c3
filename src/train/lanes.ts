import { gradientOf, type StateTensor, type TrainingStep } from "../autodiff/index.ts";
import { writeModel } from "../graph/index.ts";
import type { Feeds, Kept, Runtime, Session } from "../runtime/runtime.ts";
import { float32, type NumericData, type Tensor } from "../tensor/tensor.ts";

/** Tensors by the names of a training step's inputs. Read it only. */
export type State = Readonly<Record<string, Tensor>>;

/** One worker of the runtime, with a copy of everything that is trained. */
export interface Lane {
  readonly state: Kept;
  readonly pass: Session;
  readonly update: Session;
}

/** A part of a batch. */
export interface FedPart {
  /** Rows of data in it. */
  readonly rows: number;
  /** The tensors may be gone once it is passed. */
  readonly feeds: Feeds;
}

export interface PassedPart extends FedPart {
  readonly outputs: Readonly<Record<string, Tensor>>;
}

/**
 * Data parallelism: a batch is cut into parts, each lane passes its own, the gradients are added in the order of the lanes, and all lanes make
 * the same update, so that their copies stay equal to the last bit. Two passes side by side, a thread each, take two thirds of the time of one that
 * is spread over two threads. Where rows of a batch depend on each other, one lane has all threads.
 */
export class Lanes {
  private readonly lanes: readonly Lane[];
  private readonly tensors: readonly StateTensor[];
  private updating: Promise<unknown> = Promise.resolve();

  private constructor(lanes: readonly Lane[], tensors: readonly StateTensor[]) {
    this.lanes = lanes;
    this.tensors = tensors;
  }

  /** @param most lanes, however many workers there are */
  static async open(runtime: Runtime, step: TrainingStep, state: State, most: number): Promise<Lanes> {
    const count = step.separable ? Math.max(1, Math.min(runtime.workers, most)) : 1;
    const threads = Math.max(1, Math.floor(runtime.threads / count));
    const [pass, update] = [writeModel(step.pass), writeModel(step.update(count))];
    const lanes: Lane[] = [];
    const opened = new Lanes(lanes, step.state);
    try {
      for (let worker = 0; worker < count; worker++) {
        // What the runtime is given may be transferred: what the caller holds stays the caller's.
        const kept = await runtime.keep(copyState(state), { worker, threads });
        const load = (model: Uint8Array, label: string) => runtime.load(model, { label, kept });
        lanes.push({ state: kept, pass: await load(pass, "training pass"), update: await load(update, "update") });
      }
    } catch (error) {
      await opened.close();
      throw error;
    }
    return opened;
  }

  get count(): number {
    return this.lanes.length;
  }

  /** What each lane holds. */
  get states(): readonly Kept[] {
    return this.lanes.map(({ state }) => state);
  }

  /** Passes the parts of a batch, one in each lane as soon as it is there. Outputs: those that are asked for, and the mean loss. */
  pass<Part extends FedPart>(
    parts: readonly Promise<Part>[],
    shares: readonly number[],
    outputs: readonly string[],
  ): Promise<(Part & PassedPart)[]> {
    const wanted = ["mean_loss", ...(this.alone ? [] : ["gradient"]), ...outputs];
    return Promise.all(
      this.lanes.map(async ({ pass }, index) => {
        const part = await parts[index]!;
        const keep = { ...this.keep("pass"), gradient: gradientOf(index) };
        return { ...part, outputs: await pass.run({ ...part.feeds, share: scalar(shares[index]!) }, wanted, keep) };
      }),
    );
  }

  /**
   * Adds the gradients of the parts up, and changes what is trained. Sends that off: the next pass queues behind it, and what goes wrong is thrown by
   * `settled`. Each lane has its own part's gradient; here they get those of the others.
   */
  update(parts: readonly PassedPart[], learningRate: number): void {
    const last = this.lanes.length - 1;
    const sent = this.lanes.map(({ update }, index) => {
      const others = parts.flatMap(({ outputs }, part): [string, Tensor][] => {
        if (part === index) return [];
        const gradient = outputs["gradient"]!;
        // The last one to get it may have it.
        return [[gradientOf(part), index === (part === last ? last - 1 : last) ? gradient : copyOf(gradient)]];
      });
      const feeds = { ...Object.fromEntries(others), learning_rate: scalar(learningRate) };
      return update.run(feeds, [], this.keep("update"));
    });
    this.updating = Promise.all(sent);
    this.updating.catch(() => {});
  }

  async settled(): Promise<void> {
    await this.updating;
  }

  /** A copy of what is trained, after all updates. */
  async read(): Promise<State> {
    await this.settled();
    return this.lanes[0]!.state.read(this.tensors.map(({ input }) => input));
  }

  async close(): Promise<void> {
    await this.updating.catch(() => {});
    for (const { state, pass, update } of this.lanes) {
      await pass.close();
      await update.close();
      await state.close();
    }
  }

  private get alone(): boolean {
    return this.lanes.length === 1;
  }

  /** Which outputs of a graph take the place of what they follow. */
  private keep(graph: StateTensor["from"]): Record<string, string> {
    return Object.fromEntries(
      this.tensors.flatMap(({ from, input, output }) => (from === graph ? [[output, input]] : [])),
    );
  }
}

/** The loss of all rows, from the means of the parts. */
export function meanLoss(parts: readonly PassedPart[]): number {
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  return parts.reduce((sum, part) => sum + (part.rows / rows) * Number(part.outputs["mean_loss"]!.data[0]), 0);
}

function scalar(value: number): Tensor {
  return float32([], [value]);
}

function copyOf(value: Tensor): Tensor {
  return { ...value, data: (value.data as NumericData).slice() };
}

export function copyState(state: State): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(state).map(([name, value]) => [name, copyOf(value)]));
}
