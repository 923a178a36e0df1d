'use strict'
// Hyperbee on the work of the benchmarks: put of one 300-byte entry, puts in batches, and point reads
// of random keys that exist, one at a time and 32 in flight.

const path = require('path')
const Hypercore = require('hypercore')
const Hyperbee = require('hyperbee')
const { BATCH, ITEM_BYTES, item, main, rate, version } = require('./harness')

const peer = 'hyperbee ' + version('hyperbee') + ' on hypercore ' + version('hypercore')
const KEY_BYTES = 16
const POPULATION = 20000
const IN_FLIGHT = 32

// Keys come in an order that is not their sorted order, as the hash of a record would. Multiplying by an
// odd number permutes the 32-bit numbers, so no two are equal.
function key (index) {
  return (Math.imul(index + 1, 0x9e3779b1) >>> 0).toString(16).padStart(KEY_BYTES, '0')
}

function value (index) {
  return item(index, ITEM_BYTES - KEY_BYTES)
}

async function open (dir) {
  const core = new Hypercore(path.join(dir, 'log'))
  const bee = new Hyperbee(core, { keyEncoding: 'utf-8', valueEncoding: 'binary' })
  await bee.ready()
  return bee
}

async function putBatch (bee, from, count) {
  const batch = bee.batch()
  for (let i = 0; i < count; i++) await batch.put(key(from + i), value(from + i))
  await batch.flush()
}

async function put (dir, seconds) {
  const bee = await open(dir)
  let index = 0
  const result = await rate(seconds, async () => {
    await bee.put(key(index), value(index))
    index++
    return 1
  })
  await bee.close()
  return result
}

async function putInBatches (dir, seconds) {
  const bee = await open(dir)
  let index = 0
  const result = await rate(seconds, async () => {
    await putBatch(bee, index, BATCH)
    index += BATCH
    return BATCH
  })
  await bee.close()
  return result
}

async function getOne (bee, index) {
  const node = await bee.get(key(index))
  if (node === null || node.value.length !== ITEM_BYTES - KEY_BYTES) throw new Error('entry ' + index + ' is missing')
}

async function getMany (dir, seconds, inFlight) {
  const bee = await open(dir)
  for (let index = 0; index < POPULATION; index += BATCH) await putBatch(bee, index, BATCH)
  let turn = 0
  const result = await rate(seconds, async () => {
    const reads = []
    for (let i = 0; i < inFlight; i++) reads.push(getOne(bee, Math.imul(turn++, 7919) % POPULATION))
    await Promise.all(reads)
    return inFlight
  })
  await bee.close()
  return result
}

main([
  { name: 'hyperbee_put', unit: 'entries/s', peer, run: put },
  { name: 'hyperbee_put_batch_100', unit: 'entries/s', peer, run: putInBatches },
  { name: 'hyperbee_get', unit: 'reads/s', peer, run: (dir, seconds) => getMany(dir, seconds, 1) },
  { name: 'hyperbee_get_32_in_flight', unit: 'reads/s', peer, run: (dir, seconds) => getMany(dir, seconds, IN_FLIGHT) }
])
