import assert from "node:assert/strict";
import { test } from "node:test";

import { Config } from "../src/config.js";

const minute = 60 * 1000;

// The guideline's cache says five minutes, and keeps its values for ever.
for (const kind of ["parameter", "secret"]) {
  test(`a ${kind} is read once in five minutes`, async () => {
    let value = "";
    const asked = [];
    const store = {
      async send({ input }) {
        asked.push(input);
        if (!value) throw new Error("nothing there");
        return { Parameter: { Value: `${input.Name}=${value}` }, SecretString: `${input.SecretId}=${value}` };
      },
    };
    const config = new Config({ ssm: store, secrets: store });
    for (const [after, name, is, want, reads] of [
      [0, "a", "", undefined, 1],
      [0, "a", "one", "a=one", 2], // a failure is not kept
      [5 * minute - 1, "a", "two", "a=one", 2],
      [5 * minute - 1, "b", "two", "b=two", 3], // each for itself
      [5 * minute, "a", "two", "a=two", 4],
      [10 * minute - 1, "a", "three", "a=two", 4],
      [10 * minute, "a", "", undefined, 5], // what is old is not served
    ]) {
      value = is;
      const got = config[kind](name, after);
      if (want === undefined) await assert.rejects(got);
      else assert.equal(await got, want);
      assert.equal(asked.length, reads, `${name} after ${after}`);
    }
    if (kind === "parameter") assert.ok(asked.every(({ WithDecryption }) => WithDecryption));
  });
}
