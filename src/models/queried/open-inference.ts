import { BlindspotError } from "../../base/errors.ts";
import { sizeOf } from "../../tensor/tensor.ts";
import { type HttpTarget, requestJson, shownUrl } from "./http-request.ts";
import type { Batch, RawAnswer, Transport } from "./transport.ts";

/** Of a model behind the Open Inference Protocol, version 2 (KServe, Triton, MLServer, OpenVINO Model Server): what its metadata says. */
export interface InferenceModel {
  readonly input: { readonly name: string; readonly datatype: string; readonly shape: readonly (number | string)[] };
  readonly output: { readonly name: string; readonly gives: "scores" | "label" };
}

/** What a model of texts takes. */
const STRINGS = "BYTES";

interface Port {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
}

const FLOATS = new Set(["FP16", "FP32", "FP64", "BF16"]);
const INTEGERS = new Set(["INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"]);

/** `.../v2/models/NAME` of an address that may end in `/infer`. */
export function modelUrl(url: string): string {
  const full = new URL(url);
  full.pathname = full.pathname.replace(/\/infer\/?$/, "").replace(/\/$/, "");
  return full.href;
}

/**
 * Asks for the model's metadata, which is no query. Throws `E_METADATA` for a model that is no classifier of one input of numbers, or of texts.
 * @param wanted name of the output, where there are several
 */
export async function readMetadata(
  target: HttpTarget,
  wanted: string | undefined,
  signal: AbortSignal,
  takes: "numbers" | "texts" = "numbers",
): Promise<InferenceModel> {
  const subject = shownUrl(target.url);
  const refuse = (expected: string, got: string, hint?: string) =>
    new BlindspotError({ code: "E_METADATA", subject, expected, got, ...(hint === undefined ? {} : { hint }) });
  const answer = await requestJson(target, signal);
  const { inputs, outputs } = (answer ?? {}) as { inputs?: unknown; outputs?: unknown };
  if (!arePorts(inputs) || !arePorts(outputs))
    throw refuse(
      "the metadata of a model: inputs and outputs with name, datatype and shape",
      "something else",
      "Give the address of the model: http://HOST/v2/models/NAME",
    );
  const listed = (ports: readonly Port[]) =>
    ports.map(({ name, datatype, shape }) => `${name} ${datatype}[${shape}]`).join(", ");
  const [input] = inputs;
  const fits = (datatype: string) =>
    takes === "texts" ? datatype === STRINGS : FLOATS.has(datatype) || INTEGERS.has(datatype);
  if (input === undefined || inputs.length > 1 || !fits(input.datatype))
    throw refuse(`one input of ${takes}`, listed(inputs) || "none");
  const fitting = outputs.filter(({ name }) => wanted === undefined || name === wanted);
  const floats = fitting.filter(({ datatype }) => FLOATS.has(datatype));
  const output = floats.length === 1 ? floats[0] : fitting.length === 1 ? fitting[0] : undefined;
  if (output === undefined)
    throw refuse("one output of scores or labels", listed(outputs) || "none", "Name it with --output");
  return {
    input: { ...input, shape: input.shape.map((size) => (size < 0 ? "" : size)) },
    output: { name: output.name, gives: FLOATS.has(output.datatype) ? "scores" : "label" },
  };
}

function arePorts(value: unknown): value is readonly Port[] {
  return (
    Array.isArray(value) &&
    value.every(
      (port: Partial<Port> | null) =>
        typeof port?.name === "string" &&
        typeof port.datatype === "string" &&
        Array.isArray(port.shape) &&
        port.shape.every(Number.isInteger),
    )
  );
}

/** Asks by `POST .../infer`, with tensors as flat lists of numbers. */
export function inferenceTransport(target: HttpTarget, { input, output }: InferenceModel): Transport {
  const name = shownUrl(target.url);
  return {
    kind: "http",
    name,
    ask: async (batch, signal) => {
      const request = {
        inputs: [
          {
            name: input.name,
            shape: [
              batch.rows.length,
              ...(batch.texts === undefined ? batch.shape : input.shape.slice(1).map(() => 1)),
            ],
            datatype: input.datatype,
            data: batch.texts ?? flat(batch, INTEGERS.has(input.datatype)),
          },
        ],
        outputs: [{ name: output.name }],
      };
      return tensorOf(await requestJson(target, signal, request, "/infer"), output, name);
    },
    close: () => Promise.resolve(),
  };
}

function flat({ rows }: Batch, whole: boolean): number[] {
  return rows.flatMap((row) => Array.from(row, whole ? Math.round : Number));
}

/** Rows of the named output. Its shape is checked against its data, and both against what was asked. */
function tensorOf(answer: unknown, output: InferenceModel["output"], name: string): RawAnswer {
  const outputs = (answer as { outputs?: unknown } | null)?.outputs;
  const found = Array.isArray(outputs)
    ? (outputs as { name?: unknown; shape?: unknown; data?: unknown }[]).find((port) => port?.name === output.name)
    : undefined;
  const shape = found?.shape;
  const data = Array.isArray(found?.data) ? (found.data.flat(Infinity) as unknown[]) : null;
  if (!Array.isArray(shape) || data === null || sizeOf(shape as number[]) !== data.length)
    throw new BlindspotError(
      {
        code: "E_ANSWER",
        subject: name,
        expected: `output '${output.name}' with a shape and as many values`,
        got: data === null ? "no such output" : `shape [${String(shape).slice(0, 40)}] and ${data.length} values`,
      },
      { exitCode: 3 },
    );
  const rows = (shape as number[])[0] ?? 0;
  const width = rows > 0 ? data.length / rows : 0;
  if (output.gives === "label") return { labels: width === 1 ? data : undefined };
  return { scores: Array.from({ length: rows }, (_, i) => data.slice(i * width, (i + 1) * width)) };
}
