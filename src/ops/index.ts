import { convolutionOperators } from "./convolution.ts";
import { opTable } from "./define.ts";

/** Every operator that Blindspot knows. */
export const operators = opTable([...convolutionOperators]);
