import CLinuxShim
import Glibc
import KernelABI
import TraceeControl

/// Starts a tracee as the recorder does, looks at it, and ends it.
enum TracingProbe {
  static func checks() -> [MachineCheck] {
    var checks: [MachineCheck] = []
    if let tracer = tracerOfOurs() {
      checks.append(
        MachineCheck(
          "this process", "traced by process \(tracer)", .limited, "what it starts may be traced already",
          remedy: "run rrs outside of a debugger, strace or another rrs"))
    }
    do {
      let tid = try TraceeSpawner.spawn(
        path: "/proc/self/exe", arguments: ["rrs"], environment: [], options: TraceeSpawner.Options())
      defer { end(tid) }
      checks.append(MachineCheck("ptrace", "allowed", .ok, "rrs can trace what it starts"))
      checks.append(memory(of: tid))
    } catch let error as KernelError {
      checks.append(refused(error))
    } catch {
      checks.append(
        MachineCheck("ptrace", "a test program could not be started: \(error)", .broken, "rrs can't record here"))
    }
    checks.append(yama())
    return checks
  }

  private static func refused(_ error: KernelError) -> MachineCheck {
    MachineCheck(
      "ptrace", "not allowed (\(error))", .broken, "rrs can't trace what it starts",
      remedy: "in a container: --cap-add=SYS_PTRACE --security-opt seccomp=unconfined; else look at yama below")
  }

  private static func memory(of tid: Tid) -> MachineCheck {
    // The vsyscall page aside, every image has its stack: the registers say where.
    guard let registers = try? Ptrace.registers(tid) else {
      return MachineCheck("process_vm_readv", "not tried: the test program is gone", .limited, "try again")
    }
    var word: UInt64 = 0
    let result = rrs_read_memory(tid.rawValue, &word, 8, registers.rsp)
    if result == 8 {
      return MachineCheck("process_vm_readv", "allowed", .ok, "memory of what is recorded is read in one call")
    }
    return MachineCheck(
      "process_vm_readv", "not allowed (\(KernelProbes.errorText(result)))", .broken,
      "rrs can't read the memory of what it records",
      remedy: "allow process_vm_readv(2) in the container's seccomp profile")
  }

  private static func end(_ tid: Tid) {
    kill(tid.rawValue, SIGKILL)
    var status: Int32 = 0
    while true {
      let result = rrs_wait(tid.rawValue, &status, 0)
      if result == -Int(EINTR) { continue }
      if result < 0 { return }
      switch WaitStatus(raw: status) {
      case .exited, .killed: return
      // SIGKILL too has a PTRACE_EVENT_EXIT stop on the way.
      default: try? Ptrace.resume(tid)
      }
    }
  }

  private static func tracerOfOurs() -> String? {
    let lines = KernelProbes.text("/proc/self/status")?.split(separator: "\n") ?? []
    guard let line = lines.first(where: { $0.hasPrefix("TracerPid:") }) else { return nil }
    let number = line.split(whereSeparator: { $0 == "\t" || $0 == " " }).last.map(String.init)
    return number == "0" ? nil : number
  }

  private static func yama() -> MachineCheck {
    guard let value = KernelProbes.text("/proc/sys/kernel/yama/ptrace_scope") else {
      return MachineCheck("yama ptrace_scope", "no yama", .ok, "no limit beside the usual permissions")
    }
    switch value {
    case "0", "1": return MachineCheck("yama ptrace_scope", value, .ok, "a process may trace its children")
    case "2":
      return MachineCheck(
        "yama ptrace_scope", value, geteuid() == 0 ? .ok : .broken, "only root may trace",
        remedy: geteuid() == 0 ? nil : "sysctl kernel.yama.ptrace_scope=1")
    default:
      return MachineCheck(
        "yama ptrace_scope", value, .broken, "nobody may trace until the next boot",
        remedy: "set kernel.yama.ptrace_scope to 1 in /etc/sysctl.d and boot again")
    }
  }
}
