// What a JSON schema of draft 2020-12 may be, as a schema itself, in one document and without references that depend on
// where they are followed from. After https://json-schema.org/draft/2020-12/schema and its vocabularies.
import type { Schema } from "@cfworker/json-schema";

const schema: Schema = { $ref: "#" };
const schemas: Schema = { type: "array", minItems: 1, items: schema };
const schemasByName: Schema = { type: "object", additionalProperties: schema };
const text: Schema = { type: "string" };
const names: Schema = { type: "array", items: text, uniqueItems: true };
const count: Schema = { type: "integer", minimum: 0 };
const number: Schema = { type: "number" };
const flag: Schema = { type: "boolean" };
const expression: Schema = { type: "string", format: "regex" };
const type: Schema = { enum: ["array", "boolean", "integer", "null", "number", "object", "string"] };
const types: Schema = { type: "array", items: type, minItems: 1, uniqueItems: true };

export const META_SCHEMA: Schema = {
  type: ["object", "boolean"],
  properties: {
    $id: text,
    $schema: text,
    $ref: text,
    $anchor: text,
    $comment: text,
    $defs: schemasByName,
    definitions: schemasByName,
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    type: { if: { type: "array" }, then: types, else: type },
    enum: { type: "array" },
    multipleOf: { type: "number", exclusiveMinimum: 0 },
    maximum: number,
    exclusiveMaximum: number,
    minimum: number,
    exclusiveMinimum: number,
    maxLength: count,
    minLength: count,
    pattern: expression,
    maxItems: count,
    minItems: count,
    uniqueItems: flag,
    maxContains: count,
    minContains: count,
    maxProperties: count,
    minProperties: count,
    required: names,
    dependentRequired: { type: "object", additionalProperties: names },
    format: text,
    allOf: schemas,
    anyOf: schemas,
    oneOf: schemas,
    not: schema,
    if: schema,
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: schema,
    else: schema,
    dependentSchemas: schemasByName,
    prefixItems: schemas,
    items: schema,
    contains: schema,
    properties: schemasByName,
    patternProperties: { type: "object", propertyNames: expression, additionalProperties: schema },
    additionalProperties: schema,
    propertyNames: schema,
    unevaluatedItems: schema,
    unevaluatedProperties: schema,
  },
};
