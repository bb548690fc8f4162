// The first import of every entry: switches the telemetry of all libraries off before any of them is loaded.
// It writes the environment itself, because it comes before src/config.ts.
import { dlopen } from "bun:ffi";

const QUIET = {
  // ONNX Runtime 1.29 and later report to Microsoft on Linux and macOS unless this is set.
  ORT_DISABLE_TELEMETRY: "1",
  // The trainer's Python libraries inherit these.
  HF_HUB_DISABLE_TELEMETRY: "1",
  DO_NOT_TRACK: "1",
} as const;

for (const [name, value] of Object.entries(QUIET)) process.env[name] = value;

// Bun keeps process.env to itself: C code in this process reads the C library's own copy.
if (process.platform !== "win32") {
  const libc = dlopen(process.platform === "darwin" ? "libSystem.dylib" : "libc.so.6", {
    setenv: { args: ["ptr", "ptr", "i32"], returns: "i32" },
  });
  const text = (value: string): Buffer => Buffer.from(`${value}\0`);
  for (const [name, value] of Object.entries(QUIET)) {
    if (libc.symbols.setenv(text(name), text(value), 1) !== 0)
      throw new Error(`setenv ${name} failed: telemetry of native libraries cannot be switched off`);
  }
}
