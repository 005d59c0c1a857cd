/// How a trace is packed.
package struct PackOptions: Sendable {
  /// Where the mapped files' bytes are to be.
  package enum Place: Equatable, Sendable {
    /// In the trace: it then needs nothing else.
    case trace
    /// Where they were recorded, as long as they are still the same; the trace has symbolic links to them.
    case originals
    /// In a directory that several traces share; the traces have symbolic links into it.
    case directory(String)
  }

  package var place = Place.trace
  /// Also the files with debug information that this machine has of the recorded programs and libraries.
  package var bringsDebugFiles = false

  package init() {}
}

/// What packing came to.
package struct PackResult: Equatable, Sendable {
  /// Mapped files, wherever they were; and how many there are now.
  package var fileCountBefore = 0
  package var fileCountAfter = 0
  /// The disk space that stored files take; hard links take none.
  package var byteCountBefore: UInt64 = 0
  package var byteCountAfter: UInt64 = 0
  /// Files with debug information that were brought in, or were there.
  package var debugFileCount = 0

  package init() {}
}
