// The form of a method's parameters, made from its JSON Schema: six that matter, the rest folded, each with unit and why.
import { Button, Collapse, NumberInput, Select, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { z } from "zod";
import { t } from "../i18n.ts";
import { said } from "../said.ts";

const property = z.looseObject({
  type: z.union([z.string(), z.array(z.string())]).optional(),
  title: z.string().optional(),
  description: z.string().optional(),
  default: z.unknown().optional(),
  minimum: z.number().optional(),
  exclusiveMinimum: z.number().optional(),
  maximum: z.number().optional(),
  enum: z.array(z.string()).optional(),
  unit: z.string().optional(),
  group: z.string().optional(),
});
type Property = z.infer<typeof property>;
const schemaShape = z.looseObject({ properties: z.record(z.string(), property) });

/** Reads the properties of a parameters' JSON Schema; an unreadable one has none. */
export function readProperties(schema: unknown): [string, Property][] {
  const read = schemaShape.safeParse(schema);
  return read.success ? Object.entries(read.data.properties) : [];
}

function Field(props: {
  name: string;
  spec: Property;
  value: unknown;
  error: string | null;
  onChange: (value: unknown) => void;
}) {
  const { spec, name } = props;
  const title = said(spec.title ?? name);
  const unit = spec.unit ? said(spec.unit) : null;
  const label = unit && spec.unit?.toLowerCase() !== spec.title?.toLowerCase() ? `${title}, ${unit}` : title;
  const shared = {
    label,
    description: spec.description ? said(spec.description) : undefined,
    error: props.error,
    name,
    inputWrapperOrder: ["label", "input", "description", "error"] as (
      | "label"
      | "input"
      | "description"
      | "error"
    )[],
  };
  const isNumber = spec.type === "number" || spec.type === "integer";
  const fallback = spec.default;
  if (spec.enum)
    return (
      <Select
        {...shared}
        data={spec.enum}
        value={String(props.value ?? fallback ?? "")}
        allowDeselect={false}
        onChange={(value) => props.onChange(value ?? undefined)}
      />
    );
  if (isNumber)
    return (
      <NumberInput
        {...shared}
        value={typeof props.value === "number" ? props.value : typeof fallback === "number" ? fallback : ""}
        allowDecimal={spec.type === "number"}
        decimalScale={spec.type === "number" ? 10 : 0}
        {...(spec.minimum !== undefined ? { min: spec.minimum } : {})}
        {...(spec.maximum !== undefined && spec.maximum < 1e12 ? { max: spec.maximum } : {})}
        {...(spec.type === "number" ? { hideControls: true } : {})}
        onChange={(value) => props.onChange(typeof value === "number" ? value : undefined)}
      />
    );
  const text = Array.isArray(props.value) ? props.value.join(", ") : String(props.value ?? fallback ?? "");
  return (
    <TextInput
      {...shared}
      value={text}
      onChange={(event) => {
        const typed = event.currentTarget.value;
        const parts = typed
          .split(",")
          .map((part) => part.trim())
          .filter(Boolean);
        props.onChange(typed === "" ? undefined : parts.length > 1 || typed.includes(",") ? parts : typed);
      }}
    />
  );
}

export function ParametersForm(props: {
  schema: unknown;
  values: Record<string, unknown>;
  badField: { name: string; message: string } | null;
  onChange: (values: Record<string, unknown>) => void;
}) {
  const [isOpen, fold] = useDisclosure(false);
  const all = readProperties(props.schema);
  const main = all.filter(([, spec]) => spec.group === "main");
  const rest = all.filter(([, spec]) => spec.group !== "main");
  const draw = ([name, spec]: [string, Property]) => (
    <Field
      key={name}
      name={name}
      spec={spec}
      value={props.values[name]}
      error={props.badField?.name === name ? props.badField.message : null}
      onChange={(value) => {
        const { [name]: _, ...others } = props.values;
        props.onChange(value === undefined || value === spec.default ? others : { ...others, [name]: value });
      }}
    />
  );
  const grid = {
    display: "grid",
    gridTemplateColumns: "repeat(auto-fill, minmax(220px, 1fr))",
    gap: 16,
    alignItems: "start",
  } as const;
  return (
    <>
      <div style={grid}>{main.map(draw)}</div>
      {rest.length > 0 ? (
        <>
          <Button
            variant="subtle"
            size="compact-sm"
            mt={12}
            onClick={fold.toggle}
            aria-expanded={isOpen}
            c="var(--e-leaf)"
          >
            {isOpen ? t("Fewer parameters") : t("{{n}} more parameters", { n: rest.length })}
          </Button>
          <Collapse expanded={isOpen}>
            <div style={{ ...grid, marginTop: 12 }}>{isOpen ? rest.map(draw) : null}</div>
          </Collapse>
        </>
      ) : null}
    </>
  );
}
