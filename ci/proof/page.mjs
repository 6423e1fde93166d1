// Opens HTML reports in headless Chromium and holds them to what they promise: node ci/proof/page.mjs FOLDER PAGE...
//
// Each PAGE is NAME=FILE. Asserted for each: no error on the console, no request beyond the file itself, filter and sorting
// work, a clip plays, every control is reached by Tab, nothing sticks out from 360 to 1280 px, axe finds nothing serious or
// critical in light and dark, all is there without JavaScript and on paper. Screenshots and PDFs are kept in FOLDER. A NAME that
// begins with `large` is opened once and timed: it has to be ready within 2 s (RIGTONE_PAGE_SECONDS sets another number), and the
// filter has to answer in as much.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const browserFolder = process.env.RIGTONE_BROWSER_MODULES ?? new URL("../browser/", import.meta.url).pathname;
const require = createRequire(join(browserFolder, "package.json"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const [folder, ...pages] = process.argv.slice(2);
if (!folder || pages.length === 0) {
  console.error("usage: node ci/proof/page.mjs FOLDER NAME=FILE...");
  process.exit(2);
}
mkdirSync(folder, { recursive: true });
const within = Number(process.env.RIGTONE_PAGE_SECONDS ?? "2");
const data = mkdtempSync(join(tmpdir(), "rigtone-page-"));
const start = (folder, options) => chromium.launchPersistentContext(folder, {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  headless: true,
  viewport: { width: 1280, height: 900 },
  args: [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required",
  ],
  ...options,
});
const context = await start(join(data, "script"), {});
const bare = await start(join(data, "bare"), { javaScriptEnabled: false });

const faults = [];
const check = async (name, what, proof) => {
  try {
    const said = await proof();
    console.log(`ok      ${name}: ${what}${said ? ` (${said})` : ""}`);
  } catch (error) {
    faults.push(`${name}: ${what}`);
    console.log(`FAILED  ${name}: ${what}: ${error.message.split("\n").slice(0, 12).join("\n        ")}`);
  }
};

const open = async (url, options = {}) => {
  const page = await context.newPage();
  const seen = { console: [], requests: [] };
  page.on("console", (message) => { if (["error", "warning"].includes(message.type())) seen.console.push(message.text()); });
  page.on("pageerror", (error) => seen.console.push(String(error)));
  page.on("dialog", (dialog) => { seen.console.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("request", (request) => {
    if (!request.url().startsWith("data:") && request.url() !== url.split("#")[0]) seen.requests.push(request.url());
  });
  await page.emulateMedia({ colorScheme: options.scheme ?? "light" });
  await page.setViewportSize(options.size ?? { width: 1280, height: 900 });
  await page.goto(url, { waitUntil: "load" });
  return { page, seen };
};

const serious = async (page) => {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  const bad = violations.filter((v) => ["serious", "critical"].includes(v.impact));
  assert.deepEqual(bad.map((v) => `${v.id}: ${v.nodes.length}, ${v.nodes[0].html.slice(0, 200)} ${v.nodes[0].failureSummary}`), []);
  return `${violations.length} lesser findings${violations.length ? `: ${violations.map((v) => v.id).join(", ")}` : ""}`;
};

const unfold = (page, most) => page.evaluate((most) => {
  for (const element of [...document.querySelectorAll("details")].slice(0, most)) element.open = true;
}, most);

const CELLS = ".matrix [data-verdict]";
const cells = (page) => page.$$eval(`${CELLS}:not(.dim)`, (all) => all.filter((cell) => cell.offsetParent).length);

for (const given of pages) {
  const at = given.indexOf("=");
  const [name, file] = [given.slice(0, at), resolve(given.slice(at + 1))];
  const url = pathToFileURL(file).href;
  const bytes = statSync(file).size;
  await check(name, "the page is smaller than 10 MB", () => { assert.ok(bytes < 10e6, `${bytes} bytes`); return `${(bytes / 1e6).toFixed(2)} MB`; });

  if (name.startsWith("large")) {
    await check(name, `it is ready within ${within} s`, async () => {
      const { page, seen } = await open(url);
      const ms = await page.evaluate(() => performance.getEntriesByType("navigation")[0].loadEventEnd);
      assert.ok(ms < within * 1000, `${Math.round(ms)} ms`);
      assert.deepEqual(seen, { console: [], requests: [] });
      await page.screenshot({ path: join(folder, `${name}.png`) });
      const there = [await cells(page), await page.locator("details.combination").count(), await page.locator("details.trial").count()];
      assert.ok(there.every((count) => count > 0), `cells, combinations, trials: ${there}`);
      const filtered = await page.evaluate(async () => {
        const text = document.querySelector("input[name=text]");
        const begun = performance.now();
        text.value = "no such device anywhere";
        text.dispatchEvent(new Event("input", { bubbles: true }));
        await new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)));
        return performance.now() - begun;
      });
      assert.equal(await cells(page), 0);
      assert.ok(filtered < within * 1000, `the filter took ${Math.round(filtered)} ms`);
      await page.close();
      return `${Math.round(ms)} ms, the filter ${Math.round(filtered)} ms; ${there[0]} cells, ${there[1]} combinations, ${there[2]} trials`;
    });
    continue;
  }

  const { page, seen } = await open(url);
  await page.screenshot({ path: join(folder, `${name}-light.png`) });

  await check(name, "the filter by verdict, text and scenario counts right, and is kept in the address", async () => {
    const all = await cells(page);
    const words = await page.$$eval("input[name=verdict]", (boxes) => boxes.map((box) => box.value));
    assert.ok(all > 0 && words.length > 0);
    let sum = 0;
    for (const word of words) {
      for (const other of words) await page.setChecked(`input[name=verdict][value="${other}"]`, other === word);
      const shown = await cells(page);
      const there = await page.$$eval(CELLS, (all, word) => all.filter((c) => c.dataset.verdict.split(",").includes(word)).length, word);
      assert.equal(shown, there, word);
      assert.match(await page.textContent("#shown"), new RegExp(`^${shown}( of ${all})? shown`));
      sum += shown;
    }
    assert.ok(sum >= all);
    assert.match(page.url(), /without=/);
    const kept = await cells(page);
    const again = await open(page.url());
    assert.equal(await cells(again.page), kept);
    await again.page.close();
    await page.click("#filter button[type=reset]");
    await page.waitForFunction((all) => document.getElementById("shown").textContent === `${all} shown`, all);
    await page.fill("input[name=text]", "no such device anywhere");
    assert.equal(await cells(page), 0);
    await page.fill("input[name=text]", "");
    const first = await page.$eval("select[name=scenario] option:nth-child(2)", (option) => option.value);
    await page.selectOption("select[name=scenario]", first);
    const sections = await page.$$eval("section.scenario", (all) => all.filter((s) => !s.hidden).map((s) => s.dataset.scenario));
    assert.deepEqual(sections, [first]);
    await page.click("#filter button[type=reset]");
    await page.waitForFunction((all) => document.getElementById("shown").textContent === `${all} shown`, all);
    return `${all} cells`;
  });

  await check(name, "the filter finds codecs, devices and firmware, in the matrix and below it", async () => {
    // Words that stand in the head of a row and above a column, each with the cells that it belongs to.
    const wanted = await page.$$eval(CELLS, (all) => {
      const found = new Map();
      for (const cell of all) {
        const own = [cell.closest("td").dataset.column, ...[...cell.closest("tr").querySelectorAll("th")].map((head) => head.textContent)];
        for (const text of own.map((text) => text.trim()).filter(Boolean)) found.set(text, 0);
      }
      for (const text of found.keys()) {
        const words = text.toLowerCase().split(/\s+/);
        const fits = (cell) => {
          const own = [...cell.querySelectorAll(".also")].reduce((said, also) => said.replace(also.textContent, ""), cell.textContent);
          const said = [own, cell.closest("td").dataset.column, ...[...cell.closest("tr").querySelectorAll("th")].map((head) => head.textContent)].join(" ").toLowerCase();
          return words.every((word) => said.includes(word));
        };
        found.set(text, all.filter(fits).length);
      }
      return [...found].slice(0, 40);
    });
    assert.ok(wanted.length > 1);
    for (const [text, count] of wanted) {
      await page.fill("input[name=text]", text);
      assert.equal(await cells(page), count, text);
      const links = await page.$$eval(`${CELLS}:not(.dim) a[href^="#"]`, (all) => all.filter((a) => a.offsetParent).map((a) => a.getAttribute("href").slice(1)));
      const hidden = await page.evaluate((links) => links.filter((id) => document.getElementById(id).closest("details").hidden), links);
      assert.deepEqual(hidden, [], text);
    }
    await page.click("#filter button[type=reset]");
    return `${wanted.length} words`;
  });

  await check(name, "every column sorts, there and back", async () => {
    const ranks = () => page.$$eval("section.scenario table.matrix", (tables) => tables.map((table) =>
      [...table.querySelectorAll("thead th")].map((head, place) => [head.getAttribute("aria-sort"), [...table.tBodies[0].rows].map((row) => row.cells[place].dataset.rank ?? "9")])));
    const heads = await page.$$("th[data-sort=rank] .sort");
    assert.ok(heads.length > 0);
    for (const turned of ["ascending", "descending"]) {
      for (const head of heads) {
        const parent = await head.evaluateHandle((button) => button.parentElement);
        do await head.click(); while ((await parent.evaluate((head) => head.getAttribute("aria-sort"))) !== turned);
        const sorted = (await ranks()).flat().filter(([sort]) => sort === turned);
        assert.ok(sorted.length > 0);
        for (const [, column] of sorted) {
          const expected = [...column].sort();
          assert.deepEqual(column, turned === "ascending" ? expected : expected.reverse());
        }
      }
    }
  });

  await check(name, "a cell leads to the details of its combination", async () => {
    const link = await page.$(`.matrix a[href^="#"]`);
    if (!link) return "no details";
    await link.click();
    const target = await link.evaluate((a) => a.getAttribute("href").slice(1));
    await page.waitForFunction((id) => document.getElementById(id).closest("details").open, target);
    await page.waitForFunction((id) => Math.abs(document.getElementById(id).getBoundingClientRect().top) < 900, target);
  });

  await check(name, "every control is reached by Tab, those of an opened trial too", async () => {
    await page.evaluate(() => {
      for (const element of document.querySelectorAll("details")) element.open = false;
      const trial = document.querySelector("p.clip, details.trial");
      for (let at = trial; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
      for (const inside of trial?.closest("details.trial")?.querySelectorAll("details") ?? []) inside.open = true;
      location.hash = "";
      scrollTo(0, 0);
      document.activeElement.blur();
    });
    const wanted = await page.evaluate(() => {
      const all = [...document.querySelectorAll("a[href], button, input, select, summary, audio[controls], [tabindex='0']")];
      const seen = all.filter((e) => e.checkVisibility({ contentVisibilityAuto: true, visibilityProperty: true }));
      seen.forEach((element, n) => { element.dataset.tab = n; });
      globalThis.reached = new Set();
      addEventListener("focusin", (event) => { if (event.target.dataset.tab) globalThis.reached.add(event.target.dataset.tab); });
      return seen.length;
    });
    for (let n = 0; n < wanted * 2 + 20; n += 1) {
      await page.keyboard.press("Tab");
      if (n % 50 === 0 && await page.evaluate(() => globalThis.reached.size) === wanted) break;
    }
    const missed = await page.evaluate(() => [...document.querySelectorAll("[data-tab]")].filter((e) => !globalThis.reached.has(e.dataset.tab)).map((e) => e.outerHTML.slice(0, 120)));
    assert.deepEqual(missed, []);
    const within = await page.$$eval("details.trial[open] :is(audio, a[href], summary)", (all) => all.filter((e) => e.dataset.tab).length);
    if (name.startsWith("run")) assert.ok(within > 2, `${within} controls within the trial`);
    return `${wanted} controls, ${within} of a trial`;
  });

  await check(name, "a clip plays, and its line moves", async () => {
    const clip = await page.$("p.clip audio");
    if (!clip) { assert.ok(!name.startsWith("run"), "no clip"); return "no clip"; }
    await clip.evaluate((audio) => { for (let at = audio; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true; });
    await clip.focus();
    await page.keyboard.press("Space");
    await page.waitForFunction((audio) => audio.currentTime > 0.2, clip, { timeout: 20000 });
    const line = await clip.evaluate((audio) => audio.closest("figure").querySelector(".playhead").getAttribute("transform"));
    assert.match(line, /^translate\(/);
    await clip.evaluate((audio) => audio.pause());
    await page.locator("p.clip").first().scrollIntoViewIfNeeded();
    await (await clip.evaluateHandle((audio) => audio.closest("details.trial"))).asElement().screenshot({ path: join(folder, `${name}-trial.png`) });
  });

  await check(name, "pictures are whole", async () => {
    await unfold(page, 40);
    const broken = await page.evaluate(async () => {
      const all = [...document.querySelectorAll("svg image")].slice(0, 10);
      const found = await Promise.all(all.map((image) => new Promise((done) => {
        const probe = new Image();
        probe.onload = () => done(probe.naturalWidth > 0);
        probe.onerror = () => done(false);
        probe.src = image.getAttribute("href");
      })));
      return { all: found.length, broken: found.filter((whole) => !whole).length };
    });
    assert.equal(broken.broken, 0);
    if (name.startsWith("run")) assert.ok(broken.all > 0, "no picture");
    return `${broken.all} pictures`;
  });

  await check(name, "axe finds nothing serious in light", () => serious(page));
  await check(name, "nothing on the console, no request", () => assert.deepEqual(seen, { console: [], requests: [] }));
  const combination = await page.$("details.combination");
  if (combination) await combination.screenshot({ path: join(folder, `${name}-combination.png`) });
  await page.close();

  await check(name, "axe finds nothing serious in dark", async () => {
    const dark = await open(url, { scheme: "dark" });
    await dark.page.screenshot({ path: join(folder, `${name}-dark.png`) });
    await unfold(dark.page, 40);
    const found = await serious(dark.page);
    const open_ = await dark.page.$("details.combination");
    if (open_) await open_.screenshot({ path: join(folder, `${name}-combination-dark.png`) });
    await dark.page.close();
    return found;
  });

  for (const width of [700, 1024, 1280]) {
    await check(name, `nothing sticks out at ${width} px`, async () => {
      const middle = await open(url, { size: { width, height: 800 } });
      await unfold(middle.page, 40);
      assert.equal(await middle.page.evaluate(() => document.documentElement.scrollWidth), width);
      await middle.page.close();
    });
  }

  await check(name, "a narrow screen sorts by a list", async () => {
    const small = await open(url, { size: { width: 360, height: 740 } });
    const list = small.page.locator(".order select").first();
    assert.ok(await list.isVisible() && !(await small.page.locator(".sort").first().isVisible()));
    const column = await list.evaluate((select) => [...select.options].find((option) => option.text.endsWith("↓") && select.options.length > 3)?.value);
    await list.selectOption(column);
    const place = Number(column.split(",")[0]);
    const turned = await small.page.evaluate((place) => document.querySelector("table.matrix").tHead.rows[0].cells[place].getAttribute("aria-sort"), place);
    assert.equal(turned, "descending");
    await small.page.close();
  });

  await check(name, "nothing sticks out at 360 px", async () => {
    const small = await open(url, { size: { width: 360, height: 740 } });
    await small.page.screenshot({ path: join(folder, `${name}-360.png`) });
    await unfold(small.page, 40);
    const out = await small.page.evaluate(() => ({
      page: document.documentElement.scrollWidth,
      by: [...document.querySelectorAll("body *")].filter((e) => !e.closest(".scroll, .hidden, .skip, thead") && e.getBoundingClientRect().right > 361 && e.checkVisibility()).slice(0, 5).map((e) => e.outerHTML.slice(0, 160)),
    }));
    assert.deepEqual(out, { page: 360, by: [] });
    const chosen = await small.page.$("details.combination");
    if (chosen) await chosen.screenshot({ path: join(folder, `${name}-360-combination.png`) });
    await small.page.close();
  });

  await check(name, "it prints", async () => {
    const paper = await open(url);
    const pdf = await paper.page.pdf({ format: "A4", printBackground: true, margin: { top: "12mm", bottom: "12mm", left: "10mm", right: "10mm" } });
    writeFileSync(join(folder, `${name}.pdf`), pdf);
    const said = execFileSync("pdftotext", ["-layout", join(folder, `${name}.pdf`), "-"], { maxBuffer: 1 << 28 }).toString();
    const titles = await paper.page.$$eval("section.scenario :is(h3, h4) code", (all) => all.map((title) => title.textContent));
    assert.deepEqual(titles.filter((title) => !said.includes(title)), []);
    // What is closed on the screen is open on paper.
    if (name.startsWith("run")) assert.ok(said.includes("Seconds since the trial began"), "no trial is printed");
    if (name.startsWith("history")) assert.ok(said.includes("newest"), "no trend is printed");
    assert.ok(!said.includes("Show all"), "the filter is printed");
    await paper.page.close();
    return `${(pdf.length / 1e3).toFixed(0)} kB`;
  });

  await check(name, "without JavaScript all of it is there", async () => {
    const plain = await bare.newPage();
    await plain.goto(url, { waitUntil: "load" });
    assert.ok(!(await plain.locator("#filter").isVisible()) && (await plain.locator(".sort, .order").count()) === 0);
    const verdicts = plain.locator(CELLS);
    assert.ok((await verdicts.count()) > 0 && (await verdicts.first().isVisible()));
    const folded = plain.locator("details.combination").first();
    if (await folded.count()) {
      const body = folded.locator(".body").first();
      const open = await body.isVisible();
      await folded.locator("summary").first().click();
      assert.equal(await body.isVisible(), !open);
    }
    await plain.close();
    const html = readFileSync(file, "utf8");
    if (name.startsWith("history")) assert.ok(html.includes("class=\"change\""), "no change is marked");
    assert.equal((html.match(/<script/g) ?? []).length, 1);
    assert.equal((html.match(/(?:src|href)="(?:https?:)?\/\//g) ?? []).length, 0);
  });
}

await context.close();
await bare.close();
rmSync(data, { recursive: true, force: true });
if (faults.length > 0) {
  console.error(`\n${faults.length} of the promises are broken:\n  ${faults.join("\n  ")}`);
  process.exit(1);
}
