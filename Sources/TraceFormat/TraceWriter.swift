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

  /// Preconditions: the directory exists and is empty.
  package init(directory: String, header: TraceHeader) throws(TraceError) { preconditionFailure() }

  /// The number that the next event gets, 1 at first.
  package var nextEventNumber: UInt64 { preconditionFailure() }

  /// Appends to the data stream.
  package func appendData(_ bytes: UnsafeRawBufferPointer) -> DataRange { preconditionFailure() }

  /// Assigns the event its number, and returns it.
  @discardableResult
  package func append(_ event: TraceEvent) -> UInt64 { preconditionFailure() }

  /// Preconditions: `mapping.event` is `nextEventNumber`: the mapping comes before its event.
  package func append(_ mapping: MappingRecord) { preconditionFailure() }

  /// Preconditions: `tracee.event` is `nextEventNumber`: the record comes before its event.
  package func append(_ tracee: TraceeRecord) { preconditionFailure() }

  /// Brings a mapped file into `files/` and returns its name there, for `MappingRecord.Source.traceFile`. The same file
  /// (device, inode, size, modification time) is stored once. The descriptor must be readable; its offset stays.
  package func storeFile(
    descriptor: Int32, originalPath: String, policy: FileStoringPolicy
  ) throws(TraceError) -> String { preconditionFailure() }

  /// Throws the error that ended the writing (no space, I/O error), if one has. What was appended after it is lost;
  /// what was written before it stays readable.
  package func checkWritable() throws(TraceError) { preconditionFailure() }

  /// Everything appended so far is on disk when this returns.
  package func flush() throws(TraceError) { preconditionFailure() }

  /// Everything is on disk and closed when this returns. Preconditions: the last event is `.end`.
  package func finish() throws(TraceError) { preconditionFailure() }
}
