// Loaded into the peer's Node before anything else: its sleeps pass by the embedded AWS's clock, as Meridian's own do.
// Only sleeps are shortened: half a second or more, and nothing to do at the end but to go on (a promise's own function, or the next
// look at a stack's events). Whatever guards a connection keeps wall time.
"use strict";
const speed = Number(process.env.MERIDIAN_BENCH_SPEED);
const original = globalThis.setTimeout;
const isSleep = (action) => /\[native code\]|this\.tick\(\)/.test(Function.prototype.toString.call(action));

function scaled(action, delay, ...rest) {
  return original(action, delay >= 500 && isSleep(action) ? delay / speed : delay, ...rest);
}
// util.promisify(setTimeout) finds its own form there.
Object.defineProperties(scaled, Object.getOwnPropertyDescriptors(original));
if (speed > 1) globalThis.setTimeout = scaled;
