/// Reads a trace as a stream: memory use doesn't grow with the trace. Everything read is checked; nothing is trusted.
package final class TraceReader {
  package let directory: String
  package let header: TraceHeader

  package init(directory: String) throws(TraceError) { preconditionFailure() }

  /// The next event, nil at the end of the trace or, when it was cut short, of what is readable of it.
  package func nextEvent() throws(TraceError) -> TraceEvent? { preconditionFailure() }

  /// The next event, without moving on.
  package func peekEvent() throws(TraceError) -> TraceEvent? { preconditionFailure() }

  /// `nextEvent()` will return this event. One past the last is allowed.
  package func seek(toEvent number: UInt64) throws(TraceError) { preconditionFailure() }

  /// Reads a range of the data stream. Preconditions: the buffer has the range's size.
  package func readData(_ range: DataRange, into buffer: UnsafeMutableRawBufferPointer) throws(TraceError) {
    preconditionFailure()
  }

  /// The bytes of a range that is at most `byteCountMax` long, else of its start.
  package func data(_ range: DataRange, byteCountMax: Int = .max) throws(TraceError) -> [UInt8] { preconditionFailure() }

  /// The mappings that this event made. Cheap where asked for in order of events.
  package func mappings(forEvent number: UInt64) throws(TraceError) -> [MappingRecord] { preconditionFailure() }

  /// The births, images and deaths that belong to this event. Cheap where asked for in order of events.
  package func tracees(forEvent number: UInt64) throws(TraceError) -> [TraceeRecord] { preconditionFailure() }

  /// All mappings in order, independent of the other calls: for listings.
  package func mappingCursor() -> RecordCursor<MappingRecord> { preconditionFailure() }

  /// All tracee records in order, independent of the other calls: for listings.
  package func traceeCursor() -> RecordCursor<TraceeRecord> { preconditionFailure() }

  /// The recorder was killed or could not write on: the trace has no end event.
  package var isCutShort: Bool { preconditionFailure() }

  /// The number of the last readable event, from the index; 0 for a trace without events.
  package var lastEventNumber: UInt64 { preconditionFailure() }

  /// The path of a file in `files/`.
  package func path(ofStoredFile name: String) throws(TraceError) -> String { preconditionFailure() }
}

/// A position in a stream of records that belong to events.
package final class RecordCursor<Record> {
  init() {}

  /// The next record, nil at the end.
  package func next() throws(TraceError) -> Record? { preconditionFailure() }

  /// `next()` will return the first record of this event or of a later one.
  package func seek(toEvent number: UInt64) throws(TraceError) { preconditionFailure() }
}
