import { BlindspotError } from "../../base/errors.ts";

/**
 * An image as the measures take it: [height, width, channels] in row-major order, values in 0..1. Values outside of 0..1 are
 * measured as they are.
 */
export type Image = ArrayLike<number>;

/** Height, width and channels. Throws `E_INPUT_SHAPE` unless all images have just that many values. */
export function requireImages(dims: readonly number[], ...images: readonly Image[]): [number, number, number] {
  const [height = 0, width = 0, channels = 0] = dims;
  const size = height * width * channels;
  const wrong = images.find((image) => image.length !== size);
  if (dims.length === 3 && size > 0 && wrong === undefined) return [height, width, channels];
  throw new BlindspotError({
    code: "E_INPUT_SHAPE",
    subject: "image measure",
    expected: "images of height x width x channels, none of them 0",
    got: `${dims.join("x")}${wrong === undefined ? "" : ` and ${wrong.length} values`}`,
  });
}
