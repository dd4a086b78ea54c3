import { convolutionOperators } from "./convolution.ts";
import { opTable } from "./define.ts";
import { generatorsOperators } from "./generators.ts";
import { indexingOperators } from "./indexing.ts";
import { movementOperators } from "./movement.ts";
import { shapeOperators } from "./shape.ts";
import { slicingOperators } from "./slicing.ts";

/** Every operator that Blindspot knows. */
export const operators = opTable([
  ...convolutionOperators,
  ...movementOperators,
  ...shapeOperators,
  ...slicingOperators,
  ...indexingOperators,
  ...generatorsOperators,
]);
