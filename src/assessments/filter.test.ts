// Which rows a filter lets through.
import { expect, test } from "bun:test";
import { checkFilter, matchingRows, type RowFilter } from "./filter.ts";
import { matrixOf } from "./matrix.test-kit.ts";

//                              row:  0  1  2     3          4
const matrix = matrixOf({ a: [1, 0, 1, undefined, 0.5], b: [1, 1, 0, 1, null], c: [1, 1, 1, 1, 0.5] });
const any: RowFilter = { show: "all", candidate: null, than: null, grader: null, search: null };
const cases: [change: Partial<RowFilter>, rows: number[]][] = [
  [{}, [0, 1, 2, 3, 4]],
  [{ show: "disagree" }, [1, 2, 3, 4]],
  [{ show: "wrong" }, [1, 2, 3, 4]],
  [{ show: "wrong", candidate: "c" }, [4]],
  [{ show: "failed" }, [3]],
  [{ show: "failed", candidate: "b" }, []],
  [{ show: "unscored" }, [4]],
  [{ show: "unscored", candidate: "a" }, []],
  [{ show: "better", candidate: "a" }, [2]],
  [{ show: "better", candidate: "a", than: "c" }, []],
  [{ show: "better", than: "a" }, [1]],
  [{ show: "worse", candidate: "a" }, [1]],
  [{ show: "worse", candidate: "b", than: "a", grader: 0 }, [2]],
];
test.each(cases)("%j", (change, rows) => {
  expect(matchingRows(matrix, { ...any, ...change })).toEqual(rows);
});

test("what cannot be is refused, naming the field", () => {
  const asked = [{ id: "a" }];
  const check = (change: Partial<RowFilter>) => () => checkFilter({ ...any, ...change }, asked, 1);
  expect(check({ candidate: "x" })).toThrow('by candidate "x"');
  expect(check({ than: "x" })).toThrow('by than "x"');
  expect(check({ grader: 1 })).toThrow('by grader "1"');
  expect(check({ grader: -1 })).toThrow("counted from 0");
  expect(check({ search: "x".repeat(201) })).toThrow("searchChars is 200");
  expect(check({ search: "  x " })().search).toBe("x");
  expect(check({ search: "  " })().search).toBeNull();
});
