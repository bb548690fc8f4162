// How drizzle-kit makes the SQL of migrations/ from the tables in schema/.
import { defineConfig } from "drizzle-kit";

export default defineConfig({ dialect: "sqlite", schema: "./schema/tables/*.ts", out: "./migrations" });
