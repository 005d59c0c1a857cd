package import SystemPackage

/// Why a trace can't be written or read. Each description is one line that says what is wrong and what to do.
package enum TraceError: Error, Equatable, Sendable, CustomStringConvertible {
  /// No directory of that name, as a path or in the trace directory.
  case notFound(argument: String, searched: [String])
  /// The directory holds no trace of rrs.
  case notATrace(directory: String, reason: String)
  /// The trace was written by an rrs with another format.
  case unknownVersion(directory: String, found: UInt32, supported: UInt32, writer: String)
  /// Bytes of the trace are not those that were written.
  case damaged(TraceDamage)
  /// The event lies behind the end of the trace.
  case noSuchEvent(number: UInt64, last: UInt64)
  /// The trace is an archive, where only a directory will do.
  case isArchive(path: String)
  /// The trace can't be made whole, or not without a loss that nobody asked for.
  case unrecoverable(directory: String, reason: String)
  /// A record that is too large for any block: nothing that the kernel allows makes one.
  case recordTooLarge(stream: String, byteCount: Int)
  /// Another process is writing the trace.
  case inUse(directory: String)
  /// A recovery was killed, and has plans for what the trace is now.
  case inRecovery(directory: String)
  /// The kernel refused an operation on a file of the trace.
  case system(operation: String, path: String, errno: Errno)

  package var description: String {
    switch self {
    case .notFound(let argument, let searched):
      return "no trace '\(argument)' (looked for \(searched.joined(separator: ", "))); `rrs ls` lists the traces"
    case .notATrace(let directory, let reason):
      return "'\(directory)' is not a trace of rrs: \(reason)"
    case .unknownVersion(let directory, let found, let supported, let writer):
      let age = found > supported ? "newer" : "older"
      let advice = writer.isEmpty ? "the rrs that recorded it" : writer
      return "trace format \(found) is \(age) than this rrs (\(supported)); use \(advice) to read '\(directory)'"
    case .damaged(let damage):
      return damage.description
    case .noSuchEvent(let number, let last):
      return "there is no event \(number): the trace's last event is \(last)"
    case .isArchive(let path):
      return "'\(path)' is an archive: rrs unpack makes a trace of it that can be changed"
    case .unrecoverable(let directory, let reason):
      return "'\(directory)' isn't recovered: \(reason)"
    case .recordTooLarge(let stream, let byteCount):
      return "a record of \(byteCount) bytes is too large for the trace stream '\(stream)'"
    case .inUse(let directory):
      return "'\(directory)' is being recorded or replayed, or changed by another rrs; wait until that has ended"
    case .inRecovery(let directory):
      return "a recovery of '\(directory)' was interrupted; finish it first: rrs recover '\(directory)'"
    case .system(let operation, let path, let errno):
      let advice = errno == .noSpace ? "; free some space or set RRS_TRACE_DIR to a directory on another disk" : ""
      return "cannot \(operation) '\(path)': \(errno)\(advice)"
    }
  }
}

/// Where the bytes of a trace are not those that were written.
package struct TraceDamage: Equatable, Sendable, CustomStringConvertible {
  /// The file's path.
  package var file: String
  /// The number of the block in its stream, from 0; nil where the damage isn't in a block.
  package var block: UInt64?
  /// The block's offset in the file, in bytes.
  package var fileOffset: UInt64
  /// The events that the block holds or belongs to, as far as they are known.
  package var events: ClosedRange<UInt64>?
  package var reason: String

  package init(file: String, block: UInt64?, fileOffset: UInt64, events: ClosedRange<UInt64>? = nil, reason: String) {
    self.file = file
    self.block = block
    self.fileOffset = fileOffset
    self.events = events
    self.reason = reason
  }

  package var description: String {
    var place = "'\(file)'"
    if let block { place += ", block \(block)" }
    place += " at offset \(fileOffset)"
    if let events { place += " (events \(events.lowerBound) to \(events.upperBound))" }
    return "the trace is damaged: \(place): \(reason); restore it from a copy"
  }
}
