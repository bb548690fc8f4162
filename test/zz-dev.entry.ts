// dev
import { startWalk } from "./browser-kit.ts";

const walk = await startWalk();
const { page } = walk;
page.on("console", (m) => console.log("console:", m.text().slice(0, 500)));
page.on("pageerror", (e) => console.log("error:", e.stack?.slice(0, 800)));
try {
  await walk.setUp();
  await walk.open("/images");
  await page.waitForTimeout(3000);
  await page.screenshot({ path: "/tmp/h/imgshots/empty.png" });
} finally {
  await walk.close();
}
