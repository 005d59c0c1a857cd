import CTraceFormat
import Glibc

/// The blocks that are being filled, one per stream. The tracer thread appends; a helper thread closes blocks that have
/// lain for a while, so that a recorder that is killed while its tracees sleep loses nothing but the last moment.
final class BlockBuffers: @unchecked Sendable {
  /// The age at which a block is written though it isn't full, in milliseconds; it may get twice as old.
  static let partialBlockMilliseconds = 100

  private struct Filling {
    var header: BlockHeader
    var content: ByteBuffer?
    var used = 0
  }

  private let monitor = Monitor()
  private let pipeline: BlockPipeline
  private var filling = BlockStream.allCases.map { Filling(header: BlockHeader(stream: $0)) }
  /// Changes with every closing of all blocks.
  private var generation: UInt64 = 0
  private var isDirty = false
  private var isStopping = false
  private var flusher: HelperThread?

  init(pipeline: BlockPipeline) throws(TraceError) {
    self.pipeline = pipeline
    flusher = try HelperThread { [unowned self] in flushNowAndThen() }
  }

  /// Ends the helper thread. Nothing is written.
  func stop() {
    monitor.lock()
    isStopping = true
    monitor.wakeAll()
    monitor.unlock()
    flusher?.join()
    flusher = nil
  }

  /// Appends a record's message. `event` is the number of the event that it is or belongs to.
  func append(_ message: UnsafeRawBufferPointer, to stream: BlockStream, event: UInt64, isLast: Bool = false) {
    guard !message.isEmpty, message.count <= blockByteCountMax else {
      pipeline.fail(.recordTooLarge(stream: stream.fileName, byteCount: message.count))
      return
    }
    monitor.lock()
    let index = Int(stream.rawValue)
    if filling[index].used > 0, filling[index].used + message.count > stream.blockByteCount { close(through: stream) }
    let target = space(message.count, in: stream)
    target.copyMemory(from: message)
    filling[index].used += message.count
    if filling[index].header.recordCount == 0 { filling[index].header.first = event }
    filling[index].header.last = event
    filling[index].header.recordCount += 1
    if isLast { filling[index].header.flags |= BlockHeader.lastFlag }
    markDirty()
    monitor.unlock()
  }

  /// Appends to the data stream, block by block.
  func appendData(_ bytes: UnsafeRawBufferPointer) {
    monitor.lock()
    let index = Int(BlockStream.data.rawValue)
    var done = 0
    while done < bytes.count {
      let room = BlockStream.data.blockByteCount - filling[index].used
      let count = min(room, bytes.count - done)
      let target = space(count, in: .data)
      target.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[done..<done + count]))
      filling[index].used += count
      done += count
      // The events so far with it: else a disk that fills with data keeps none of the events that it belongs to.
      if filling[index].used == BlockStream.data.blockByteCount { close(through: .events) }
    }
    markDirty()
    monitor.unlock()
  }

  /// Submits everything to the pipeline.
  func closeAll() {
    monitor.lock()
    close(through: .events)
    monitor.unlock()
  }

  // All below: preconditions: the lock is held.

  private func space(_ byteCount: Int, in stream: BlockStream) -> UnsafeMutableRawBufferPointer {
    let index = Int(stream.rawValue)
    let used = filling[index].used
    let content = filling[index].content ?? pipeline.buffer(capacity: max(stream.blockByteCount, byteCount))
    filling[index].content = content
    return UnsafeMutableRawBufferPointer(rebasing: content.prefix(used + byteCount)[used...])
  }

  private func markDirty() {
    if isDirty { return }
    isDirty = true
    monitor.wakeAll()
  }

  /// Closes a stream's block, after those that it may refer to.
  private func close(through stream: BlockStream) {
    if stream != .tracees { close(.data) }
    if stream == .events || stream == .mmaps { close(.mmaps) }
    if stream == .events || stream == .tracees { close(.tracees) }
    if stream == .events {
      close(.events)
      generation += 1
      isDirty = false
    }
  }

  private func close(_ stream: BlockStream) {
    let index = Int(stream.rawValue)
    guard filling[index].used > 0, let content = filling[index].content else { return }
    var header = filling[index].header
    header.byteCount = filling[index].used
    if stream == .data { header.last = header.first + UInt64(header.byteCount) }
    header.neededDataByteCount = submittedCount(.data)
    header.neededMappingCount = submittedCount(.mmaps)
    header.neededTraceeCount = submittedCount(.tracees)
    pipeline.submit(BlockJob(header: header, content: content))
    var next = BlockHeader(stream: stream)
    next.sequence = header.sequence + 1
    if stream == .data { next.first = header.last }
    next.recordsBefore = stream == .data ? header.last : header.recordsBefore + UInt64(header.recordCount)
    filling[index] = Filling(header: next)
  }

  private func submittedCount(_ stream: BlockStream) -> UInt64 { filling[Int(stream.rawValue)].header.recordsBefore }

  private func flushNowAndThen() {
    monitor.lock()
    while !isStopping {
      if !isDirty {
        monitor.wait()
        continue
      }
      let seen = generation
      var deadline = timespec()
      clock_gettime(CLOCK_MONOTONIC, &deadline)
      let nanoseconds = deadline.tv_nsec + Self.partialBlockMilliseconds * 1_000_000
      deadline.tv_sec += nanoseconds / 1_000_000_000
      deadline.tv_nsec = nanoseconds % 1_000_000_000
      while !isStopping, monitor.wait(until: deadline) {}
      if !isStopping, generation == seen { close(through: .events) }
    }
    monitor.unlock()
  }
}
