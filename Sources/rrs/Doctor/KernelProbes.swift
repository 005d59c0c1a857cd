import CLinuxShim
import Glibc
import KernelABI
import SystemPackage

/// What the kernel and the processor offer, found out by trying.
enum KernelProbes {
  static func systemCall(_ number: Int, _ a: UInt = 0, _ b: UInt = 0, _ c: UInt = 0, _ d: UInt = 0, _ e: UInt = 0)
    -> Int
  {
    rrs_syscall(number, a, b, c, d, e, 0)
  }

  static func errorText(_ result: Int) -> String { FileStatus.errorText(Int32(truncatingIfNeeded: -result)) }

  /// A small file of /proc or /sys, without its newline.
  static func text(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 65536)
    let count = read(descriptor, &bytes, bytes.count)
    guard count >= 0 else { return nil }
    var text = String(decoding: bytes[..<count], as: UTF8.self)
    while text.last == "\n" { text.removeLast() }
    return text
  }

  // MARK: - Kernel

  static func kernel() -> MachineCheck {
    var name = utsname()
    uname(&name)
    let release = withUnsafeBytes(of: &name.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    let machine = withUnsafeBytes(of: &name.machine) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    let parts = release.split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
    let isNewEnough = parts.count == 2 && (parts[0], parts[1]) >= (5, 11)
    guard machine == "x86_64" else {
      return MachineCheck("kernel", "Linux \(release) on \(machine)", .broken, "rrs records x86-64 programs only")
    }
    return MachineCheck(
      "kernel", "Linux \(release)", isNewEnough ? .ok : .limited,
      isNewEnough ? "new enough" : "rrs is tested on Linux 5.11 and newer",
      remedy: isNewEnough ? nil : "use a newer kernel")
  }

  static func seccomp() -> MachineCheck {
    // SECCOMP_GET_ACTION_AVAIL (2) of seccomp(2), Linux 4.14; SECCOMP_RET_TRACE.
    var action: UInt32 = 0x7ff0_0000
    let result = withUnsafeMutablePointer(to: &action) {
      systemCall(SyscallNumber.seccomp, 2, 0, UInt(bitPattern: $0))
    }
    if result == 0 {
      return MachineCheck("seccomp filters", "available", .ok, "system calls stop for rrs once, not twice")
    }
    return MachineCheck(
      "seccomp filters", "not available (\(errorText(result)))", .broken,
      "rrs installs a filter in what it records, and can't",
      remedy: "use a kernel with CONFIG_SECCOMP_FILTER, and a container that allows seccomp(2)")
  }

  static func addressRandomization() -> MachineCheck {
    // personality(0xffffffff) reads; ADDR_NO_RANDOMIZE is 0x40000.
    let current = systemCall(SyscallNumber.personality, 0xffff_ffff)
    let result = current < 0 ? current : systemCall(SyscallNumber.personality, UInt(current) | 0x40000)
    if current >= 0 { _ = systemCall(SyscallNumber.personality, UInt(current)) }
    if result >= 0 {
      return MachineCheck(
        "address randomisation", "can be turned off", .ok, "addresses are the same in every recording")
    }
    return MachineCheck(
      "address randomisation", "can't be turned off (\(errorText(result)))", .limited,
      "addresses differ from one recording to the next; a replay still has those of its recording",
      remedy: "allow personality(2) in the container's seccomp profile")
  }

  // MARK: - Nondeterministic instructions

  static func timeStampCounter() -> MachineCheck {
    // PR_GET_TSC is 25, PR_SET_TSC 26, PR_TSC_SIGSEGV 2, PR_TSC_ENABLE 1: prctl(2).
    let result = systemCall(SyscallNumber.prctl, 26, 2)
    _ = systemCall(SyscallNumber.prctl, 26, 1)
    if result == 0 {
      return MachineCheck(
        "rdtsc", "can be trapped (PR_SET_TSC)", .ok, "readings of the time-stamp counter are recorded")
    }
    return MachineCheck(
      "rdtsc", "can't be trapped (\(errorText(result)))", .broken,
      "a program that reads the time-stamp counter would differ in replay",
      remedy: "allow prctl(PR_SET_TSC) in the container's seccomp profile")
  }

  static func cpuidFaulting() -> MachineCheck {
    // ARCH_SET_CPUID (0x1012) of arch_prctl(2), Linux 4.12: ENODEV where the processor can't.
    let result = systemCall(SyscallNumber.arch_prctl, 0x1012, 0)
    if result == 0 {
      _ = systemCall(SyscallNumber.arch_prctl, 0x1012, 1)
      return MachineCheck("cpuid", "can be trapped", .ok, "recordings can replay on another model of processor")
    }
    return MachineCheck(
      "cpuid", "can't be trapped (\(errorText(result)))", .limited,
      "a recording replays on processors of the same model; programs see this processor's features")
  }

  // MARK: - Performance counter

  static func performanceCounter() -> MachineCheck {
    let vendor = processorVendor()
    let event: UInt64? = vendor == "GenuineIntel" ? 0x51_01c4 : vendor == "AuthenticAMD" ? 0x51_00d1 : nil
    guard let event else {
      return MachineCheck(
        "hardware counter", "unknown processor '\(vendor)'", .limited, Self.withoutCounter)
    }
    let descriptor = openCounter(event)
    guard descriptor >= 0 else {
      let isForbidden = descriptor == -Int(EACCES) || descriptor == -Int(EPERM)
      return MachineCheck(
        "hardware counter", "none (\(errorText(descriptor)))", .limited, withoutCounter,
        remedy: isForbidden
          ? "allow perf_event_open(2): sysctl kernel.perf_event_paranoid=1, and the container's seccomp profile"
          : "none is needed; a machine with a virtual or real PMU has one")
    }
    defer { close(Int32(descriptor)) }
    var sum: UInt64 = 0
    for value in 0..<10_000 as Range<UInt64> where value & sum != 1 { sum &+= value }
    var count: UInt64 = 0
    let size = read(Int32(descriptor), &count, 8)
    guard size == 8, count > 0 else {
      return MachineCheck("hardware counter", "there, but it doesn't count", .limited, withoutCounter)
    }
    return MachineCheck(
      "hardware counter", "counts retired conditional branches", .ok,
      "this version doesn't use it yet: threads change, and signals arrive, at system calls")
  }

  private static let withoutCounter = "rrs records all the same: threads change, and signals arrive, at system calls"

  private static func openCounter(_ event: UInt64) -> Int {
    // struct perf_event_attr of perf_event_open(2), as of its first version: type PERF_TYPE_RAW (4), 64 bytes,
    // exclude_kernel and exclude_hv.
    var attributes = [UInt64](repeating: 0, count: 8)
    attributes[0] = 4 | 64 << 32
    attributes[1] = event
    attributes[5] = 1 << 5 | 1 << 6
    return attributes.withUnsafeBytes { bytes in
      systemCall(SyscallNumber.perf_event_open, UInt(bitPattern: bytes.baseAddress), 0, .max, .max, 8)
    }
  }

  private static func processorVendor() -> String {
    var registers: [UInt32] = [0, 0, 0, 0]
    rrs_cpuid(0, 0, &registers)
    let bytes = [registers[1], registers[3], registers[2]].flatMap { word in
      (0..<4).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  static func perfEventParanoid() -> MachineCheck {
    guard let value = text("/proc/sys/kernel/perf_event_paranoid"), let level = Int(value) else {
      return MachineCheck("perf_event_paranoid", "not there", .limited, "this kernel has no performance events")
    }
    return level <= 2
      ? MachineCheck("perf_event_paranoid", value, .ok, "counting one's own programs is allowed")
      : MachineCheck(
        "perf_event_paranoid", value, .limited, "only root may count events",
        remedy: "sysctl kernel.perf_event_paranoid=1")
  }
}
