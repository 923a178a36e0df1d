'use strict'
// Common to all measurements: the items, the clock, warm-up, median, and the one line of JSON.

const fs = require('fs')
const os = require('os')
const path = require('path')

const ITEM_BYTES = 300
const BATCH = 100
const RUNS = 3
const WARM_UP_RATIO = 0.2

// Distinct items that do not compress: a window into one slab of noise, with the index written over its
// start. Making one costs a copy, so that the figure is the peer's and not ours. The noise comes from a
// small linear congruential generator, so every run of every version writes the same bytes.
const SLAB_BYTES = 65536
const slab = Buffer.alloc(SLAB_BYTES + ITEM_BYTES)
for (let i = 0, state = 1; i < slab.length; i++) {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0
  slab[i] = state >>> 24
}

function item (index, bytes = ITEM_BYTES) {
  const buffer = Buffer.allocUnsafe(bytes)
  const at = (index * 769) % SLAB_BYTES
  slab.copy(buffer, 0, at, at + bytes)
  buffer.writeUInt32BE(index, 0)
  return buffer
}

function version (name) {
  return require(name + '/package.json').version
}

function parseArguments () {
  const options = { seconds: 3, dir: null, only: null }
  const args = process.argv.slice(2)
  for (let i = 0; i < args.length; i += 2) {
    const value = args[i + 1]
    if (value === undefined) throw new Error(args[i] + ' needs a value')
    if (args[i] === '--seconds') options.seconds = Number(value)
    else if (args[i] === '--dir') options.dir = value
    else if (args[i] === '--only') options.only = value
    else throw new Error('unknown option ' + args[i])
  }
  if (!(options.seconds >= 0.1 && options.seconds <= 60)) throw new Error('--seconds is from 0.1 to 60')
  return options
}

// Runs step() until the time is up. step() answers how many items it did; it is awaited each time.
async function rate (seconds, step) {
  const started = process.hrtime.bigint()
  const limit = BigInt(Math.round(seconds * 1e9))
  let count = 0
  let elapsed = 0n
  while (elapsed < limit) {
    count += await step()
    elapsed = process.hrtime.bigint() - started
  }
  return count / (Number(elapsed) / 1e9)
}

function median (values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1]
}

// A case is { name, unit, peer, run(dir, seconds) -> items per second }. Every run gets an empty folder.
async function measure (cases) {
  const options = parseArguments()
  const chosen = options.only === null ? cases : cases.filter((c) => c.name === options.only)
  const root = fs.mkdtempSync(path.join(options.dir || os.tmpdir(), 'notch-peers-'))
  let folder = 0
  const once = async (c, seconds) => {
    const dir = path.join(root, String(folder++))
    const value = await c.run(dir, seconds)
    fs.rmSync(dir, { recursive: true, force: true })
    return value
  }
  try {
    for (const c of chosen) {
      await once(c, options.seconds * WARM_UP_RATIO)
      const runs = []
      for (let i = 0; i < RUNS; i++) runs.push(Math.round(await once(c, options.seconds)))
      const line = { name: c.name, value: median(runs), unit: c.unit, peer: c.peer, runs, seconds: options.seconds }
      process.stdout.write(JSON.stringify(line) + '\n')
    }
  } finally {
    fs.rmSync(root, { recursive: true, force: true })
  }
}

function main (cases) {
  measure(cases).catch((err) => {
    process.stderr.write('measurement failed: ' + (err && err.stack ? err.stack : err) + '\n')
    process.exitCode = 1
  })
}

module.exports = { BATCH, ITEM_BYTES, item, main, rate, version }
