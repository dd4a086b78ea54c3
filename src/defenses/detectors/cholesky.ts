import { internalError } from "../../base/errors.ts";

/**
 * The lower triangle L of a symmetric positive definite matrix A = L L^T.
 * @param matrix row-major, size x size; only its lower triangle is read
 */
export function cholesky(matrix: Float64Array, size: number): Float64Array {
  const l = new Float64Array(size * size);
  for (let i = 0; i < size; i++)
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * size + j]!;
      for (let k = 0; k < j; k++) sum -= l[i * size + k]! * l[j * size + k]!;
      if (i !== j) l[i * size + j] = sum / l[j * size + j]!;
      else if (sum > 0) l[i * size + i] = Math.sqrt(sum);
      else throw internalError(`a matrix that is not positive definite (row ${i})`);
    }
  return l;
}

/** The inverse of a lower triangle, itself one. */
export function invertLower(l: Float64Array, size: number): Float64Array {
  const inverse = new Float64Array(size * size);
  for (let j = 0; j < size; j++) {
    inverse[j * size + j] = 1 / l[j * size + j]!;
    for (let i = j + 1; i < size; i++) {
      let sum = 0;
      for (let k = j; k < i; k++) sum -= l[i * size + k]! * inverse[k * size + j]!;
      inverse[i * size + j] = sum / l[i * size + i]!;
    }
  }
  return inverse;
}

/** Solves A v = b for A = L L^T. */
export function solveCholesky(l: Float64Array, b: Float64Array): Float64Array {
  const size = b.length;
  const v = Float64Array.from(b);
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < i; k++) v[i]! -= l[i * size + k]! * v[k]!;
    v[i]! /= l[i * size + i]!;
  }
  for (let i = size - 1; i >= 0; i--) {
    for (let k = i + 1; k < size; k++) v[i]! -= l[k * size + i]! * v[k]!;
    v[i]! /= l[i * size + i]!;
  }
  return v;
}
