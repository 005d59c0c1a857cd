private import CLinuxShim
import RemoteProtocol

/// A debugger's socket.
final class Connection {
  /// What the protocol's `PacketSize` says: the longest payload, in both directions.
  static let packetByteCountMax = 0x10_0000
  private static let readByteCount = 1 << 16

  var channel = PacketChannel(byteCountMax: packetByteCountMax)
  let descriptor: Int32
  /// The debugger is gone.
  private(set) var isClosed = false
  private var buffer = [UInt8](repeating: 0, count: readByteCount)

  init(descriptor: Int32) { self.descriptor = descriptor }

  deinit { _ = rrs_close(descriptor) }

  /// Takes in what has arrived, if anything, without waiting. While much is queued, more stays in the kernel.
  func receive() {
    while !isClosed, channel.queuedByteCount <= Self.packetByteCountMax {
      let count = buffer.withUnsafeMutableBytes { rrs_receive(descriptor, $0.baseAddress, $0.count) }
      switch -count {
      case ..<0: channel.receive(buffer[..<count])
      case Int(Self.again): return
      case Int(Self.interrupted): continue
      default: isClosed = true
      }
    }
  }

  /// Writes all that is to be written.
  func flush() {
    let bytes = channel.takeOutgoing()
    var start = 0
    while start < bytes.count, !isClosed {
      let count = bytes.withUnsafeBytes { rrs_send(descriptor, $0.baseAddress! + start, $0.count - start) }
      if count > 0 {
        start += count
      } else if -count != Int(Self.interrupted) {
        isClosed = true
      }
    }
  }

  /// EAGAIN and EINTR (errno(3)).
  private static let again: Int32 = 11
  private static let interrupted: Int32 = 4
}
