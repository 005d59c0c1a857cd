import CLinuxShim
import Execution
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

  static func performanceCounter(_ counter: HardwareCounter) -> MachineCheck {
    switch counter {
    case .usable(let processor):
      let note =
        processor.quirks.contains(.hybrid)
        ? "exact in its test; on efficiency cores it isn't: record with --bind-to-cpu" : "exact in its test"
      return MachineCheck("hardware counter", "counts conditional branches (\(processor.name))", .ok, note)
    case .unusable(let reason, let remedy):
      return MachineCheck(
        "hardware counter", reason, .limited, "progress is counted by translating the program's code", remedy: remedy)
    }
  }

  /// `--engine=auto`.
  static func engine(_ counter: HardwareCounter) -> MachineCheck {
    if case .usable = counter {
      return MachineCheck("engine", "auto takes hardware", .ok, "programs run natively")
    }
    return MachineCheck("engine", "auto takes software", .ok, "programs run in a translation, which needs no counter")
  }

  /// Of processors that run on in system-management mode, which nobody sees.
  static func managementMode(_ counter: HardwareCounter) -> [MachineCheck] {
    guard case .usable(let processor) = counter, processor.quirks.contains(.countsInManagementMode),
      text("/sys/devices/cpu/freeze_on_smi") == "0"
    else { return [] }
    return [
      MachineCheck(
        "freeze_on_smi", "0", .limited, "the counter goes on in system-management mode: replays may differ",
        remedy: "echo 1 > /sys/devices/cpu/freeze_on_smi, as root, after every boot")
    ]
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
