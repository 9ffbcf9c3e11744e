// Drives a headless Chromium over its debugging pipe: opens the page, uses it as people do, and takes pictures.
//
//   node e2e/lib/html.mjs PAGE FOLDER
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [page, folder] = process.argv.slice(2);
const browser = spawn("chromium", ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
  `--user-data-dir=${folder}/profile`, "--window-size=1200,900"], { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
const waiting = new Map(), requests = [], complaints = [];
let last = 0, rest = "";
browser.stdio[4].on("data", bytes => {
  const parts = (rest + bytes).split("\0");
  rest = parts.pop();
  for (const message of parts.map(part => JSON.parse(part))) {
    if (message.id) waiting.get(message.id)(message);
    if (message.method === "Network.requestWillBeSent") requests.push(message.params.request.url);
    if (message.method === "Runtime.exceptionThrown") complaints.push(message.params.exceptionDetails.text);
  }
});
let sessionId;
const call = (method, params = {}) => new Promise((done, fail) => {
  waiting.set(++last, answer => answer.error ? fail(new Error(answer.error.message)) : done(answer.result));
  browser.stdio[3].write(JSON.stringify({ id: last, method, params, sessionId }) + "\0");
});
const see = async code => (await call("Runtime.evaluate", { expression: code, returnByValue: true, awaitPromise: true })).result.value;
const key = async (key, text) => {
  await call("Input.dispatchKeyEvent", { type: "keyDown", key, text });
  await call("Input.dispatchKeyEvent", { type: "keyUp", key });
};
const click = async selector => {
  const [x, y] = await see(`(() => { const node = document.querySelector(${JSON.stringify(selector)}); node.scrollIntoView({ block: "center" });
    const box = node.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; })()`);
  for (const type of ["mousePressed", "mouseReleased"]) await call("Input.dispatchMouseEvent", { type, x, y, button: "left", clickCount: 1 });
};
const picture = async name => writeFileSync(`${folder}/${name}.png`, (await call("Page.captureScreenshot")).data, "base64");
const rows = () => see(`[...document.querySelectorAll("#images tbody tr")].map(row => row.innerText.replace(/\\s+/g, " "))`);
const pause = () => new Promise(done => setTimeout(done, 300));

try {
  const { targetId } = await call("Target.createTarget", { url: "about:blank" });
  ({ sessionId } = await call("Target.attachToTarget", { targetId, flatten: true }));
  for (const part of ["Page", "Runtime", "Network"]) await call(`${part}.enable`);
  await call("Page.navigate", { url: pathToFileURL(page).href });
  for (let tries = 0; !(await see(`document.readyState === "complete" && !!document.querySelector("#sum").textContent`)); tries++) {
    assert(tries < 100, "the page does not load");
    await pause();
  }
  assert.equal((await rows()).length, 7);
  assert.match(await see(`document.querySelector("#sum").innerText`), /7 of 7 images shown, 4 with a gap/);
  assert.equal(await see(`document.querySelectorAll("#images tbody tr.gap").length`), 4);
  const red = await see(`getComputedStyle(document.querySelector("#images tr.gap")).color`);
  assert.notEqual(red, await see(`getComputedStyle(document.querySelector("#images tbody tr:not(.gap)")).color`));
  assert.equal(await see(`document.querySelectorAll("b").length`), 1, "a text of the repository became markup");
  assert.match((await rows())[3], /secret-not-shipped Pod elsewhere names pull secret acr-secret, which nothing ships in namespace web/);
  await picture("light");

  await click("#gaps");
  assert.deepEqual((await rows()).map(row => row.split(" ")[1]), ["Pod/lacking", "Pod/elsewhere", "Pod/homeless", "Pod/homeless"]);
  await click("#matrices td.gap button");
  assert.deepEqual((await rows()).map(row => row.split(" ")[1]), ["Pod/homeless", "Pod/homeless"], "a cell chooses its registry and namespace");
  assert.equal(await see(`document.activeElement.getAttribute("aria-pressed")`), "true", "the focus stays on the cell");
  await key("Escape"); await pause();
  assert.equal((await rows()).length, 7);

  await see(`document.activeElement.blur()`);
  await key("/", "/");
  assert.equal(await see(`document.activeElement.id`), "search");
  await call("Input.insertText", { text: "quay lack" });
  assert.deepEqual((await rows()).length, 1);
  const reached = new Set();
  for (let step = 0; step < 40; step++) {
    await key("Tab", undefined);
    reached.add(await see(`document.activeElement.id || document.activeElement.tagName`));
  }
  assert(["registry", "namespace", "gaps"].every(id => reached.has(id)) && reached.has("BUTTON") && reached.has("skipsum"), [...reached].join(" "));
  await key("Escape"); await pause();
  const light = await see(`getComputedStyle(document.body).backgroundColor`);
  await click("#theme");
  assert.notEqual(await see(`getComputedStyle(document.body).backgroundColor`), light);
  await picture("dark");

  await call("Emulation.setEmulatedMedia", { media: "print" });
  assert.equal(await see(`getComputedStyle(document.querySelector("form")).display`), "none");
  assert(Buffer.from((await call("Page.printToPDF")).data, "base64").length > 5000);
  assert.deepEqual(complaints, []);
  assert.deepEqual(requests.filter(url => !url.startsWith("file:") && !url.startsWith("data:")), []);
  console.log(`7 images, 4 gaps; clicks, keys, both themes, print; no request but the page; pictures in ${folder}`);
} finally {
  browser.kill();
}
