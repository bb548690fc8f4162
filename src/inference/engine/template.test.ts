// Hostile chat templates: whatever they do for ever ends soon, in the middle of a single step too, and harms nothing else.
import { expect, test } from "bun:test";
import { isEspalierError } from "../../kit/errors.ts";
import { limits } from "../../kit/limits.ts";
import { compileTemplate } from "./template.ts";

const special = { bosToken: null, eosToken: "~" };
const messages = [{ role: "user", content: "hi" }];
const compiled = (source: string) => compileTemplate(source, special);

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return isEspalierError(error) ? error.code : String(error);
  }
  return "(nothing thrown)";
}

/** Lists of each other: small in memory, endless to whoever walks them. */
const WEB = "{% set n = namespace(l=[1]) %}{% for i in range(60) %}{% set n.l = [n.l, n.l] %}{% endfor %}";

test.each([
  ["long loops", "{% for i in range(999999) %}{% for j in range(999999) %}{% endfor %}{% endfor %}"],
  ["one step that walks for ever", `${WEB}{{ n.l | tojson }}`],
  ["a macro that calls itself", "{% macro m(x) %}{{ m(x) }}{{ m(x) }}{% endmacro %}{{ m(1) }}"],
  [
    "a doubled text",
    "{% set n = namespace(t='x') %}{% for i in range(99) %}{% set n.t = n.t ~ n.t %}{% endfor %}",
  ],
])("%s → refused within the limit", (_, source) => {
  const template = compiled(source);
  const before = process.cpuUsage();
  expect(codeOf(() => template.render(messages, true))).toMatch(/^TEMPLATE_(TIMEOUT|FAILED)$/);
  const { user, system } = process.cpuUsage(before);
  // The collector's threads count here too.
  expect((user + system) / 1000).toBeLessThan(4 * limits.templateMs);
});

test("what came after a template that was stopped is not stopped", () => {
  const endless = compiled(`${WEB}{{ n.l | tojson }}`);
  expect(codeOf(() => endless.render(messages, true))).toBe("TEMPLATE_TIMEOUT");
  const until = performance.now() + 2 * limits.templateMs;
  while (performance.now() < until);
  const plain = compiled("{% for m in messages %}{{ m.content }}{{ eos_token }}{% endfor %}");
  expect(plain.render(messages, false)).toBe("hi~");
});

test("a conversation as long as the product takes one is well within the limit", () => {
  const template = compiled(
    "{% for m in messages %}{% if loop.first and m['role'] == 'system' %}{{ 'S' }}{% endif %}<|im_start|>{{ m['role'] + '\\n' + m['content'] | trim + '<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
  );
  const turn = { role: "user", content: "What is the capital of France? ".repeat(20) };
  const many = Array.from({ length: limits.completionMessages }, () => turn);
  const before = process.cpuUsage();
  expect(template.render(many, true).length).toBeGreaterThan(limits.completionMessages * 600);
  expect(process.cpuUsage(before).user / 1000).toBeLessThan(limits.templateMs / 2);
});
