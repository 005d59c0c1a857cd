import KernelABI
package import TraceeControl
import X86

/// Which of the visible flags matter to a program at a place in its code.
package enum LiveFlags {
  private static let direction: UInt64 = 0x400

  /// The flags' bits in EFLAGS. The direction flag is always among them.
  package static func mask(at address: UInt64, of tracee: Tracee) -> UInt64 {
    var code = TraceeCode(tracee)
    return UInt64(FlagLiveness.liveFlags(at: address, &code).eflags) | direction
  }
}

/// The code that a tracee has in its memory, an instruction at a time.
struct TraceeCode: InstructionSource {
  private let tracee: Tracee
  private static let decoder = DecoderBox()

  /// A decoder is large and can't be copied; the tracer is one thread.
  private final class DecoderBox: @unchecked Sendable { let decoder = InstructionDecoder() }

  init(_ tracee: Tracee) { self.tracee = tracee }

  func bytes(at address: UInt64) -> [UInt8] {
    let bytes = [UInt8](unsafeUninitializedCapacity: 16) { buffer, count in
      let whole = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<15])
      count = tracee.read(RemotePointer(address), into: whole)
    }
    return bytes
  }

  mutating func instruction(at address: UInt64) -> Instruction? {
    let bytes = bytes(at: address)
    guard !bytes.isEmpty else { return nil }
    return bytes.withUnsafeBufferPointer { buffer in
      buffer.baseAddress.flatMap { Self.decoder.decoder.decode($0, count: buffer.count) }
    }
  }
}
