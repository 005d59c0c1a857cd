import CLinuxShim
import SystemPackage

/// Writing to descriptors of rrs itself.
package enum Output {
  /// Writes all of it; gives up silently where nobody reads any more, as the recorded program did its own way.
  package static func write(_ descriptor: Int32, _ bytes: [UInt8]) {
    var done = 0
    bytes.withUnsafeBytes { buffer in
      while done < buffer.count {
        let count = rrs_write(descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done)
        if count == -Int(Errno.interrupted.rawValue) || count == -Int(Errno.resourceTemporarilyUnavailable.rawValue) {
          continue
        }
        guard count > 0 else { return }
        done += count
      }
    }
  }

  /// A message for the user.
  package static func writeError(_ text: String) { write(2, Array(text.utf8)) }
}
