/// What `verifyTrace` found.
package struct TraceVerification: Sendable {
  /// Blocks whose digest agrees, over all streams.
  package var goodBlockCount: UInt64 = 0
  /// Their bytes in the files.
  package var goodByteCount: UInt64 = 0
  /// The last event that is whole, with its data, mappings and files.
  package var lastGoodEvent: UInt64 = 0
  /// There is no end event. That alone is no damage.
  package var isCutShort = true
  /// Files in `files/` that mappings refer to and that are there with their recorded size and time.
  package var storedFileCount: UInt64 = 0
  /// Everything that is wrong, the first bad block first; empty for an unaltered trace.
  package var problems: [TraceError] = []

  package var isUnaltered: Bool { problems.isEmpty }
}

/// Checks every block, the index and the stored files. Throws only where there is no readable header.
package func verifyTrace(
  directory: String, onProgress: ((Double) -> Void)? = nil
) throws(TraceError) -> TraceVerification {
  preconditionFailure()
}
