import type { Codec } from "../inputs/codec.ts";
import type { TrainingDataOptions } from "./checks/training-data.ts";
import type { Estimate } from "./estimate.ts";
import type { PlanOptions } from "./plan.ts";
import type { Check, Finding, Result, SampleLine, SurrogateFacts } from "./schema.ts";
import type { RunStore } from "./store.ts";

/** What a classifier does not know about itself. */
export interface ModelFacts {
  readonly kind: string;
  /** File name, without folders. */
  readonly name: string;
  readonly sha256?: string;
  /** Hash of what a model that can only be asked answers to fixed probes. */
  readonly fingerprint?: string;
  /** The permission under which somebody else's endpoint is attacked. */
  readonly authorized?: string;
  readonly preprocessing: Readonly<Record<string, unknown>>;
  /** Hash of the surrogate's file. */
  readonly surrogateSha256?: string;
  /** Of a surrogate that was trained from answers of the model. */
  readonly surrogate?: SurrogateFacts;
  readonly runtime: Result["runtime"];
}

/** What happens during a run; plain data. */
export type AssessEvent =
  | { readonly kind: "plan"; readonly samples: number; readonly resumed: number; readonly threats: readonly string[] }
  | { readonly kind: "estimate"; readonly estimate: Estimate }
  | {
      readonly kind: "progress";
      readonly threat: string;
      readonly done: number;
      readonly of: number;
      readonly fooled: number;
      readonly standing: number;
      readonly seconds: number;
      /** At most. */
      readonly secondsLeft: number;
    }
  | { readonly kind: "sample"; readonly line: SampleLine }
  | { readonly kind: "finding"; readonly finding: Finding }
  | { readonly kind: "stage"; readonly stage: "attacks" | "curve" | "checks"; readonly threat: string }
  | { readonly kind: "check"; readonly check: Check };

export interface AssessOptions extends PlanOptions, Omit<TrainingDataOptions, "data" | "codec"> {
  readonly facts?: ModelFacts;
  /** Reads and writes inputs of this data; needed to store findings. */
  readonly codec?: (quantize: "uint8" | "none") => Codec;
  /** Where the run is kept, given what decides its outcome. Default: nowhere. */
  readonly store?: (identity: Readonly<Record<string, unknown>>) => Promise<RunStore>;
  /** Keep the adversarial input of every profile, not only the nearest one of each sample. */
  readonly save?: boolean;
  /** The whole audit protocol: also 1,000 random draws, and attacks with twice the effort, on the audit subset. */
  readonly audit?: boolean;
  /** The active tests: planted adversarial inputs and planted masks must be seen through. */
  readonly active?: boolean;
  /** Curve and checks (default true). */
  readonly checks?: boolean;
  /** For the whole run; what is finished by then is kept. */
  readonly timeSeconds?: number;
  readonly signal?: AbortSignal;
  /** As typed, for the record. */
  readonly options?: Readonly<Record<string, unknown>>;
  readonly toolVersion?: string;
  readonly onEvent?: (event: AssessEvent) => void;
  readonly now?: () => Date;
}

export interface Assessment {
  readonly result: Result;
  readonly samples: readonly SampleLine[];
  /** Folder of the run, if it was kept. */
  readonly directory: string | null;
}
