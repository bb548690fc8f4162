// What Markdown from outside may become: no script, no request, no link that runs; code, mathematics and tables drawn.
import { describe, expect, test } from "bun:test";
import { MantineProvider } from "@mantine/core";
import { createElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { MarkdownBody } from "./markdown.tsx";
import { isRich, withMathMarks } from "./markdown-math.ts";
import { rich } from "./markdown-rich.ts";

const draw = (text: string): string =>
  renderToStaticMarkup(createElement(MantineProvider, null, createElement(MarkdownBody, { text, rich })));

describe("what must not come through", () => {
  test.each([
    "<script>alert(1)</script>",
    '<img src="x" onerror="alert(1)">',
    "<iframe src='https://evil.example'></iframe>",
    "[click](javascript:alert(1))",
    "[click](data:text/html,<script>alert(1)</script>)",
    "![x](javascript:alert(1))",
    "<svg onload=alert(1)>",
    '<a href="javascript:alert(1)">x</a>',
    "$$\\href{javascript:alert(1)}{x}$$",
    "$$\\htmlClass{evil}{x}$$",
    "$$\\includegraphics{https://evil.example/x.png}$$",
    "```html\n<script>alert(1)</script>\n```",
    '```"><script>alert(1)</script>\nx\n```',
  ])("%s", (text) => {
    const html = draw(text);
    expect(html).not.toMatch(/<(script|iframe|img|svg[^>]*onload|object|embed|style>)/i);
    expect(html).not.toMatch(/(href|src)="(javascript|data):/i);
    expect(html).not.toMatch(/<[^>]+\son\w+=/i);
    expect(html).not.toContain('class="evil"');
  });

  test("a picture from elsewhere is named, not loaded", () => {
    const html = draw("![a map](https://example.com/m.png)");
    expect(html).not.toContain("<img");
    expect(html).toContain('href="https://example.com/m.png"');
    expect(html).toContain("a map");
  });

  test("a formula that grows without end is refused quickly", () => {
    const from = performance.now();
    const html = draw("$$\\def\\a{\\a\\a}\\a$$");
    expect(html).toContain("katex-error");
    expect(performance.now() - from).toBeLessThan(1000);
  });
});

describe("what must be drawn", () => {
  test("code in colours with its language, tables, mathematics", () => {
    const code = draw("```python\ndef f(): return 'x'\n```");
    expect(code).toContain('<span class="hljs-keyword">def</span>');
    expect(code).toContain("<span>python</span>");
    expect(draw("| a |\n|---|\n| b |")).toContain("<td>b</td>");
    expect(draw("so \\(x^2\\) is")).toContain('class="katex"');
    expect(draw("\\[\nx^2\n\\]")).toContain("katex-display");
  });
  test("a language that nobody knows stays plain", () => {
    expect(draw("```klingon\nnuqneH\n```")).toContain("nuqneH");
  });
});

test.each([
  ["it costs $5 and $10", "it costs $5 and $10"],
  ["$x$ and $y_1$", "$$x$$ and $$y_1$$"],
  ["`$x$` stays", "`$x$` stays"],
  ["```\n\\(x\\)\n```", "```\n\\(x\\)\n```"],
  ["a \\(b\\) c", "a $$b$$ c"],
  ["$$ a = b $$", "\n$$\na = b\n$$\n"],
  ["\\$x$", "\\$x$"],
])("%j is marked %j", (text, wanted) => {
  expect(withMathMarks(text)).toBe(wanted);
});

test("a plain text needs no more than it has", () => {
  expect([isRich("Hello, **you**."), isRich("a $x$"), isRich("```js\n1\n```")]).toEqual([false, true, true]);
});
