/// The kernel's 128-byte `siginfo_t` (sigaction(2)).
package struct SignalInfo: Equatable, Sendable {
  package private(set) var bytes: [UInt8]

  package static let byteCount = 128

  package init() { bytes = [UInt8](repeating: 0, count: Self.byteCount) }

  /// Short input is padded with zeros.
  package init(bytes: [UInt8]) {
    self.bytes = Array(bytes.prefix(Self.byteCount))
    self.bytes += [UInt8](repeating: 0, count: Self.byteCount - self.bytes.count)
  }

  package mutating func withMutableBytes<R>(_ body: (UnsafeMutableRawBufferPointer) -> R) -> R {
    bytes.withUnsafeMutableBytes(body)
  }

  private func int32(at offset: Int) -> Int32 {
    bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Int32.self) }
  }

  package var signal: Signal { Signal(rawValue: int32(at: 0)) }
  package var code: Int32 { int32(at: 8) }
  /// `si_addr` of a fault.
  package var address: RemotePointer {
    get { .init(bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 16, as: UInt64.self) }) }
    set { bytes.withUnsafeMutableBytes { $0.storeBytes(of: newValue.rawValue, toByteOffset: 16, as: UInt64.self) } }
  }

  /// Raised by the tracee's own instruction: a fault or trap with a code that only the kernel gives (si_code > 0).
  package var isFault: Bool {
    switch signal {
    case .segmentationFault, .bus, .floatingPoint, .illegalInstruction, .trap: code > 0
    default: false
    }
  }
}
