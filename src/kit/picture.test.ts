// Pictures by their bytes: every format is read, and what is cut off, empty, too large or something else is refused.
import { expect, test } from "bun:test";
import { isEspalierError } from "./errors.ts";
import { limits } from "./limits.ts";
import { noPictures, pngOf, redPictures } from "./picture.test-kit.ts";
import { readPicture } from "./picture.ts";

function refusal(bytes: Uint8Array): string {
  try {
    return JSON.stringify(readPicture(bytes));
  } catch (error) {
    if (!isEspalierError(error) || error.code !== "PICTURE_UNREADABLE") throw error;
    return error.message;
  }
}

test("type and size come from the bytes", () => {
  const found = Object.entries(redPictures).map(([name, bytes]) => [name, readPicture(bytes)]);
  const size = { width: 3, height: 2 };
  const webp = { mediaType: "image/webp", ...size };
  const jpeg = { mediaType: "image/jpeg", ...size };
  expect(Object.fromEntries(found)).toEqual({
    png: { mediaType: "image/png", ...size },
    gif: { mediaType: "image/gif", ...size },
    webpLossy: webp,
    webpLossless: webp,
    webpAlpha: webp,
    jpeg,
    jpegProgressive: jpeg,
  });
});

test("a picture within a larger buffer is read by its own bounds", () => {
  const larger = new Uint8Array(redPictures.png.length + 20);
  larger.set(redPictures.png, 10);
  const view = larger.subarray(10, 10 + redPictures.png.length);
  expect(readPicture(view)).toEqual({ mediaType: "image/png", width: 3, height: 2 });
});

test("every cut of every format is refused", () => {
  for (const [name, bytes] of Object.entries(redPictures)) {
    // Without its last byte a GIF has only lost the trailer, which some programs never write.
    const end = name === "gif" ? bytes.length - 2 : bytes.length - 1;
    for (let cut = 0; cut <= end; cut++)
      expect(`${name} ${cut}: ${refusal(bytes.subarray(0, cut))}`).toMatch(/is cut off|are no PNG/);
  }
});

test("damaged bytes never make it throw anything else, nor run for long", () => {
  let seed = 7;
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((seed / 2 ** 31) * below);
  };
  for (const bytes of Object.values(redPictures))
    for (let round = 0; round < 500; round++) {
      const damaged = bytes.slice();
      for (let n = 0; n < 4; n++) damaged[random(damaged.length)] = random(256);
      refusal(damaged);
    }
});

test("what is no picture is refused, whatever its name says", () => {
  for (const bytes of Object.values(noPictures))
    expect(refusal(bytes)).toBe("These bytes are no PNG, JPEG, WebP or GIF.");
});

test("sizes of nothing and beyond the limits are refused, the largest allowed is not", () => {
  expect(refusal(pngOf(0, 2))).toBe("The PNG picture has no size (0×2).");
  expect(refusal(pngOf(20_000, 20_000))).toBe(
    "The PNG picture has 20000×20000 pixels; a side has at most 16384, the whole 100000000.",
  );
  expect(refusal(pngOf(16_000, 16_000))).toContain("16000×16000 pixels");
  expect(readPicture(pngOf(limits.pictureSide, 6_000)).width).toBe(16_384);
  expect(refusal(pngOf(2 ** 32 - 1, 1))).toContain("4294967295×1 pixels");
});
