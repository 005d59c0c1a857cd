import CTraceFormat
import Glibc

/// One closed block on its way to the disk.
final class BlockJob: @unchecked Sendable {
  var header: BlockHeader
  let content: ByteBuffer
  fileprivate var stored: ByteBuffer?
  fileprivate var state = State.waiting

  fileprivate enum State { case waiting, compressing, ready }

  /// Preconditions: `header.byteCount` bytes of the content count.
  init(header: BlockHeader, content: ByteBuffer) {
    self.header = header
    self.content = content
  }
}

/// Compresses blocks on helper threads, and writes them in the order in which they came: a block on disk has on disk
/// everything that was submitted before it.
final class BlockPipeline: @unchecked Sendable {
  /// Blocks on their way; the submitter waits while there are so many. With buffers of up to 1 MiB, compressed and not,
  /// this bounds the writer's memory to about 20 MiB.
  static let pendingCountMax = 6
  /// zstd's fastest level: the recorder's speed comes before the trace's size.
  static let compressionLevel: CInt = 1

  private let monitor = Monitor()
  private var pending: [BlockJob] = []
  private var isWriting = false
  private var isStopping = false
  private var failure: TraceError?
  private var threads: [HelperThread] = []
  private var spareBuffers: [ByteBuffer] = []
  private let output: BlockOutput

  init(output: BlockOutput, threadCount: Int) throws(TraceError) {
    self.output = output
    do throws(TraceError) {
      for _ in 0..<threadCount { threads.append(try HelperThread { [unowned self] in work() }) }
    } catch {
      stop()
      throw error
    }
  }

  /// Preconditions: `stop()` was called.
  deinit { precondition(threads.isEmpty) }

  /// The error that ended the writing.
  var currentFailure: TraceError? {
    monitor.lock()
    defer { monitor.unlock() }
    return failure
  }

  /// Ends the writing: nothing that is submitted from now on reaches the disk.
  func fail(_ error: TraceError) {
    monitor.lock()
    if failure == nil { failure = error }
    monitor.unlock()
  }

  func submit(_ job: BlockJob) {
    monitor.lock()
    while pending.count >= Self.pendingCountMax { monitor.wait() }
    if failure == nil {
      pending.append(job)
      monitor.wakeAll()
    }
    monitor.unlock()
  }

  /// A buffer of at least this size, used before if there is one.
  func buffer(capacity: Int) -> ByteBuffer {
    monitor.lock()
    let index = spareBuffers.firstIndex { $0.capacity >= capacity && $0.capacity < capacity * 4 }
    let spare = index.map { spareBuffers.remove(at: $0) }
    monitor.unlock()
    return spare ?? ByteBuffer(capacity: capacity)
  }

  /// Waits until everything submitted is written and on disk, and does other things that do the same.
  func synchronize(and others: [@Sendable () -> TraceError?]) throws(TraceError) {
    monitor.lock()
    while !pending.isEmpty { monitor.wait() }
    let error = failure
    monitor.unlock()
    if let error { throw error }
    do throws(TraceError) {
      try sideBySide(output.synchronizations + others)
    } catch {
      fail(error)
      throw error
    }
  }

  /// Writes what was submitted, and ends the threads.
  func stop() {
    monitor.lock()
    isStopping = true
    monitor.wakeAll()
    monitor.unlock()
    for thread in threads { thread.join() }
    threads.removeAll()
  }

  private func work() {
    var compressor: OpaquePointer?
    defer { rrs_compressor_destroy(compressor) }
    monitor.lock()
    while true {
      if let job = pending.first(where: { $0.state == .waiting }) {
        job.state = .compressing
        monitor.unlock()
        if compressor == nil { compressor = rrs_compressor_create(Self.compressionLevel) }
        compress(job, compressor)
        monitor.lock()
        job.state = .ready
        writeReady()
      } else if isStopping {
        break
      } else {
        monitor.wait()
      }
    }
    monitor.unlock()
  }

