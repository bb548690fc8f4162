// How a program calls a registered model: curl and the official OpenAI clients, ready to copy.
import { Tabs, Text } from "@mantine/core";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { t } from "../i18n.ts";
import { CodeBlock } from "../ui/bits.tsx";

/** The official clients' package, on npm and PyPI; the UI itself ships none. */
const clientPackage = "openai";

type Language = "curl" | "python" | "javascript";

const labels: Record<Language, string> = { curl: "curl", python: "Python", javascript: "JavaScript" };

/** The shortest program of a language that asks `alias` something; `origin` is this server's address. */
export function snippet(language: Language, origin: string, alias: string): string {
  const model = JSON.stringify(alias);
  if (language === "curl")
    return `curl ${origin}/v1/chat/completions \\
  -H "authorization: Bearer $ESPALIER_KEY" -H "content-type: application/json" \\
  -d '{"model": ${model}, "messages": [{"role": "user", "content": "Hello"}]}'`;
  if (language === "python")
    return `import os
from ${clientPackage} import OpenAI

client = OpenAI(base_url="${origin}/v1", api_key=os.environ["ESPALIER_KEY"])
reply = client.chat.completions.create(
    model=${model},
    messages=[{"role": "user", "content": "Hello"}],
)
print(reply.choices[0].message.content)`;
  return `import { env } from "node:process";
import OpenAI from "${clientPackage}";

const client = new OpenAI({ baseURL: "${origin}/v1", apiKey: env.ESPALIER_KEY });
const reply = await client.chat.completions.create({
  model: ${model},
  messages: [{ role: "user", content: "Hello" }],
});
console.log(reply.choices[0].message.content);`;
}

export function Snippets(props: { alias: string }) {
  const { code } = useSearch({ strict: false }) as { code?: string };
  const navigate = useNavigate();
  return (
    <>
      <Text size="sm" mb={8}>
        {t("Any OpenAI client works: base address {{url}}, a key from Settings, this alias as model.", {
          url: `${location.origin}/v1`,
        })}
      </Text>
      <Tabs
        value={code && code in labels ? code : "curl"}
        onChange={(value) =>
          navigate({
            to: ".",
            search: (old: Record<string, unknown>) => ({ ...old, code: value ?? undefined }),
            replace: true,
          })
        }
        color="leaf"
      >
        <Tabs.List mb={12}>
          {Object.entries(labels).map(([language, label]) => (
            <Tabs.Tab key={language} value={language}>
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {(["curl", "python", "javascript"] as const).map((language) => (
          <Tabs.Panel key={language} value={language}>
            <CodeBlock
              text={snippet(language, location.origin, props.alias)}
              label={t("Copy the {{language}} example", { language: labels[language] })}
            />
          </Tabs.Panel>
        ))}
      </Tabs>
    </>
  );
}
