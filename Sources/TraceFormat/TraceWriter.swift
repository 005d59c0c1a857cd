import CTraceFormat
import Glibc
import SystemPackage

/// How a mapped file may come into a trace's `files/`. A reflink is tried first in both cases.
package enum FileStoringPolicy: Sendable {
  /// A hard link will do: the file is one that is replaced by rename, not written in place (programs, libraries).
  case linkAllowed
  /// The file may be written in place: only a copy keeps its bytes.
  case copyOnly
}

/// Writes a trace. All calls come from the one tracer thread; helper threads compress, hash and write.
///
/// Append what an event refers to (data, mappings, tracees) before the event itself: then whatever the moment at which
/// the recorder is killed, an event that is in the trace has all it needs. Helper threads take the processor affinity
/// of the thread that makes the writer: make it before you pin the tracer.
package final class TraceWriter {
  package let directory: String
  package let header: TraceHeader
  /// `--no-file-cloning` clears it: no reflinks.
  package var clonesFiles = true

  /// The number that the next event gets, 1 at first.
  package private(set) var nextEventNumber: UInt64 = 1

  private let encoder = RecordEncoder()
  private let pipeline: BlockPipeline
  private let buffers: BlockBuffers
  private var files: FileStore
  private var dataByteCount: UInt64 = 0
  private var isFinished = false
  private let lock: TraceLock?

  /// Preconditions: the directory exists and is empty.
  package convenience init(directory: String, header: TraceHeader) throws(TraceError) {
    // One processor is the tracees'; more than three threads never had to be waited for.
    let processorCount = sysconf(CInt(_SC_NPROCESSORS_ONLN))
    try self.init(directory: directory, header: header, threadCount: max(1, min(3, processorCount - 1)))
  }

  /// With this many compressing threads.
  package init(directory: String, header: TraceHeader, threadCount: Int) throws(TraceError) {
    self.directory = directory
    self.header = header
    // Some network file systems know no locks: a trace can be recorded there all the same.
    lock = try? TraceLock(directory: directory)
    let digest = try HeaderFile.prepare(header, directory: directory)
    let output = try BlockOutput(directory: directory, headerDigest: digest)
    files = try FileStore(directory: directory)
    try HeaderFile.publish(directory: directory)
    pipeline = try BlockPipeline(output: output, threadCount: threadCount)
    do throws(TraceError) {
      buffers = try BlockBuffers(pipeline: pipeline)
    } catch {
      pipeline.stop()
      throw error
    }
  }

  deinit {
    buffers.stop()
    if !isFinished { buffers.closeAll() }
    pipeline.stop()
  }

  /// Appends to the data stream.
  package func appendData(_ bytes: UnsafeRawBufferPointer) -> DataRange {
    let range = DataRange(offset: dataByteCount, byteCount: UInt64(bytes.count))
    buffers.appendData(bytes)
    dataByteCount += range.byteCount
    return range
  }

  /// Assigns the event its number, and returns it.
  @discardableResult
  package func append(_ event: TraceEvent) -> UInt64 {
    for write in event.memoryWrites { checkWritten(write.data) }
    for write in event.fileWrites { checkWritten(write.data) }
    var event = event
    event.number = nextEventNumber
    nextEventNumber += 1
    buffers.append(encoder.encode(event), to: .events, event: event.number, isLast: event.kind == .end)
    return event.number
  }

  /// Preconditions: `mapping.event` is `nextEventNumber`: the mapping comes before its event.
  package func append(_ mapping: MappingRecord) {
    precondition(mapping.event == nextEventNumber, "a mapping must come right before its event")
    if case .data(let range) = mapping.source { checkWritten(range) }
    buffers.append(encoder.encode(mapping), to: .mmaps, event: mapping.event)
  }

  /// Preconditions: `tracee.event` is `nextEventNumber`: the record comes before its event.
  package func append(_ tracee: TraceeRecord) {
    precondition(tracee.event == nextEventNumber, "a tracee record must come right before its event")
    buffers.append(encoder.encode(tracee), to: .tracees, event: tracee.event)
  }

  /// A reference to data that isn't there would make a trace that no reader accepts.
  private func checkWritten(_ range: DataRange) {
    precondition(range.offset <= dataByteCount && range.byteCount <= dataByteCount - range.offset,
      "the data must come before what refers to it")
  }

  /// Brings a mapped file into `files/` and returns its name there, for `MappingRecord.Source.traceFile`. The same file
  /// (device, inode, size, modification time) is stored once. The descriptor must be readable; its offset stays.
  package func storeFile(
    descriptor: Int32, originalPath: String, policy: FileStoringPolicy
  ) throws(TraceError) -> String {
    try files.store(descriptor: descriptor, originalPath: originalPath, policy: policy, clones: clonesFiles)
  }

  /// Throws the error that ended the writing (no space, I/O error), if one has. What was appended after it is lost;
  /// what was written before it stays readable.
  package func checkWritable() throws(TraceError) {
    if let failure = pipeline.currentFailure { throw failure }
  }

  /// Everything appended so far is on disk when this returns.
  package func flush() throws(TraceError) {
    buffers.closeAll()
    try synchronize()
  }

  private func synchronize() throws(TraceError) {
    let directory = directory
    try pipeline.synchronize(and: [
      { caught { () throws(TraceError) in try HeaderFile.synchronize(directory: directory) } },
      { caught { () throws(TraceError) in try synchronizeDirectory(directory) } },
    ])
  }

  /// Everything appended is on disk when this returns, and the helper threads are gone (copies in `files/` get there
  /// when the kernel likes). The last event is `.end`, else the trace counts as cut short. Nothing can be appended
  /// afterwards.
  package func finish() throws(TraceError) {
    precondition(!isFinished, "a trace is finished once")
    isFinished = true
    buffers.stop()
    buffers.closeAll()
    defer {
      pipeline.stop()
      lock?.release()
    }
    try synchronize()
  }
}
