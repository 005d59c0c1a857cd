import CUnwindShim
import KernelABI

/// The call stack of a stopped tracee, by libunwind.
package enum Backtrace {
  private static let frameCountMax = 32

  /// One line a frame, innermost first: number, address, function with offset, and the file it lies in.
  package static func of(_ tracee: Tracee) -> [String] {
    guard let registers = try? tracee.registers() else { return ["(the tracee is gone)"] }
    var copy = registers
    var frames = [rrs_frame](repeating: rrs_frame(), count: frameCountMax)
    let count = withUnsafePointer(to: &copy) { pointer in
      pointer.withMemoryRebound(to: UInt64.self, capacity: 27) { words in
        frames.withUnsafeMutableBufferPointer {
          rrs_backtrace(tracee.tid.rawValue, words, $0.baseAddress, Int32(frameCountMax))
        }
      }
    }
    let maps = ProcessMaps.read(tracee.tid)
    guard count > 0 else { return ["#0 \(registers.instructionPointer) \(place(registers.instructionPointer, maps))"] }
    return frames.prefix(Int(count)).enumerated().map { index, frame in
      let address = RemotePointer(frame.address)
      var name = ""
      withUnsafeBytes(of: frame.name) { bytes in
        name = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      let function = name.isEmpty ? "??" : "\(name)+0x\(String(frame.offset, radix: 16))"
      return "#\(index) \(address) \(function) \(place(address, maps))"
    }
  }

  private static func place(_ address: RemotePointer, _ maps: [ProcessMapping]) -> String {
    guard let mapping = maps.first(where: { $0.range.contains(address) }) else { return "(not mapped)" }
    let offset = address - mapping.range.start + mapping.fileOffset
    return mapping.name.isEmpty ? "(anonymous memory)" : "in \(mapping.name) at 0x\(String(offset, radix: 16))"
  }
}
