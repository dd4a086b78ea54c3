import { activationsOperators } from "./activations.ts";
import { comparisonOperators } from "./comparison.ts";
import { convolutionOperators } from "./convolution.ts";
import { opTable } from "./define.ts";
import { elementwiseOperators } from "./elementwise.ts";
import { generatorsOperators } from "./generators.ts";
import { globalPoolingOperators } from "./global-pooling.ts";
import { indexingOperators } from "./indexing.ts";
import { linearOperators } from "./linear.ts";
import { movementOperators } from "./movement.ts";
import { normalizationOperators } from "./normalization.ts";
import { paddingOperators } from "./padding.ts";
import { poolingOperators } from "./pooling.ts";
import { quantizeOperators } from "./quantize.ts";
import { reductionOperators } from "./reduction.ts";
import { resizeOperators } from "./resize.ts";
import { shapeOperators } from "./shape.ts";
import { slicingOperators } from "./slicing.ts";
import { softmaxOperators } from "./softmax.ts";
import { transposedConvolutionOperators } from "./transposed-convolution.ts";

/** Every operator that Blindspot knows. */
export const operators = opTable([
  ...elementwiseOperators,
  ...activationsOperators,
  ...comparisonOperators,
  ...reductionOperators,
  ...linearOperators,
  ...normalizationOperators,
  ...softmaxOperators,
  ...quantizeOperators,
  ...convolutionOperators,
  ...transposedConvolutionOperators,
  ...poolingOperators,
  ...globalPoolingOperators,
  ...movementOperators,
  ...paddingOperators,
  ...resizeOperators,
  ...shapeOperators,
  ...slicingOperators,
  ...indexingOperators,
  ...generatorsOperators,
]);
