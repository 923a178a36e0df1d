'use strict'
// Hypercore on the work of the benchmarks: append of one item, append in batches, and replication of a
// log to a second, empty one, every block checked against the signed Merkle tree by the receiver.

const path = require('path')
const Hypercore = require('hypercore')
const { BATCH, item, main, rate, version } = require('./harness')

const peer = 'hypercore ' + version('hypercore')

// The source log holds so many items for each second of the run. A longer one slows the peer down.
const REPLICATED_ITEMS_PER_SECOND = 12000
const FIRST_BLOCK_MS_MAX = 10000

async function open (dir, name, key) {
  const core = new Hypercore(path.join(dir, name), key)
  await core.ready()
  return core
}

async function append (dir, seconds) {
  const core = await open(dir, 'log')
  let index = 0
  const value = await rate(seconds, async () => {
    await core.append(item(index++))
    return 1
  })
  if (core.length !== index) throw new Error('the log holds ' + core.length + ' items, not ' + index)
  await core.close()
  return value
}

async function appendBatch (dir, seconds) {
  const core = await open(dir, 'log')
  let index = 0
  const value = await rate(seconds, async () => {
    const batch = []
    for (let i = 0; i < BATCH; i++) batch.push(item(index++))
    await core.append(batch)
    return BATCH
  })
  if (core.length !== index) throw new Error('the log holds ' + core.length + ' items, not ' + index)
  await core.close()
  return value
}

// The time runs from the first block that arrives, so that the handshake does not count, to the last
// one or to the end of the time given, whichever comes first.
function download (source, target, length, seconds) {
  return new Promise((resolve, reject) => {
    const outgoing = source.replicate(true)
    const incoming = target.replicate(false)
    const indexes = []
    let started = 0n
    let done = false
    const end = (settle) => {
      if (done) return
      done = true
      clearTimeout(timer)
      target.off('download', onDownload)
      outgoing.destroy()
      incoming.destroy()
      settle()
    }
    const finish = () => {
      const elapsed = Number(process.hrtime.bigint() - started) / 1e9
      end(() => resolve({ indexes, elapsed }))
    }
    const fail = (err) => end(() => reject(err))
    const onDownload = (index) => {
      indexes.push(index)
      if (indexes.length === 1) {
        started = process.hrtime.bigint()
        clearTimeout(timer)
        timer = setTimeout(finish, seconds * 1000)
      }
      if (indexes.length === length) finish()
    }
    let timer = setTimeout(() => fail(new Error('no block arrived')), FIRST_BLOCK_MS_MAX)
    incoming.on('error', fail)
    outgoing.on('error', fail)
    target.on('download', onDownload)
    outgoing.pipe(incoming).pipe(outgoing)
    target.download({ start: 0, end: length })
  })
}

async function replicate (dir, seconds) {
  const source = await open(dir, 'source')
  const length = Math.ceil(seconds * REPLICATED_ITEMS_PER_SECOND)
  for (let index = 0; index < length; index += BATCH) {
    const batch = []
    for (let i = 0; i < BATCH && index + i < length; i++) batch.push(item(index + i))
    await source.append(batch)
  }
  const target = await open(dir, 'target', source.key)
  const { indexes, elapsed } = await download(source, target, length, seconds)
  const first = await target.get(indexes[0], { wait: false })
  if (first === null || !first.equals(item(indexes[0]))) throw new Error('an item did not arrive whole')
  await target.close()
  await source.close()
  return (indexes.length - 1) / elapsed
}

main([
  { name: 'hypercore_append', unit: 'items/s', peer, run: append },
  { name: 'hypercore_append_batch_100', unit: 'items/s', peer, run: appendBatch },
  { name: 'hypercore_replicate', unit: 'items/s', peer, run: replicate }
])