  private func compress(_ job: BlockJob, _ compressor: OpaquePointer?) {
    let source = UnsafeRawBufferPointer(job.content.prefix(job.header.byteCount))
    job.header.storedByteCount = source.count
    guard let compressor else { return }
    let target = buffer(capacity: rrs_compress_bound(source.count))
    let count = rrs_compress(
      compressor, rrs_bytes(source), target.start.assumingMemoryBound(to: UInt8.self), target.capacity)
    guard count > 0, count < source.count else { return recycle(target) }
    job.header.storedByteCount = count
    job.header.flags |= BlockHeader.compressedFlag
    job.stored = target
  }

  private func recycle(_ buffer: ByteBuffer) {
    monitor.lock()
    keep(buffer)
    monitor.unlock()
  }

  /// Preconditions: the lock is held.
  private func keep(_ buffer: ByteBuffer) {
    // One that a record of unusual size made isn't kept.
    if spareBuffers.count < 8, buffer.capacity <= 2 << 20 { spareBuffers.append(buffer) }
  }

  /// Writes the blocks at the head of the queue, if no other thread is at it. Preconditions: the lock is held.
  private func writeReady() {
    if isWriting { return }
    isWriting = true
    while let job = pending.first, job.state == .ready {
      if failure == nil {
        monitor.unlock()
        var error: TraceError?
        do throws(TraceError) {
          let bytes = (job.stored ?? job.content).prefix(job.header.storedByteCount)
          try output.write(job.header, UnsafeRawBufferPointer(bytes))
        } catch let caught {
          error = caught
        }
        monitor.lock()
        if failure == nil { failure = error }
      }
      pending.removeFirst()
      keep(job.content)
      if let stored = job.stored { keep(stored) }
      monitor.wakeAll()
    }
    isWriting = false
  }
}

/// The files that blocks are written to. One thread at a time writes, or several synchronize.
final class BlockOutput: @unchecked Sendable {
  private var streams: [Stream] = []
  private let index: TraceFile
  private var indexByteCount: UInt64 = 0

  private final class Stream: @unchecked Sendable {
    let file: TraceFile
    var byteCount: UInt64 = 0
    var digest: Digest

    init(path: String, digest: Digest) throws(TraceError) {
      file = try TraceFile(creating: path)
      self.digest = digest
    }
  }

  /// Makes the files, empty.
  init(directory: String, headerDigest: Digest) throws(TraceError) {
    index = try TraceFile(creating: directory + "/" + BlockIndex.fileName)
    for stream in BlockStream.allCases {
      streams.append(try Stream(path: directory + "/" + stream.fileName, digest: headerDigest))
    }
  }

  /// Writes a block, then a copy of its header into the index. A block that can't be written as a whole is taken back.
  func write(_ header: BlockHeader, _ content: UnsafeRawBufferPointer) throws(TraceError) {
    let stream = streams[Int(header.stream.rawValue)]
    var header = header
    header.previousDigest = stream.digest
    let bytes = ByteBuffer(capacity: BlockHeader.byteCount)
    let headerBytes = bytes.prefix(BlockHeader.byteCount)
    header.seal(into: headerBytes, content: content)
    do throws(TraceError) {
      try stream.file.write(UnsafeRawBufferPointer(headerBytes), at: stream.byteCount)
      try stream.file.write(content, at: stream.byteCount + UInt64(BlockHeader.byteCount))
    } catch {
      stream.file.truncate(to: stream.byteCount)
      throw error
    }
    stream.byteCount += header.fileByteCount
    stream.digest = header.digest
    do throws(TraceError) {
      try index.write(UnsafeRawBufferPointer(headerBytes), at: indexByteCount)
    } catch {
      index.truncate(to: indexByteCount)
      throw error
    }
    indexByteCount += UInt64(BlockHeader.byteCount)
  }

  /// What brings each file to the disk.
  var synchronizations: [@Sendable () -> TraceError?] {
    var tasks: [@Sendable () -> TraceError?] = []
    for stream in streams { tasks.append({ stream.file.synchronizationError() }) }
    tasks.append({ [self] in index.synchronizationError() })
    return tasks
  }
}
