/// Why there is no translation.
package enum TranslationError: Error, Equatable, Sendable {
  /// The bytes at `address` can't be read or aren't a whole instruction: the application would fault here.
  case notCode(address: UInt64)
  /// The zone that `address` belongs to is full: translations have to be dropped as a whole.
  case zoneFull(address: UInt64)
  /// No zone has been added.
  case noZone(address: UInt64)
}
