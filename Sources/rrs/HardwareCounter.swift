import CLinuxShim
import Execution
import KernelABI
import SystemPackage

/// This machine's counter of retired conditional branches.
enum HardwareCounter {
  /// It can be relied on.
  case usable(Microarchitecture)
  /// There is none, or one that isn't exact.
  case unusable(reason: String, remedy: String?)

  /// Looks for it and tries it, which takes some milliseconds where there is one.
  static func find() -> HardwareCounter {
    let vendor = vendor()
    guard let processor = Microarchitecture.identify(vendor: vendor, signature: registers(1)[0]) else {
      let signature = String(registers(1)[0], radix: 16)
      return .unusable(reason: "this processor isn't known (\(vendor), signature 0x\(signature))", remedy: nil)
    }
    do {
      _ = rrs_close(try PerformanceCounters.open(.raw(processor.event), tid: Tid(0)))
    } catch {
      let isForbidden = error.errno == .permissionDenied || error.errno == .notPermitted
      return .unusable(
        reason: "none: \(processor.name), and perf_event_open says: \(error.errno)",
        remedy: isForbidden
          ? "allow perf_event_open(2): sysctl kernel.perf_event_paranoid=1, and the container's seccomp profile"
          : "none is needed; a machine with a virtual or real PMU has one")
    }
    if processor.quirks.contains(.speculativeLocks), SpeculativeLocks.areOn() ?? false {
      return .unusable(
        reason: "\(processor.name), whose SpecLockMap is on: some branches count twice",
        remedy: "modprobe msr; wrmsr -a 0xc0011020 $(($(rdmsr -d 0xc0011020) | 1 << 54)), as root, after every boot")
    }
    if let fault = CounterTest.fault(of: { _ in PerformanceCounters(processor) }) {
      return .unusable(
        reason: "\(processor.name), whose counter failed its test: it \(fault)",
        remedy: "none is needed; stop other profilers, and in a virtual machine ask for a better virtual PMU")
    }
    return .usable(processor)
  }

  private static func registers(_ leaf: UInt32) -> [UInt32] {
    var registers: [UInt32] = [0, 0, 0, 0]
    rrs_cpuid(leaf, 0, &registers)
    return registers
  }

  private static func vendor() -> String {
    let registers = registers(0)
    let bytes = [registers[1], registers[3], registers[2]].flatMap { word in
      (0..<4).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
