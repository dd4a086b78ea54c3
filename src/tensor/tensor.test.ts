import { expect, it } from "vitest";
import { bytesPerElement, float32, int64Vector, scalar, sizeOf, stridesOf, tensor, toNumbers } from "./tensor.ts";

it("keeps dims and data together", () => {
  expect(sizeOf([2, 3, 4])).toBe(24);
  expect(sizeOf([])).toBe(1);
  expect(stridesOf([2, 3, 4])).toEqual([12, 4, 1]);
  expect(() => tensor("float32", [2, 2], new Float32Array(3))).toThrow("internal");
});

it("reads integers of any width as numbers, and refuses what has none", () => {
  expect(toNumbers(int64Vector([3, -1]))).toEqual([3, -1]);
  expect(toNumbers(scalar("uint8", 7))).toEqual([7]);
  expect(toNumbers(float32([1], [0.5]))).toEqual([0.5]);
  expect(() => toNumbers(tensor("string", [1], ["a"]))).toThrow("internal");
  expect(bytesPerElement("int64")).toBe(8);
});
