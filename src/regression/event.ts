/** What happens during a replay or a gate; plain data. */
export type GateEvent =
  | { readonly kind: "replay"; readonly version: string; readonly done: number; readonly of: number }
  | {
      readonly kind: "attack";
      readonly version: string;
      readonly threat: string;
      readonly done: number;
      readonly of: number;
      readonly fooled: number;
    };
